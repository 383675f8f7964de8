"""edit of several jobs: by IDs, by a filter, a view or all; and of what a dry run prints."""

from __future__ import annotations

import json
import stat

import pytest

from tests.support import command
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal
from tests.support.waiting import wait_until


@pytest.fixture
def four(queue: Queue) -> Queue:
    """A store with the jobs `done` (completed), `dead`, `mail` and `waits` (both due in an hour)."""
    queue.enqueue("true", "--id", "done")
    queue.enqueue("false", "--id", "dead", "-r", "0")
    queue.drain().wait()
    queue.enqueue("true", "--id", "mail", "-q", "mail", "--delay", "1h", "--tag", "x")
    queue.enqueue("true", "--id", "waits", "--delay", "1h")
    return queue


def column(queue: Queue, name: str) -> list[object]:
    return [job[name] for job in queue.json("list")]


def test_named_jobs_are_edited_all_or_none(four: Queue):
    assert four.run("edit", "dead", "mail", "--priority", "3").stdout == "dead dead\nmail pending\n"
    assert column(four, "priority") == [0, 3, 3, 0]
    refused = command.run("edit", "mail", "dead", "--max-retries", "9", "-p", "4", env=four.environment)
    refused.refused(2, "job dead is dead: --max-retries has an effect only if it runs again")
    command.run("edit", "mail", "nope", "-p", "4", env=four.environment).refused(3, "no job nope")
    assert column(four, "priority") == [0, 3, 3, 0]

    document = four.json("edit", "mail", "waits", '{"priority": 3, "tags": ["y"]}')

    assert {key: document[key] for key in ("action", "matched", "changed", "unchanged", "skipped")} == {
        "action": "edit", "matched": 2, "changed": 2, "unchanged": 0, "skipped": 0,
    }  # fmt: skip
    assert [job["tags"] for job in document["jobs"]] == [["y"], ["y"]]
    assert four.json("edit", "mail", "waits", "--tag", "y")["unchanged"] == 2
    four.run("undo")
    assert column(four, "tags") == [[], [], ["x"], []]


def test_a_selection_is_edited_at_once_with_one_undo_and_one_event(four: Queue):
    changes = ("--timeout", "90", "--queue", "slow", "-e", "A=1")
    done = four.run("edit", "--filter", "!state:completed", *changes)

    assert done.stdout == "3 jobs edited (slow 3)\n"
    assert column(four, "queue") == ["default", "slow", "slow", "slow"]
    assert column(four, "timeout") == [None, 90, 90, 90]
    (event,) = [each for each in four.json("history") if each["verb"] == "edit"]
    assert (event["subject"], event["detail"]) == (None, "3 jobs: --filter !state:completed")
    assert "A=***" in event["command"]
    again = four.json("edit", "--filter", "!state:completed", *changes)
    assert (again["changed"], again["unchanged"], again["undo"]) == (0, 3, None)

    four.run("undo")

    assert column(four, "queue") == ["default", "default", "mail", "default"]
    assert column(four, "env") == [{}, {}, {}, {}]


def test_all_values_of_a_selection_can_be_set_and_removed(four: Queue):
    given = ["--command", "echo new", "-p", "5", "--max-retries", "7", "--timeout", "5", "--cwd", "/tmp"]
    given += ["-e", "A=1", "--shell", "bash", "--tag", "t", "--needs", "gpu", "--at", "2040-01-01T00:00:00Z"]
    four.run("edit", "--filter", "id:mail", *given)

    (job,) = four.json("list", "--filter", "id:mail")
    assert (job["command"], job["priority"], job["max_retries"], job["timeout"]) == ("echo new", 5, 7, 5)
    assert (job["cwd"], job["env"], job["shell"], job["tags"], job["needs"]) == (
        "/tmp", {"A": "***"}, "bash", ["t"], ["gpu"],
    )  # fmt: skip
    assert job["run_at"] == "2040-01-01T00:00:00.000Z"

    nothing = {"timeout": None, "cwd": None, "env": None, "shell": None, "tags": None, "needs": None}
    four.run("edit", "--filter", "id:mail", json.dumps(nothing))

    (job,) = four.json("list", "--filter", "id:mail")
    assert (job["timeout"], job["cwd"], job["env"], job["shell"], job["tags"], job["needs"]) == (
        None, None, {}, None, [], [],
    )  # fmt: skip
    assert (job["command"], job["priority"]) == ("echo new", 5)


def test_jobs_of_a_selection_that_an_edit_cannot_change_are_skipped(four: Queue):
    done = four.run("edit", "--all", "--max-retries", "9")

    assert done.stdout == "2 jobs edited (default 1, mail 1); 2 skipped, as their state does not allow it\n"
    assert column(four, "max_retries") == [3, 0, 9, 9]


def test_a_selection_runs_again_with_its_changes(four: Queue):
    four.run("view", "save", "broken", "state:dead")
    assert four.run("edit", "--view", "broken", "--command", "true", "--retry").stdout == "1 job edited (default 1)\n"

    four.start()

    assert four.wait_for("dead") == "completed"


