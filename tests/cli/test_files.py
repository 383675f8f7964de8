"""Enqueue a file of jobs: all of it or nothing of it, and wrong lines by their number."""

from __future__ import annotations

import json
import select
import shutil
import signal
import subprocess

import pytest

from queuectl.operations import enqueue_file
from tests.support import command
from tests.support.command import has_opened_its_store
from tests.support.queue import QUEUECTL, Queue
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def jobs(queue: Queue) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = queue.json("list", "--limit", "0")
    return found


def test_each_line_is_a_job_and_blank_lines_are_skipped(queue: Queue):
    text = '{"id":"a","command":"echo a"}\n\n  \n {"command":"echo 2","priority":3}\t\n{"id":"c","command":"c"}'

    assert queue.run("enqueue", "-f", "-", given=text).stdout.split() == ["a", "2", "c"]

    assert [(job["id"], job["command"], job["priority"]) for job in jobs(queue)] == [
        ("a", "echo a", 0),
        ("2", "echo 2", 3),
        ("c", "c", 0),
    ]


@pytest.mark.on_sqlite
@pytest.mark.parametrize("store", ["absent", "no store at all"])
def test_an_invalid_line_is_reported_before_the_store_is_opened(queue: Queue, store: str):
    path = queue.directory / "other.db"
    if store != "absent":
        path.write_bytes(b"this is no database" * 100)

    wrong = queue.run("--db", str(path), "enqueue", "-f", "-", given="bad\n", code=2)

    assert "line 1" in wrong.stderr
    assert "nothing was enqueued" in wrong.stderr
    assert path.exists() == (store != "absent")


def test_each_line_is_a_shell_command_byte_for_byte(queue: Queue):
    lines = ["echo 'a  b' # {", "  indented", '{"command": "echo"}', "trailing blanks  ", "\u2028 \x0b \x1c é", "\\"]

    queue.run("enqueue", "--lines", "-f", "-", given="\n".join(lines) + "\n")

    assert [job["command"] for job in jobs(queue)] == lines


def test_a_byte_order_mark_and_carriage_returns_are_no_part_of_a_command(queue: Queue):
    queue.run("enqueue", "--lines", "-f", "-", given=b"\xef\xbb\xbfecho a\r\necho b\r\r\n\r\n")

    assert [job["command"] for job in jobs(queue)] == ["echo a", "echo b\r"]


def test_a_byte_order_mark_before_any_job_is_skipped(queue: Queue):
    mark = "\ufeff"
    queue.run("enqueue", "--lines", "-f", "-", given=f"{mark}echo a\n{mark}echo b\n{mark}\n{mark}# no job\n")
    queue.run("enqueue", "-f", "-", given=f'{mark}{{"command":"echo c"}}\n{mark}{{"command":"{mark}echo d"}}\n')
    queue.run("enqueue", f'{mark}{{"command":"echo e"}}')
    queue.run("enqueue", f"{mark}echo f")
    queue.run("edit", "6", f'{mark}{{"priority": 1}}')
    queue.run("edit", "5", "--command", f"{mark}echo g")
    assert [job["command"] for job in jobs(queue)] == ["echo a", "echo b", "echo c", "echo d", "echo g", "echo f"]
    for blank in (mark, f"{mark} ", f'{{"command": "{mark}"}}'):
        command.run("enqueue", blank, env=queue.environment).refused(2, "command must not be empty")


def test_a_byte_order_mark_within_a_command_is_kept(queue: Queue):
    queue.run("enqueue", "printf '\ufeffa,b'")
    assert [job["command"] for job in jobs(queue)] == ["printf '\ufeffa,b'"]


def test_comments_among_commands_are_skipped_and_lines_keep_their_numbers(queue: Queue):
    queue.run("enqueue", "--lines", "-f", "-", given="#!/bin/sh\n  # two\necho a # three\n\t#\n")
    assert [job["command"] for job in jobs(queue)] == ["echo a # three"]
    done = command.run("enqueue", "--lines", "-f", "-", env=queue.environment, given=b"# one\n0 3 * * * x\n")
    done.refused(2, "line 2: ")


def test_carriage_returns_end_the_lines_of_a_file_without_newlines(queue: Queue):
    queue.run("enqueue", "--lines", "-f", "-", given=b"echo a\r# b\r\recho c")
    queue.run("enqueue", "-f", "-", given=b'{"command":"echo d"}\r{"command":"echo e"}\r')
    queue.run("enqueue", "--lines", "-f", "-", given=b"printf 'f\rg'\n")
    assert [job["command"] for job in jobs(queue)] == ["echo a", "echo c", "echo d", "echo e", "printf 'f\rg'"]
    done = command.run("enqueue", "-f", "-", env=queue.environment, given=b'{"command":"a"}\r{}\r')
    done.refused(2, "line 2: ")


