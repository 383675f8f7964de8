"""Hold, release, priority, edit, undo, explain, history, views and errors through the command line."""

from __future__ import annotations

import json
import stat
import subprocess

import pytest

from tests.support import command
from tests.support.queue import QUEUECTL, Queue
from tests.support.terminal import on_a_terminal
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@pytest.fixture
def some(queue: Queue) -> Queue:
    """A store with jobs `done`, `dead1` and `dead2` (of one error), `dead3` (of another) and `waits` (due later)."""
    queue.enqueue("echo fine", "--id", "done")
    for number in (1, 2):
        script = f"echo 'cannot open /tmp/{number}: row {number}' >&2; exit 3"
        queue.enqueue(script, "--id", f"dead{number}", "-r", "0", "-q", "mail")
    queue.enqueue("echo 'no such key' >&2; exit 1", "--id", "dead3", "-r", "0")
    queue.drain().wait()
    queue.enqueue("true", "--id", "waits", "--delay", "1h")
    return queue


def states(queue: Queue) -> dict[str, str]:
    return {job["id"]: job["state"] for job in queue.json("list")}


def reasons(queue: Queue, id_: str) -> list[str]:
    return [reason["code"] for reason in queue.json("explain", id_)["reasons"]]


def test_a_held_job_does_not_run_until_it_is_released(queue: Queue):
    queue.enqueue("true", "--id", "a")

    assert queue.run("hold", "a").stdout == "a held\n"
    queue.enqueue("true", "--id", "b")
    queue.drain().wait()
    assert states(queue) == {"a": "held", "b": "completed"}
    assert queue.json("status")["jobs"]["held"] == 1
    assert [job["id"] for job in queue.json("list", "--state", "held")] == ["a"]

    queue.start()
    assert queue.run("release", "a").stdout.startswith("a ")
    assert queue.wait_for("a") == "completed"


def test_hold_and_release_refuse_with_the_reason(some: Queue):
    command.run("hold", "waits", "done", env=some.environment).refused(4, "job done is completed and cannot be held")
    command.run("release", "done", env=some.environment).refused(4, "job done is completed and cannot be released")
    assert some.run("release", "waits").stdout == "waits pending\n", "it waits already"
    command.run("hold", "missing", env=some.environment).refused(3, "no job missing")
    some.run("hold", "waits")
    command.run("retry", "waits", env=some.environment).refused(4, "job waits is held and cannot be retried")
    assert states(some)["waits"] == "held"


def test_the_priority_comes_after_the_ids_and_may_be_negative(some: Queue):
    some.enqueue("true", "--id", "other", "--delay", "1h")

    assert some.run("priority", "waits", "other", "7").stdout == "waits priority 7\nother priority 7\n"
    assert [job["priority"] for job in some.json("priority", "waits", "-5")["jobs"]] == [-5]
    command.run("priority", "done", "5", env=some.environment).refused(
        4, "job done is completed and cannot be given another priority"
    )


def test_an_edit_by_options_and_by_json(some: Queue):
    done = some.run("edit", "waits", "--command", "echo new", "-q", "mail", "--tag", "x", "--env", "A=1", "-t", "90s")
    assert done.stdout == "waits pending (command, queue, timeout, env, tags changed)\n"
    record = some.json("edit", "waits", '{"timeout": null, "env": null, "cwd": "/tmp", "priority": 2}')
    assert (record["command"], record["queue"], record["tags"]) == ("echo new", "mail", ["x"])
    assert (record["timeout"], record["env"], record["cwd"], record["priority"]) == (None, {}, "/tmp", 2)
    assert some.json("edit", "waits", "--timeout", "5")["timeout"] == 5
    assert some.json("edit", "waits", "--timeout", "none")["timeout"] is None
    assert some.json("edit", "waits", "--at", "2030-01-01T00:00:00Z")["run_at"] == "2030-01-01T00:00:00.000Z"


