"""The table of exit codes in docs/cli.md, row by row."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import pytest

from tests.support import command
from tests.support.queue import ROOT, Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_BUG = "import sys, queuectl.cli.main as main; main.find = None; sys.exit(main.main(sys.argv[1:]))"


def code_of(queue: Queue, *words: str) -> int:
    return command.run(*words, env=queue.environment).code


def dead_job(queue: Queue) -> int:
    id_ = queue.enqueue("exit 1", "-r", "0")
    queue.drain().wait()
    return code_of(queue, "wait", id_)


def refused(queue: Queue) -> int:
    return code_of(queue, "retry", queue.enqueue("true"))


def unusable_store(queue: Queue) -> int:
    path = queue.directory / "notes"
    path.write_text("no store\n" * 100)
    return code_of(queue, "--db", str(path), "list")


def bug(queue: Queue) -> int:
    return command.run("status", env=queue.environment, program=(sys.executable, "-c", _BUG)).code


def unwritable(queue: Queue) -> int:
    with open("/dev/full", "wb") as full:
        return command.start("status", env=queue.environment, stdout=full).wait()


def interrupted(number: signal.Signals) -> Callable[[Queue], int]:
    def code(queue: Queue) -> int:
        process = queue.begin("logs", queue.enqueue("echo begun; exec sleep 1000"), "--follow")
        queue.start()
        assert process.stdout is not None
        with process.stdout as output:
            assert output.readline() == b"begun\n"
            process.send_signal(number)
            code = process.wait()
            return 128 - code if code < 0 else code  # as a shell has it

    return code


ROWS: dict[int, Callable[[Queue], int]] = {
    0: lambda queue: code_of(queue, "status"),
    1: dead_job,
    2: lambda queue: code_of(queue, "enqueue", "--nosuch"),
    3: lambda queue: code_of(queue, "show", "nosuch"),
    4: refused,
    5: unusable_store,
    70: bug,
    74: unwritable,
    124: lambda queue: code_of(queue, "wait", queue.enqueue("true"), "--timeout", "10ms"),
    130: interrupted(signal.SIGINT),
    143: interrupted(signal.SIGTERM),
}


def test_the_page_has_no_other_codes_than_are_tried_here():
    page = (ROOT / "docs" / "cli.md").read_text()
    table = page.partition("## Errors and exit codes")[2].partition("\n## ")[0]
    codes = [int(code) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE) for code in row.split(",")]
    assert codes == list(ROWS)


@pytest.mark.on_sqlite
@pytest.mark.parametrize("code", ROWS)
def test_a_command_ends_with_the_code_of_the_page(queue: Queue, code: int):
    if code == 74 and not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    assert ROWS[code](queue) == code