@pytest.mark.parametrize(
    ("words", "given", "commands"),
    [
        (("--lines",), b"printf 'f\rg'", ["printf 'f\rg'"]),
        (("--lines",), b"echo a\r", ["echo a"]),
        (("--lines",), b"echo a\recho b\r", ["echo a", "echo b"]),
        ((), b'{"command":"echo a"}\r{"command":"echo b"}', ["echo a", "echo b"]),
    ],
)
def test_one_carriage_return_within_a_command_does_not_end_it(
    queue: Queue, words: tuple[str, ...], given: bytes, commands: list[str]
):
    queue.run("enqueue", *words, "-f", "-", given=given)

    assert [job["command"] for job in jobs(queue)] == commands


ARRAY = '[{"command": "echo a"}, {"command": "echo b"}]'
OTHER_FORMATS = {
    "an array": (ARRAY, ".[]"),
    "an array over lines": (json.dumps(json.loads(ARRAY), indent=2), ".[]"),
    "an array and the first job on its line": ('[{"command": "echo a"},\n{"command": "echo b"}]', ".[]"),
    "objects over lines": ('{\n  "command": "echo a"\n}\n{\n"command": "echo b"\n}\n', "."),
    "an object that goes on": ('{"command": "echo a",\n"priority": 1}\n{"command": "echo b"}', "."),
}


@pytest.mark.parametrize("what", OTHER_FORMATS)
def test_json_that_is_not_one_object_a_line_is_recognised_and_the_hint_works(queue: Queue, what: str):
    text, expression = OTHER_FORMATS[what]
    (queue.directory / "my jobs").write_text(text)

    done = command.run("enqueue", "-f", "my jobs", env=queue.environment, cwd=queue.directory)

    done.refused(2, "line 1: ", "JSON")
    hint = done.err.splitlines()[1].removeprefix("hint: ")
    assert hint == f"jq -c '{expression}' 'my jobs' | queuectl enqueue -f -"
    assert jobs(queue) == []
    if shutil.which("jq"):
        line = hint.replace("queuectl", QUEUECTL)
        subprocess.run(["sh", "-c", line], env=queue.environment, cwd=queue.directory, check=True, capture_output=True)
        assert [job["command"] for job in jobs(queue)] == ["echo a", "echo b"]


@pytest.mark.parametrize("what", ["an array", "an array over lines", "objects over lines"])
def test_json_among_shell_commands_is_recognised(queue: Queue, what: str):
    done = command.run("enqueue", "--lines", "-f", "-", env=queue.environment, given=OTHER_FORMATS[what][0].encode())
    done.refused(2, "line 1: ", "JSON")
    assert f"jq -c '{OTHER_FORMATS[what][1]}' | queuectl enqueue -f -" in done.err
    assert jobs(queue) == []


@pytest.mark.parametrize("line", ["*/5 * * * * /bin/a", "0 3 1,15 * mon-fri a", "  @daily a", "30\t4 * jan 0-6/2 a"])
@pytest.mark.parametrize("lines", [(), ("--lines",)])
def test_a_line_of_a_crontab_is_recognised(queue: Queue, line: str, lines: tuple[str, ...]):
    done = command.run("enqueue", *lines, "-f", "-", env=queue.environment, given=line.encode())
    done.refused(2, "line 1: ", "crontab")
    assert jobs(queue) == []


def test_commands_that_resemble_other_formats_are_accepted(queue: Queue):
    lines = ["[ -f x ] && y", "{ echo a; }", "[[ -f x ]]", "5 apples", "1 2 3 4 5", "*.sh", "@daily"]
    queue.run("enqueue", "--lines", "-f", "-", given="\n".join(lines))
    assert [job["command"] for job in jobs(queue)] == lines


def test_an_array_in_place_of_a_job_gets_a_hint_for_many_jobs(queue: Queue):
    done = command.run("enqueue", ARRAY, env=queue.environment)
    done.refused(2, "the job must be a JSON object, not an array")
    assert "jq -c '.[]' | queuectl enqueue -f -" in done.err


def test_options_set_keys_that_a_line_leaves_out(queue: Queue):
    text = '{"command":"a"}\n{"command":"b","queue":"own","delay":5}\n'

    queue.run("enqueue", "-q", "mail", "--at", "2030-01-01T00:00:00Z", "--tag", "t", "-r", "0", "-f", "-", given=text)

    first, second = jobs(queue)
    assert (first["queue"], first["run_at"], first["tags"]) == ("mail", "2030-01-01T00:00:00.000Z", ["t"])
    assert (second["queue"], second["run_at"] < "2029", second["tags"]) == ("own", True, ["t"])
    assert first["cwd"] == second["cwd"] == str(queue.directory)


def test_an_empty_file_enqueues_nothing_without_an_error(queue: Queue):
    done = queue.run("enqueue", "-f", "/dev/null")
    assert (done.stdout, done.stderr) == ("", "no jobs in /dev/null\n")
    assert queue.run("enqueue", "--lines", "-f", "-", given="\n \n").stderr == "no jobs in standard input\n"
    assert queue.json("enqueue", "-f", "/dev/null") == []


def test_json_prints_an_array_of_records(queue: Queue):
    records = json.loads(queue.run("enqueue", "--lines", "-f", "-", "--json", given="a\nb\n").stdout)

    assert [record["command"] for record in records] == ["a", "b"]