def test_a_dead_job_is_edited_and_run_again(some: Queue):
    command.run("edit", "dead1", "--max-retries", "5", env=some.environment).refused(2, "--max-retries has an effect")
    some.start()

    assert some.run("edit", "dead1", "--command", "true", "--retry").stdout == "dead1 pending (command changed)\n"

    assert some.wait_for("dead1", "completed")
    assert [attempt["outcome"] for attempt in some.json("show", "dead1")["history"]] == ["exit", "success"]


def test_an_editor_opens_on_a_terminal_and_its_text_is_checked(some: Queue):
    editor = some.directory / "editor"
    kept = some.directory / "kept"
    kept.mkdir()
    env = some.environment | {"EDITOR": f"{editor} --wait", "TERM": "xterm", "TMPDIR": str(kept)}
    seen, mode = some.directory / "seen.json", some.directory / "mode"

    def edits(script: str) -> None:
        editor.write_text(f'#!/bin/sh\nstat -c %a "$2" > "{mode}"\ncp "$2" "{seen}"\n{script}\n')
        editor.chmod(stat.S_IRWXU)

    edits("""sed -i 's/"priority": 0/"priority": 4/; s/"command": "true"/"command": "echo new"/' "$2" """)
    screen, code = on_a_terminal("edit", "waits", env=env)
    assert code == 0, screen
    assert "waits pending (command, priority changed)" in screen
    assert json.loads(seen.read_text())["command"] == "true"
    assert mode.read_text() == "600\n", "it may hold secrets"
    assert some.json("show", "waits")["priority"] == 4

    edits("true")
    screen, code = on_a_terminal("edit", "waits", env=env)
    assert (code, "nothing was changed" in screen) == (0, True)

    edits("exit 1")
    screen, code = on_a_terminal("edit", "waits", env=env)
    assert (code, "so nothing was done" in screen) == (4, True), screen
    assert list(kept.iterdir()) == [], "nothing was typed that could be lost"


@pytest.mark.parametrize(
    ("typed", "code", "message"),
    [
        ('{"command": "echo long work"', 2, "the job is not valid JSON"),
        ('{"command": "echo long work", "priority": "high"}', 2, "priority"),
        ('{"command": "echo long work"}; exit 1', 4, "so nothing was done"),
    ],
)
def test_the_text_of_an_editor_is_kept_when_the_edit_is_refused(some: Queue, typed: str, code: int, message: str):
    editor, kept = some.directory / "editor", some.directory / "kept"
    kept.mkdir()
    text, _, end = typed.partition(";")
    editor.write_text(f"#!/bin/sh\ncat > \"$1\" <<'END'\n{text}\nEND\n{end}\n")
    editor.chmod(stat.S_IRWXU)
    env = some.environment | {"EDITOR": str(editor), "TERM": "xterm", "TMPDIR": str(kept)}

    screen, ended = on_a_terminal("edit", "waits", env=env, columns=1000)

    (file,) = kept.iterdir()
    assert (ended, message in screen) == (code, True), screen
    assert (file.read_text(), file.stat().st_mode & 0o777) == (f"{text}\n", 0o600)
    again = f'queuectl edit waits "$(cat {file})"'
    assert again in screen
    assert some.json("show", "waits")["command"] == "true"
    file.write_text('{"command": "echo long work"}')
    words = again.replace("queuectl", f"'{QUEUECTL}'", 1)
    subprocess.run(["sh", "-c", words], env=some.environment, check=True, stdout=subprocess.DEVNULL)
    assert some.json("show", "waits")["command"] == "echo long work"


def test_errors_are_listed_retried_and_purged(some: Queue):
    other, files = some.json("dlq", "list", "--by-error")
    assert (files["text"], files["count"], files["queues"]) == ("exit 3 · cannot open …: row …", 2, ["mail"])
    assert (other["text"], other["count"]) == ("exit 1 · no such key", 1)
    signature = files["signature"]
    assert signature in some.run("dlq", "list", "--by-error").stdout
    assert len(some.json("dlq", "list", "--by-error", "--limit", "1")) == 1
    dead = some.json("dlq", "list", "--error", signature[:4])
    assert [(job["id"], job["signature"]) for job in dead] == [("dead1", signature), ("dead2", signature)]

    assert some.run("dlq", "retry", "--error", signature).stdout == "2 jobs retried (mail 2)\n"
    command.run("dlq", "retry", "--error", signature, env=some.environment).refused(3, "no dead job ended with error")
    assert some.json("dlq", "purge", "--error", other["signature"])["changed"] == 1
    assert states(some) == {"done": "completed", "dead1": "pending", "dead2": "pending", "waits": "pending"}


