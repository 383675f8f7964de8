"""What --json and --json-lines print is what docs/json.md and docs/json-schema.json describe."""

from __future__ import annotations

import json
import signal

import pytest

from queuectl.cli import json_reference, json_schema
from queuectl.operations import WHERE
from queuectl.store.location import is_url
from tests.support.json_cases import printed
from tests.support.queue import ROOT, Queue
from tests.support.schemas import FILE, problems
from tests.support.terminal import on_a_terminal
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from typing import Any

ON_SQLITE_ONLY = {"tui", "backup", "selftest", "migrate"}


def test_the_schemas_are_up_to_date():
    made = json.dumps(json_schema.schemas(), ensure_ascii=False, indent=2) + "\n"

    assert FILE.read_text() == made, "run: .venv/bin/python -m queuectl.cli.json_schema > docs/json-schema.json"


def test_the_page_is_up_to_date():
    page = (ROOT / "docs" / "json.md").read_text()

    assert page == json_reference.reference(), "run: .venv/bin/python -m queuectl.cli.json_reference > docs/json.md"


def test_the_page_has_an_example_of_every_command_that_its_schema_allows():
    examples = json.loads((ROOT / "docs" / "json-examples.json").read_text())

    wrong = [error for name, each in examples.items() for one in each for error in problems(name, one["document"])]
    assert not wrong, "run: .venv/bin/python -m tests.support.json_cases > docs/json-examples.json"
    assert examples.keys() >= {*WHERE, "help", "version", "error"}


def test_every_command_prints_what_its_schema_describes(queue: Queue, request: pytest.FixtureRequest):
    target = None if is_url(queue.path) else request.getfixturevalue("database")
    seen: set[str] = set()
    wrong: list[str] = []
    for case, documents in printed(queue, target):
        seen.add(case.name)
        assert documents or case.lines, case.words
        for document in documents:
            found = problems(case.name, document, lines=case.lines and case.name != "error")
            wrong += [f"{' '.join(case.words)}: {each}" for each in found]

    assert wrong == []
    expected = {*WHERE, "help", "version", "error"} - (ON_SQLITE_ONLY if is_url(queue.path) else set())
    assert seen == expected, "every command has a case in tests/support/json_cases.py"


def test_an_element_that_the_schema_does_not_name_is_a_problem():
    assert problems("version", {"schema": 1, "version": "1"}) == []
    assert problems("version", {"schema": 1, "version": "1", "more": 1})
    assert problems("version", {"version": "1"})
    assert problems("version", {"schema": 1})
    assert problems("list", [{"id": "a"}])


def test_json_lines_have_the_version_and_elements_of_an_array_have_not(queue: Queue):
    ids = [queue.enqueue("true") for _ in range(3)]

    lines = [json.loads(line) for line in queue.run("list", "--json-lines").stdout.splitlines()]

    assert [line.pop("schema") for line in lines] == [1, 1, 1]
    assert lines == queue.json("list")
    assert [line["id"] for line in lines] == ids


@pytest.mark.on_sqlite
def test_json_and_json_lines_together_are_refused(queue: Queue):
    done = queue.run("list", "--json", "--json-lines", code=2)

    assert "--json and --json-lines cannot be combined" in done.stderr
    assert json.loads(done.stdout)["error"]["code"] == "usage"


@pytest.mark.on_sqlite
def test_on_a_terminal_a_document_is_indented_and_a_line_is_a_line(queue: Queue):
    env = queue.environment | {"TERM": "xterm"}

    assert on_a_terminal("version", "--json", env=env)[0].startswith('{\n  "schema": 1,\n')
    assert on_a_terminal("version", "--json-lines", env=env)[0].count("\n") == 1
    screen, code = on_a_terminal("show", "nosuch", "--json-lines", env=env)
    assert code == 3
    assert [line for line in screen.splitlines() if line.startswith('{"schema": 1, "error": {')]


def _next(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    line: dict[str, Any] = json.loads(process.stdout.readline())
    return line


def test_logs_follow_prints_each_line_as_it_comes(queue: Queue):
    go = queue.directory / "go"
    id_ = queue.enqueue(f"echo one; while [ ! -e '{go}' ]; do sleep 0.05; done; printf 'zwei ü'; exit 3", "-r", "0")
    queue.start()

    with queue.begin("logs", id_, "--follow", "--json-lines", "--exit-code") as following:
        first = _next(following)
        assert queue.state(id_) == "processing", "it is printed while the job runs"
        go.touch()
        second = _next(following)
        assert following.wait() == 3

    assert first == {"schema": 1, "id": id_, "attempt": 1, "stream": "stdout", "text": "one\n", "left_out_bytes": 0}
    assert second == first | {"text": "zwei ü"}


def test_status_watch_prints_a_line_each_second_until_it_is_interrupted(queue: Queue):
    queue.enqueue("true")

    with queue.begin("status", "--watch", "--json-lines") as watching:
        assert _next(watching)["total"] == 1
        queue.enqueue("true")
        wait_until(lambda: _next(watching)["total"] == 2)
        watching.send_signal(signal.SIGINT)
        assert watching.wait() == 0


def test_a_long_history_is_listed_whole_and_in_order(queue: Queue):
    with queue.context.store.database.transaction():
        for n in range(2500):
            queue.context.store.events.note(1000 + n, "hold", f"job{n}" if n % 2 else "even")

    def subjects(*words: str) -> list[str]:
        lines = queue.run("history", *words, "--json-lines").stdout.splitlines()
        return [json.loads(line)["subject"] for line in lines]

    assert subjects("--limit", "0") == [f"job{n}" if n % 2 else "even" for n in range(2500)]
    assert subjects("--limit", "3") == ["job2497", "even", "job2499"]
    assert len(subjects("--limit", "2000")) == 2000
    assert subjects("even", "--limit", "0") == ["even"] * 1250
    assert subjects("job7") == ["job7"]
    assert subjects("even", "--limit", "1249") == ["even"] * 1249