BAD_LINES = {
    "invalid JSON": (b'{"command":"a"}\n{"command":\n{"command":"c"}', 2, "line 2: the job is not valid JSON"),
    "an unknown key": (b'\n{"command":"a"}\n{"command":"b","x":1}', 2, "line 3: unknown key 'x'"),
    "no object": (b'{"command":"a"}\n"b"', 2, "line 2: the job must be a JSON object"),
    "two objects on a line": (b'{"command":"a"} {"command":"b"}', 2, "line 1: the job is not valid JSON: Extra data"),
    "an object over two lines": (b'{"command":\n"a"}', 2, "line 1: "),
    "a NUL": (b'{"command":"a"}\n{"command":"a\\u0000"}', 2, "line 2: command must not contain a NUL"),
    "bytes that are no text": (b'{"command":"a"}\n{"command":"\xff"}', 2, "line 2: not valid UTF-8"),
    "an id that is there twice": (
        b'{"id":"a","command":"a"}\n{"command":"b"}\n{"id":"a","command":"c"}',
        4,
        "line 3: job a is on line 1 already",
    ),
    "an id that is taken": (b'{"command":"a"}\n{"id":"taken","command":"b"}', 4, "line 2: job taken already exists"),
}


@pytest.mark.parametrize("what", BAD_LINES)
def test_a_bad_line_refuses_the_whole_file_by_its_number(queue: Queue, what: str):
    text, code, message = BAD_LINES[what]
    queue.enqueue("true", "--id", "taken")

    command.run("enqueue", "-f", "-", env=queue.environment, given=text).refused(code, message, "nothing was enqueued")

    assert [job["id"] for job in jobs(queue)] == ["taken"]


def test_a_nul_in_a_shell_line_is_refused_by_its_number(queue: Queue):
    done = command.run("enqueue", "--lines", "-f", "-", env=queue.environment, given=b"a\nb\0\n")

    done.refused(2, "line 2: command must not contain a NUL")


def test_an_existing_id_late_in_a_long_file_refuses_all_of_it(queue: Queue):
    queue.enqueue("true", "--id", "taken")
    lines = [f'{{"id":"job{n}","command":"true"}}' for n in range(enqueue_file.BATCH + 10)]
    lines[-3] = '{"id":"taken","command":"true"}'

    done = command.run("enqueue", "-f", "-", env=queue.environment, given="\n".join(lines).encode())

    done.refused(4, f"line {len(lines) - 2}: job taken already exists; nothing was enqueued")
    assert queue.json("status")["total"] == 1


def test_more_than_one_batch_is_stored_in_order(queue: Queue):
    count = enqueue_file.BATCH + 5

    out = queue.run("enqueue", "--lines", "-f", "-", given="\n".join(f"echo {n}" for n in range(count))).stdout

    assert out.split() == [str(n) for n in range(1, count + 1)]
    assert queue.json("status")["jobs"]["pending"] == count
    assert queue.json("list", "--limit", "1")[0]["command"] == f"echo {count - 1}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_file_says_how_many_of_its_jobs_are_stored(queue: Queue, number: signal.Signals):
    (queue.directory / "lines").write_text("true\n" * (2 * enqueue_file.BATCH))
    env = queue.environment | {"PYTHONUNBUFFERED": "1"}
    running = command.start("enqueue", "--lines", "-f", "lines", env=env, cwd=queue.directory)
    assert running.stdout is not None
    # The ids of the first batch do not fit into the pipe, so the second has not begun.
    select.select([running.stdout], [], [])

    running.send_signal(number)
    out, err = running.communicate()

    assert running.returncode == 128 + number
    assert err.decode() == f"error: interrupted; {enqueue_file.BATCH:,} jobs were enqueued\n"
    assert len(out.split()) == enqueue_file.BATCH == queue.json("status")["total"], "each id that is stored is printed"


@pytest.mark.on_sqlite
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_file_that_waits_for_the_lock_is_interrupted_at_once(queue: Queue, number: signal.Signals):
    queue.run("status")
    with queue.locked():
        running = command.start("enqueue", "--lines", "-f", "-", env=queue.environment, stdin=subprocess.PIPE)
        assert running.stdin is not None
        running.stdin.write(b"true\n")
        running.stdin.close()
        wait_until(lambda: has_opened_its_store(running))

        running.send_signal(number)

        assert running.wait(120) == 128 + number
    assert running.stderr is not None
    assert running.stderr.read() == b"error: interrupted; nothing was enqueued\n"
    assert queue.json("status")["total"] == 0


def test_a_closed_pipe_does_not_stop_a_file_of_jobs(queue: Queue):
    count = enqueue_file.BATCH + 5
    (queue.directory / "lines").write_text("\n".join(f"echo {n}" for n in range(count)))

    done = subprocess.run(
        ["sh", "-c", f"'{QUEUECTL}' enqueue --lines -f lines | head -n 1"],
        env=queue.environment,
        cwd=queue.directory,
        capture_output=True,
        text=True,
        check=True,
    )

    assert (done.stdout, done.stderr) == ("1\n", "")
    assert queue.json("status")["total"] == count