def undone(queue: Queue, *words: str) -> Any:
    return queue.json("undo", *words)


def test_every_undoable_action_is_undone(some: Queue):
    before = some.json("list")

    for line in (
        ("cancel", "waits"),
        ("hold", "waits"),
        ("priority", "waits", "3"),
        ("edit", "dead1", "--command", "true", "--retry"),
        ("retry", "done", "dead3"),
        ("dlq", "retry", "--all"),
        ("delete", "done"),
        ("dlq", "purge"),
    ):
        some.run(*line)
        assert some.json("list") != before, line
        done = undone(some)
        assert done["left"] == []
        after = some.json("list")
        for job in (*before, *after):
            job.pop("updated_at")
        assert after == before, line
        before = some.json("list")
    assert some.json("show", "done")["stdout"] == "fine\n"
    assert not [checked for checked in some.context.store.invariants() if checked.broken]
    command.run("undo", env=some.environment).refused(3, "nothing was done in the last ten minutes")


def test_undos_are_listed_with_their_numbers_and_command_lines(some: Queue):
    some.run("hold", "waits")
    some.run("delete", "done", "dead1")

    listed = some.json("undo", "--list")
    assert [(each["verb"], each["jobs"], each["command"]) for each in listed] == [
        ("hold", 1, "queuectl hold waits"),
        ("delete", 2, "queuectl delete done dead1"),
    ]
    assert "queuectl hold waits" in some.run("undo", "--list").stdout
    assert undone(some, str(listed[0]["undo"]))["ids"] == ["waits"]
    assert some.run("undo").stdout == "delete of done undone\ndelete of dead1 undone\n"
    command.run("undo", "99", env=some.environment).refused(3, "no action 99 that can be undone")
    assert some.json("undo", "--list") == []
    assert some.run("undo", "--list").stderr == "nothing can be undone\n"


def test_a_delete_returns_its_undo_and_offers_it_to_a_person(some: Queue):
    deleted = some.json("delete", "done")
    assert undone(some, str(deleted["undo"]))["verb"] == "delete"

    screen, code = on_a_terminal("hold", "waits", env=some.environment | {"TERM": "xterm"})

    assert code == 0
    assert "to undo: queuectl undo 2" in screen


def test_an_undo_wakes_an_idle_worker(queue: Queue):
    queue.run("config", "set", "poll_interval", "60")
    queue.enqueue("true", "--id", "a", "--delay", "1s")
    queue.run("cancel", "a")
    queue.start()
    queue.run("undo")

    assert queue.wait_for("a", "completed")


def test_why_a_job_waits_is_explained(some: Queue):
    assert reasons(some, "waits") == ["scheduled", "no_workers"]
    some.run("hold", "waits")
    assert reasons(some, "waits") == ["held"]
    assert reasons(some, "done") == ["completed"]
    assert reasons(some, "dead1") == ["dead", "alike"]
    assert "2 dead jobs ended with the same error" in some.run("explain", "dead1").stdout
    some.run("release", "waits")
    some.run("cancel", "waits")
    assert reasons(some, "waits") == ["cancelled"]
    command.run("explain", "missing", env=some.environment).refused(3, "no job missing")


def test_explain_names_reasons_that_concern_workers(queue: Queue):
    queue.enqueue("sleep 60", "--id", "long")
    queue.enqueue("true", "--id", "next", "--priority", "-1")
    queue.enqueue("true", "--id", "later", "--priority", "-2")
    queue.enqueue("true", "--id", "other", "-q", "mail")
    queue.start("--queue", "default")
    queue.wait_for("long", "processing")

    assert reasons(queue, "long") == ["running"]
    assert reasons(queue, "next") == ["all_busy", "next"]
    assert reasons(queue, "later") == ["all_busy", "behind"]
    assert reasons(queue, "other") == ["other_queues"]
    assert "only of default" in queue.run("explain", "other").stdout
    assert "1 due job is ahead of it" in queue.run("explain", "later").stdout


