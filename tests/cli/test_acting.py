"""cancel, retry, delete, prune, the dead letter queue, settings, doctor and backup through the command line."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from queuectl.cli.documents import write
from queuectl.cli.screen import Screen
from queuectl.domain.errors import Refused
from tests.support import command
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


@pytest.fixture
def mixed(queue: Queue) -> Queue:
    """A store with three jobs: `done` (completed), `dead` (its command does not exist) and `waits` (due in an hour)."""
    queue.enqueue("true", "--id", "done")
    queue.enqueue("nonexistent-cmd", "--id", "dead", "-r", "0", "-q", "mail")
    queue.drain().wait()
    queue.enqueue("true", "--id", "waits", "--delay", "1h")
    return queue


def states(queue: Queue) -> dict[str, str]:
    return {job["id"]: job["state"] for job in queue.json("list")}


@pytest.mark.on_sqlite
def test_an_unknown_queuectl_variable_is_reported(queue: Queue):
    queue.environment |= {"QUEUECTL_MAX_RETRY": "7", "QUEUECTL_COLOUR": "blue", "QUEUECTL_LEASE": "40"}
    queue.enqueue("true")

    assert queue.run("config", "list").stderr.splitlines() == [
        "note: the variable QUEUECTL_COLOUR is set, but is not a setting",
        "note: the variable QUEUECTL_MAX_RETRY is set, but is not a setting; did you mean QUEUECTL_MAX_RETRIES?",
    ]
    checks = [each for each in queue.json("doctor", code=1)["checks"] if each["name"] == "environment"]
    assert [(each["ok"], each["cure"]) for each in checks] == [
        (True, None),
        (False, "rename it to QUEUECTL_MAX_RETRIES, or unset it"),
    ]


@pytest.mark.parametrize("wrong", ["dead", "missing"])
@pytest.mark.parametrize(
    "words",
    [
        ("cancel", "waits", "other"),
        ("hold", "waits", "other"),
        ("release", "kept"),
        ("priority", "waits", "other", "7"),
        ("retry", "done"),
        ("delete", "done"),
        ("dlq", "retry", "dead2"),
    ],
    ids=lambda words: words[0],
)
def test_an_operation_on_several_jobs_changes_all_or_none(mixed: Queue, words: tuple[str, ...], wrong: str):
    verb = words[:2] if words[0] == "dlq" else words[:1]
    if wrong == "dead" and verb in {("retry",), ("delete",), ("dlq", "retry")}:
        wrong = "waits"
    mixed.enqueue("true", "--id", "other", "--delay", "1h")
    mixed.enqueue("true", "--id", "kept", "--delay", "1h")
    mixed.enqueue("exit 1", "--id", "dead2", "-r", "0", "-q", "mail")
    mixed.drain("--queue", "mail").wait()
    mixed.run("hold", "kept")
    before = mixed.json("list")
    # The wrong ID is between valid ones: neither those before it nor those after it may be changed.
    place = len(verb) + 1

    done = command.run(*words[:place], wrong, *words[place:], env=mixed.environment)

    done.refused(3 if wrong == "missing" else 4, wrong)
    assert done.out == ""
    assert mixed.json("list") == before
    assert [each["verb"] for each in mixed.json("undo", "--list")] == ["hold"]


def test_a_wait_for_a_job_that_does_not_exist_ends_before_it_waits(mixed: Queue):
    command.run("wait", "waits", "missing", env=mixed.environment).refused(3, "no job missing")


def test_cancel_ends_waiting_and_running_jobs_together(queue: Queue):
    queue.start()
    queue.enqueue("sleep 300", "--id", "runs")
    queue.wait_for("runs", "processing")
    queue.enqueue("true", "--id", "waits")

    answer = queue.run("cancel", "waits", "runs", "waits").stdout

    # Its worker may have ended it before the answer is printed.
    assert answer in {"waits cancelled\nruns cancelling\n", "waits cancelled\nruns cancelled\n"}

    assert queue.wait_for("runs") == "cancelled"
    assert queue.json("undo")["ids"] == ["waits"]


class _Document:
    def document(self) -> dict[str, int]:
        return {"deleted": 1}


def test_an_error_within_an_array_is_its_last_element(capsys: pytest.CaptureFixture[str]):
    def found() -> Iterator[Any]:
        yield _Document()
        raise Refused("the second cannot be read")

    screen = Screen(sys.stdout, sys.stderr)
    with pytest.raises(Refused):
        write(found(), screen)

    assert json.loads(capsys.readouterr().out) == [
        {"deleted": 1},
        {"error": {"code": "refused", "message": "the second cannot be read"}},
    ]
    assert screen.error_written


def test_retry_changes_all_jobs_or_none(mixed: Queue):
    command.run("retry", "done", "waits", env=mixed.environment).refused(
        4, "job waits is pending and cannot be retried"
    )
    command.run("retry", "done", "missing", env=mixed.environment).refused(3, "no job missing")
    assert states(mixed)["done"] == "completed"

    assert mixed.run("retry", "done", "dead", "done").stdout == "done pending\ndead pending\n"

    record = mixed.json("show", "dead")
    assert (record["state"], record["attempts"], len(record["history"])) == ("pending", 0, 1)


def test_a_retried_job_wakes_an_idle_worker(mixed: Queue):
    mixed.run("config", "set", "poll_interval", "60")
    mixed.start()

    mixed.run("retry", "done")

    assert mixed.wait_for("done", "completed")


def test_delete_removes_all_jobs_or_none(mixed: Queue):
    command.run("delete", "done", "waits", env=mixed.environment).refused(
        4, "job waits is pending and cannot be deleted"
    )
    assert "done" in states(mixed)

    assert mixed.run("delete", "done", "dead").stdout == "2 jobs deleted\n"

    assert states(mixed) == {"waits": "pending"}


def test_prune_deletes_jobs_that_finished_long_ago(mixed: Queue):
    assert mixed.run("prune", "--state", "completed", "--older-than", "1h").stdout == "0 jobs deleted\n"
    assert mixed.json("prune", "-s", "completed", "-s", "dead", "--older-than", "0")["changed"] == 2
    assert states(mixed) == {"waits": "pending"}


def test_prune_asks_a_person_first_and_a_script_is_not_asked(mixed: Queue):
    words, env = ("prune", "-s", "completed", "-s", "dead", "--older-than", "0"), mixed.environment | {"TERM": "xterm"}
    asked = "Delete 2 jobs (completed, dead) and their history? This cannot be undone. [y/N] "

    screen, code = on_a_terminal(*words, env=env, typed={asked: "n\n"})
    assert (code, "not confirmed, so nothing was done" in screen) == (4, True), screen
    assert set(states(mixed)) == {"done", "dead", "waits"}
    screen, code = on_a_terminal(*words, env=env, typed={asked: "y\n"})
    assert (code, "2 jobs deleted" in screen) == (0, True), screen
    screen, code = on_a_terminal(*words, env=env)
    assert (code, "[y/N]" in screen) == (0, False), "there is nothing to lose"

    mixed.enqueue("true", "--id", "gone")
    mixed.run("cancel", "gone")
    screen, code = on_a_terminal("prune", "-s", "cancelled", "--older-than", "0", "--yes", env=env)
    assert (code, "[y/N]" in screen) == (0, False)
    assert states(mixed) == {"waits": "pending"}


@pytest.mark.parametrize(
    "words",
    [
        ("prune", "-s", "completed", "--older-than", "0"),
        ("config", "set", "lease", "20"),
        ("config", "unset", "max_retries"),
        ("view", "save", "new", "state:dead"),
        ("view", "delete", "old"),
    ],
    ids=" ".join,
)
def test_undo_after_an_action_that_cannot_be_undone_is_refused(mixed: Queue, words: tuple[str, ...]):
    mixed.run("config", "set", "max_retries", "2")
    mixed.run("view", "save", "old", "state:dead")
    mixed.run("hold", "waits")
    verb = words[0] if words[0] == "prune" else " ".join(words[:2])

    mixed.run(*words)

    done = command.run("undo", env=mixed.environment)
    done.refused(4, f"the last action was {verb}, which cannot be undone")
    assert "hint: queuectl undo --list" in done.err
    assert states(mixed)["waits"] == "held"
    assert [each["verb"] for each in mixed.json("undo", "--list")] == ["hold"]


def test_dlq_list_gives_the_reason(mixed: Queue):
    record = mixed.json("dlq", "list")[0]

    assert record["id"] == "dead"
    assert record["reason"].startswith("exit 127: ")
    assert "not found" in record["reason"]
    assert "not found" in mixed.run("dlq", "list").stdout
    assert mixed.json("dlq", "list", "-q", "default") == []


def test_dlq_show_and_retry_refuse_jobs_that_are_not_dead(mixed: Queue):
    assert mixed.json("dlq", "show", "dead")["exit_code"] == 127
    command.run("dlq", "show", "done", env=mixed.environment).refused(4, "job done is completed, not dead")
    command.run("dlq", "retry", "dead", "done", env=mixed.environment).refused(4, "job done is completed")
    assert states(mixed)["dead"] == "dead"

    assert mixed.run("dlq", "retry", "dead").stdout == "dead pending\n"

    command.run("dlq", "retry", "dead", env=mixed.environment).refused(4, "job dead is pending")


def test_dlq_retry_all_and_purge(mixed: Queue):
    assert mixed.json("dlq", "retry", "--all")["ids"] == ["dead"]
    assert mixed.json("dlq", "retry", "--all")["ids"] == []
    mixed.drain("--queue", "mail").wait()
    assert states(mixed)["dead"] == "dead"

    assert mixed.run("dlq", "purge").stdout == "1 job deleted\n"

    assert mixed.run("dlq", "list").stderr == "no dead jobs\n"


def test_settings_are_listed_with_their_origin(queue: Queue):
    queue.run("config", "set", "backoff-base", "1.5")
    queue.environment["QUEUECTL_LEASE"] = "40"

    settings = {each["key"]: each for each in queue.json("config", "list")}

    assert (settings["backoff_base"]["value"], settings["backoff_base"]["origin"]) == (1.5, "store")
    assert (settings["lease"]["value"], settings["lease"]["origin"]) == (40, "environment")
    assert (settings["job_timeout"]["value"], settings["job_timeout"]["origin"]) == (None, "default")
    assert queue.run("config", "get", "backoff_base").stdout == "1.5\n"
    assert "QUEUECTL_LEASE is set and overrides" in queue.run("config", "set", "lease", "50").stderr
    assert queue.run("config", "unset", "backoff_base").stdout == ""
    assert queue.run("config", "get", "backoff_base").stdout == "2\n"


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("job_timeout", "15m", "900"),
        ("job_timeout", "none", "none"),
        ("max_retries", "0", "0"),
        ("kill_grace", "500ms", "0.5"),
    ],
)
def test_a_setting_is_shown_as_it_can_be_set(queue: Queue, key: str, value: str, shown: str):
    queue.run("config", "set", key, value)

    assert queue.run("config", "get", key).stdout == shown + "\n"
    queue.run("config", "set", key, shown)


def test_events_record_actor_verb_and_subject(mixed: Queue):
    mixed.run("retry", "done")
    mixed.run("config", "set", "lease", "20")

    events = mixed.context.store.database.query("SELECT verb, subject, actor FROM events ORDER BY seq DESC LIMIT 2")

    assert [event[:2] for event in events] == [("set_config", "lease"), ("retry", "done")]
    assert all("@" in actor for *_, actor in events)


@pytest.mark.on_sqlite
def test_the_doctor_finds_nothing_wrong_with_a_good_store(mixed: Queue):
    document = mixed.json("doctor", "--check")

    assert document["ok"]
    names = [check["name"] for check in document["checks"]]
    assert {"store", "sqlite", "journal", "integrity", "permissions", "filesystem", "space", "counters"} <= set(names)


@pytest.mark.on_sqlite
def test_the_doctor_makes_no_store(queue: Queue):
    assert queue.run("doctor").returncode == 0

    assert not os.path.exists(queue.path)


@pytest.mark.on_sqlite
def test_the_doctor_names_each_problem_and_its_cure(mixed: Queue):
    os.chmod(mixed.path, 0o644)
    with mixed.context.store.database.transaction():
        mixed.context.store.database.query("UPDATE counters SET n = n + 1 WHERE state = 'completed'")

    problems = [check for check in mixed.json("doctor", "--check", code=1)["checks"] if not check["ok"]]

    # SQLite gives an empty log the mode of its database, so the log may be among them.
    assert {problem["name"] for problem in problems} == {"permissions", "counters"}
    assert f"chmod 600 {mixed.path}" in [problem["cure"] for problem in problems]
    assert "fix: chmod 600" in mixed.run("doctor", code=1).stdout


@pytest.mark.on_sqlite
def test_the_doctor_says_why_a_store_does_not_open(queue: Queue):
    Path(queue.path).write_text("no store")
    os.chmod(queue.path, 0o600)

    checks = queue.json("doctor", code=1)["checks"]

    assert [check["detail"] for check in checks if not check["ok"]] == [f"{queue.path} is not a queuectl store"]
    os.unlink(queue.path)


@pytest.mark.on_sqlite
def test_a_backup_is_a_store(mixed: Queue):
    copy = mixed.directory / "copy.db"

    assert mixed.run("backup", "copy.db").stdout == f"{copy}\n"

    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    mixed.run("cancel", "waits")
    assert json.loads(mixed.run("--db", str(copy), "status", "--json").stdout)["jobs"]["pending"] == 1
    assert mixed.run("--db", str(copy), "doctor", "--check").returncode == 0
    assert not list(mixed.directory.glob("*partial*"))


def test_a_backup_overwrites_nothing(mixed: Queue):
    copy = mixed.directory / "copy.db"
    copy.write_text("precious")

    command.run("backup", str(copy), env=mixed.environment).refused(4, "already exists")
    command.run("backup", str(mixed.directory / "no" / "copy"), env=mixed.environment).refused(2, "cannot be written")

    assert copy.read_text() == "precious"


@pytest.mark.on_sqlite
def test_a_backup_that_is_killed_leaves_no_copy_under_its_name(mixed: Queue):
    lines = "\n".join(f"echo {'x' * 1000} {n}" for n in range(20_000))
    mixed.run("enqueue", "--lines", "-f", "-", given=lines)
    process = command.start("backup", str(mixed.directory / "copy.db"), env=mixed.environment)
    while process.poll() is None and not list(mixed.directory.glob("*.partial")):
        pass

    process.kill()

    assert command.finished(process).code in {0, -9}
    assert process.returncode == 0 or not (mixed.directory / "copy.db").exists()
    assert mixed.run("backup", "another.db").returncode == 0