def test_a_snapshot_of_this_environment_is_given_to_a_selection(four: Queue):
    four.environment["LANG"] = "eo"
    before = four.json("edit", "--all", "--env-from-here", "--dry-run")
    done = four.json("edit", "--all", "--env-from-here")

    assert before["changed"] == done["changed"] == 4
    assert four.json("edit", "--all", "--env-from-here")["unchanged"] == 4


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--all",), 2, "several jobs cannot be opened in an editor"),
        (("mail", "waits"), 2, "several jobs cannot be opened in an editor"),
        (("mail", "--dry-run"), 2, "no change is given"),
        (("-p", "3"), 2, "no job is named"),
        (("mail", "--filter", "state:dead", "-p", "3"), 2, "cannot be combined"),
        (("--all", "--filter", "state:dead", "-p", "3"), 2, "--all selects every job"),
        (("--all", "-p", "3000"), 2, "--priority must be"),
        (("--view", "nope", "-p", "3"), 3, "no view nope"),
    ],
)
def test_a_wrong_edit_of_several_jobs_is_refused(four: Queue, words: tuple[str, ...], code: int, message: str):
    env = four.environment | {"EDITOR": "false", "TERM": "xterm"}
    command.run("edit", *words, env=env).refused(code, message)

    screen, ended = on_a_terminal("edit", *words, env=env)

    assert (ended, message in screen) == (code, True), screen


def test_a_large_edit_must_be_confirmed(queue: Queue):
    queue.run("enqueue", "--lines", "-f", "-", "--delay", "1h", given="true\n" * 1001)
    words = ("edit", "--all", "-p", "3")
    command.run(*words, env=queue.environment).refused(2, "edit of 1,001 jobs must be confirmed")
    env = queue.environment | {"TERM": "xterm"}

    screen, code = on_a_terminal(*words, env=env, typed={"[y/N]": "n\n"})
    assert (code, "Edit 1,001 jobs (1,001 pending)? This can be undone" in screen) == (4, True), screen
    assert queue.json(*words, "--yes")["changed"] == 1001


@pytest.mark.parametrize(
    ("words", "after"),
    [
        (("cancel", "done", "mail"), "cancelled"),
        (("retry", "mail", "dead"), "retried"),
        (("delete", "dead", "waits"), "deleted"),
        (("hold", "mail", "dead"), "held"),
        (("release", "dead"), "released"),
        (("priority", "mail", "done", "4"), "priority"),
        (("edit", "mail", "dead", "--max-retries", "9"), "--max-retries"),
    ],
)
def test_a_dry_run_of_ids_refuses_what_the_command_refuses(four: Queue, words: tuple[str, ...], after: str):
    before, events = four.json("list"), four.json("history")

    dry = four.run(*words, "--dry-run", code=None)
    wet = four.run(*words, code=None)

    assert (dry.returncode, dry.stderr) == (wet.returncode, wet.stderr)
    assert dry.returncode in {2, 4}
    assert after in dry.stderr
    assert (four.json("list"), four.json("history")) == (before, events)


@pytest.mark.parametrize(
    "words",
    [
        ("cancel", "mail", "waits"),
        ("retry", "done", "dead"),
        ("delete", "done", "dead"),
        ("hold", "mail", "waits"),
        ("priority", "mail", "waits", "4"),
        ("edit", "mail", "dead", "-p", "9"),
        ("priority", "4", "--all"),
        ("edit", "--all", "-p", "9"),
        ("edit", "--all", "--max-retries", "9"),
    ],
)
def test_a_dry_run_tells_what_the_command_does_and_changes_nothing(four: Queue, words: tuple[str, ...]):
    four.run("edit", "waits", "-p", "9")
    before, events, undos = four.json("list"), four.json("history"), four.json("undo", "--list")

    dry = four.json(*words, "--dry-run")
    ids = four.run(*words, "--dry-run", "--print-ids").stdout

    assert (four.json("list"), four.json("history"), four.json("undo", "--list")) == (before, events, undos)
    assert ids == four.run(*words, "--print-ids").stdout
    if words[0] != "delete":
        four.run("undo")
    wet = four.json(*words) if words[0] != "delete" else dry
    assert {key: dry[key] for key in ("matched", "changed", "unchanged", "skipped")} == {
        key: wet[key] for key in ("matched", "changed", "unchanged", "skipped")
    }


def test_the_text_of_an_editor_is_kept_when_the_job_has_begun_meanwhile(queue: Queue):
    go, editor, kept = queue.directory / "go", queue.directory / "editor", queue.directory / "kept"
    kept.mkdir()
    queue.enqueue(f"until [ -e {go} ]; do sleep 0.02; done", "--id", "a", "--delay", "1h")
    queue.start()
    text = '{"command": "echo long work"}'
    other = f'"{command.MODULE[0]}" -m queuectl.cli'
    begin = f"{other} edit a --retry >/dev/null; until {other} show a | grep -q processing; do sleep 0.05; done"
    editor.write_text(f"#!/bin/sh\n{begin}\necho '{text}' > \"$1\"\n")
    editor.chmod(stat.S_IRWXU)
    env = queue.environment | {"EDITOR": str(editor), "TERM": "xterm", "TMPDIR": str(kept)}

    screen, code = on_a_terminal("edit", "a", env=env, columns=1000)

    (file,) = kept.iterdir()
    assert (code, "job a is running and cannot be edited" in screen) == (4, True), screen
    assert f'queuectl edit a "$(cat {file})"' in screen
    assert file.read_text() == f"{text}\n"
    go.touch()
    wait_until(lambda: queue.state("a") == "completed")