def test_explain_names_queues_of_pools_that_have_workers(queue: Queue):
    queue.start("--queue", "mail")
    queue.run("worker", "scale", "0")
    wait_until(lambda: not queue.workers())
    queue.start("--queue", "default")
    queue.enqueue("true", "--id", "waits", "-q", "mail")

    assert queue.run("explain", "waits").stdout.endswith(
        "the one worker takes no jobs of queue mail, only of default; start another: queuectl worker start\n"
    )


def test_explain_names_a_dead_worker(queue: Queue):
    queue.enqueue("sleep 300", "--id", "a")
    pool = queue.start()
    queue.wait_for("a", "processing")
    # The whole pool: it would put the job of a killed worker back at once.
    pool.kill()

    assert reasons(queue, "a") == ["worker_dead"]
    assert "the next pool puts the job back, and none is running" in queue.run("explain", "a").stdout
    queue.start()
    wait_until(lambda: reasons(queue, "a") == ["running"])


def test_explain_does_not_count_a_stopping_worker(queue: Queue):
    queue.enqueue("sleep 300", "--id", "long")
    queue.start()
    queue.wait_for("long", "processing")
    queue.enqueue("true", "--id", "next")

    queue.run("worker", "scale", "0")

    assert reasons(queue, "next") == ["draining"]


def test_cancelled_and_released_attempts_do_not_count_as_failed(queue: Queue):
    pool = queue.start()
    queue.enqueue("sleep 300", "--id", "cancelled")
    queue.wait_for("cancelled", "processing")
    queue.run("cancel", "cancelled")
    queue.wait_for("cancelled")
    queue.enqueue("sleep 300", "--id", "released")
    queue.wait_for("released", "processing")
    queue.run("worker", "stop", "--now")

    assert pool.wait() == 0
    assert "0 completed, 0 failed attempts" in pool.log
    assert queue.json("status")["throughput"]["failed"] == 0


def test_a_stopping_pool_is_not_scaled(queue: Queue):
    pool = queue.start()
    queue.enqueue("sleep 300", "--id", "a")
    queue.wait_for("a", "processing")
    queue.run("worker", "stop", "--timeout", "100ms", code=124)

    done = command.run("worker", "scale", "3", env=queue.environment)

    done.refused(4, "is stopping and starts no more workers")
    assert "scaled" not in pool.log


def test_an_action_that_cannot_be_undone_does_not_block_earlier_ones(queue: Queue):
    queue.enqueue("true", "--id", "waits", "--delay", "1h")
    queue.enqueue("true", "--id", "runs", "--delay", "1h")
    queue.run("cancel", "waits")
    queue.run("cancel", "runs")
    queue.run("retry", "runs")
    queue.start()
    queue.wait_for("runs")

    done = command.run("undo", env=queue.environment)

    done.refused(4, "the retry cannot be undone any more")
    number = queue.json("undo", "--list")[1]["undo"]
    assert f"hint: the cancel before it: queuectl undo {number}" in done.err


def test_explain_gives_the_remaining_time_of_a_backoff(queue: Queue):
    queue.run("config", "set", "backoff_delay", "600")
    queue.enqueue("exit 7", "--id", "a")
    queue.start()
    queue.wait_for("a", "failed")

    document = queue.json("explain", "a")

    assert document["reasons"][0]["code"] == "backoff"
    assert document["reasons"][0]["at"] == queue.json("show", "a")["run_at"]
    assert "its last attempt failed (exit 7); retry 1 of 3 is due in 9m" in document["reasons"][0]["text"]


def test_history_lists_verb_subject_and_command(some: Queue):
    some.run("hold", "waits")
    some.run("config", "set", "lease", "20")

    last = some.json("history")[-1]
    assert (last["verb"], last["subject"], last["command"]) == ("set_config", "lease", "queuectl config set lease 20")
    assert [event["verb"] for event in some.json("history", "waits")] == ["hold"]
    assert len(some.json("history", "--limit", "2")) == 2
    assert "queuectl hold waits" in some.run("history").stdout
    assert some.run("history", "done").stderr == "no events of done\n"
    assert some.run("history", "busy_timeout").stderr == "no events of busy_timeout\n"


@pytest.mark.parametrize(
    "words",
    [
        ("--env", "TOKEN=s3cret", "true"),
        ("--env=TOKEN=s3cret", "true"),
        ("-e", "TOKEN=s3cret", "true"),
        ("-eTOKEN=s3cret", "true"),
        ('{"command": "true", "env": {"TOKEN": "s3cret"}}',),
    ],
)
def test_values_of_variables_are_not_recorded_in_the_history(queue: Queue, words: tuple[str, ...]):
    queue.run("enqueue", *words)

    line = queue.json("history")[0]["command"]

    assert line.startswith("queuectl enqueue ")
    assert "s3cret" not in line


def test_a_long_command_line_is_cut_off_in_the_history(queue: Queue):
    queue.run("enqueue", "--file", "-", given=json.dumps({"command": "true"}))
    queue.run("enqueue", "echo " + "x" * 100_000)

    short, long = (event["command"] for event in queue.json("history"))
    assert short == "queuectl enqueue --file -"
    assert len(long) < 2100


def test_views_are_saved_listed_used_and_deleted(some: Queue):
    assert (
        some.run("view", "save", "bad", "state:dead,failed", "queue:mail").stdout
        == "bad state:dead,failed queue:mail\n"
    )
    some.run("view", "save", "text", "id:ai")
    some.run("view", "save", "quoted", "http://host", '"foo:bar"', "10:30")
    assert some.json("list", "--view", "quoted") == []
    assert [job["id"] for job in some.json("list", "--view", "bad")] == ["dead1", "dead2"]
    assert [job["id"] for job in some.json("list", "--view", "bad", "--search", "dead2")] == ["dead2"]
    assert [job["id"] for job in some.json("list", "--view", "text")] == ["waits"]
    assert [view["name"] for view in some.json("view", "list")] == ["bad", "quoted", "text"]
    command.run("list", "--view", "bad", "--queue", "x", env=some.environment).refused(
        2, "two conditions on the queue exclude each other: x and mail"
    )
    command.run("list", "--view", "bad", "-s", "held", env=some.environment).refused(
        2, "two conditions on the state exclude each other"
    )
    command.run("list", "--view", "nope", env=some.environment).refused(3, "no view nope")
    assert some.run("view", "delete", "bad").stdout == "bad deleted\n"
    command.run("view", "delete", "bad", env=some.environment).refused(3, "no view bad")


@pytest.mark.parametrize(
    ("words", "called"),
    [
        (("--delay", "1h"), "--delay"),
        (("--at", "2030-01-01T00:00:00Z"), "--at"),
        (("--max-retries", "9"), "--max-retries"),
        (('{"delay": "1h"}',), "delay"),
        (('{"run_at": "2030-01-01T00:00:00Z"}',), "run_at"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_an_option_that_does_not_apply_to_a_finished_job_is_named_as_typed(
    queue: Queue, words: tuple[str, ...], called: str
):
    queue.enqueue("true", "--id", "a")
    queue.run("cancel", "a")
    done = command.run("edit", "a", *words, env=queue.environment)
    done.refused(2, f"job a is cancelled: {called} has an effect only if it runs again")


@pytest.mark.parametrize(("option", "value"), [("--at", "tomorrow"), ("--delay", "soon"), ("--max-retries", "2000")])
def test_an_edit_that_is_refused_names_the_option(queue: Queue, option: str, value: str):
    queue.enqueue("true", "--id", "a")
    command.run("edit", "a", option, value, env=queue.environment).refused(2, option)
