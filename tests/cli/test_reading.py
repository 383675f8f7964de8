"""list, show, logs and wait through the command line."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.support import command
from tests.support.command import finished, has_opened_its_store
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal
from tests.support.waiting import PATIENCE, wait_until

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
WITHOUT_OUTPUT = {
    *(
        "id",
        "command",
        "state",
        "attempts",
        "max_retries",
        "duration",
        "timed_out",
        "timeout",
        "created_at",
        "updated_at",
    ),
    *(
        "seq",
        "enqueued_by",
        "schedule",
        "scheduled_for",
        "queue",
        "priority",
        "run_at",
        "started_at",
        "finished_at",
        "exit_code",
        "signal",
        "outcome",
        "error",
    ),
    *("worker", "cancel_requested", "losses", "signature", "cwd", "env", "captured_env", "shell", "tags", "needs"),
}
OUTPUT = {"stdout", "stderr", "stdout_bytes", "stderr_bytes", "stdout_truncated", "stderr_truncated"}
ATTEMPT = {
    *(
        "attempt",
        "outcome",
        "exit_code",
        "signal",
        "worker",
        "started_at",
        "ended_at",
        "duration",
        "error",
        "timed_out",
    ),
}


def test_records_have_the_fields_of_the_contract(queue: Queue):
    queue.enqueue("echo out; echo err >&2; exit 3", "--id", "a", "-r", "0", "-e", "TOKEN=secret", "--timeout", "10")
    queue.drain().wait()

    listed, shown = queue.json("list")[0], queue.json("show", "a")

    assert set(listed) == WITHOUT_OUTPUT
    assert set(shown) == WITHOUT_OUTPUT | OUTPUT | {"history"}
    assert [set(attempt) for attempt in shown["history"]] == [ATTEMPT]
    assert {name: shown[name] for name in listed} == listed
    assert (shown["state"], shown["outcome"], shown["exit_code"], shown["signal"]) == ("dead", "exit", 3, None)
    assert (shown["stdout"], shown["stdout_bytes"], shown["stderr"]) == ("out\n", 4, "err\n")
    assert (shown["env"], shown["timeout"], shown["attempts"]) == ({"TOKEN": "***"}, 10, 1)
    assert 0 <= shown["duration"] <= PATIENCE
    for name in ("created_at", "updated_at", "run_at", "started_at", "finished_at"):
        assert RFC_3339.fullmatch(shown[name])


def test_a_job_that_has_not_run_has_nulls(queue: Queue):
    queue.enqueue("true", "--id", "a")

    shown = queue.json("show", "a")

    for name in (
        "duration",
        "timeout",
        "started_at",
        "finished_at",
        "exit_code",
        "signal",
        "outcome",
        "error",
        "worker",
    ):
        assert shown[name] is None
    assert (shown["stdout"], shown["timed_out"], shown["history"]) == ("", False, [])


def test_a_job_without_a_timeout_shows_the_configured_one(queue: Queue):
    queue.enqueue("true", "--id", "own", "--timeout", "3")
    queue.enqueue("true", "--id", "none")
    queue.run("config", "set", "job_timeout", "1.5")

    assert {job["id"]: job["timeout"] for job in queue.json("list")} == {"own": 3, "none": 1.5}


def test_list_filters(queue: Queue):
    queue.enqueue("echo report", "--id", "a", "-q", "mail", "--tag", "red")
    queue.enqueue("echo other", "--id", "b", "-q", "mail")
    queue.enqueue("echo report", "--id", "c")
    queue.run("cancel", "c")

    def ids(*words: str) -> list[str]:
        return [job["id"] for job in queue.json("list", *words)]

    assert ids() == ["a", "b", "c"]
    assert ids("--limit", "2") == ["b", "c"]
    assert ids("-q", "mail") == ["a", "b"]
    assert ids("--tag", "red") == ["a"]
    assert ids("--search", "report") == ["a", "c"]
    assert ids("--state", "cancelled") == ["c"]
    assert ids("--state", "pending", "--state", "cancelled", "--search", "report") == ["a", "c"]
    assert ids("--state", "dead") == []


def test_an_empty_list_prints_a_message_on_stderr_only(queue: Queue):
    queue.context.store.changed()
    done = queue.run("list")

    assert (done.stdout, done.stderr) == ("", "no jobs\n")


def test_control_sequences_are_escaped_for_people(queue: Queue):
    hostile = "printf '\\033]0;title\\007\\033[2J\\x9b31m\\xe2\\x80\\xae[/bold]'; printf '\\033[31mred' >&2; exit 1"
    queue.run("enqueue", json.dumps({"id": "a", "command": hostile + " # \u001b[5m\u202e", "max_retries": 0}))
    queue.drain().wait()

    for words in ("list", "show a", "logs a", "dlq list", "dlq show a"):
        screen, code = on_a_terminal(*words.split(), env=queue.environment | {"NO_COLOR": "1"})
        assert code == 0
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", screen), words


def test_logs_prints_both_streams_and_names_them_on_stderr(queue: Queue):
    queue.enqueue("echo out; echo err >&2", "--id", "both")
    queue.enqueue("echo out", "--id", "one")
    queue.drain().wait()

    both, one = queue.run("logs", "both"), queue.run("logs", "one")

    assert both.stdout == "out\nerr\n"
    assert both.stderr == "==> stdout <==\n==> stderr <==\n"
    assert (one.stdout, one.stderr) == ("out\n", "")
    assert queue.run("logs", "both", "--stderr").stdout == "err\n"
    assert queue.run("logs", "both", "--stdout").stdout == "out\n"
    document = queue.json("logs", "both")
    assert (document["attempt"], document["stdout"], document["stderr_bytes"]) == (1, "out\n", 4)


def test_logs_of_an_attempt(queue: Queue):
    queue.run("config", "set", "backoff_delay", "0")
    queue.enqueue('echo "attempt $QUEUECTL_ATTEMPT"; exit 1', "--id", "a", "-r", "2")
    queue.drain().wait()

    assert queue.run("logs", "a").stdout == "attempt 3\n"
    assert queue.run("logs", "a", "--attempt", "2").stdout == "attempt 2\n"
    command.run("logs", "a", "--attempt", "9", env=queue.environment).refused(3, "a has no attempt 9")
    assert queue.run("logs", "a", "--follow").stdout == "attempt 3\n"
    command.run("logs", "a", "-f", "--attempt", "1", env=queue.environment).refused(2, "--follow")


def test_logs_of_a_job_that_has_not_run_are_empty(queue: Queue):
    queue.enqueue("true", "--id", "a")

    assert queue.run("logs", "a").stdout == ""
    assert queue.json("logs", "a") == {"id": "a", "attempt": None}


def test_raw_logs_are_unchanged_bytes_and_text_logs_mark_omitted_bytes(queue: Queue):
    size = 3_000_000
    queue.enqueue(f"printf 'a\\377\\033[1m'; head -c {size} /dev/zero; printf end", "--id", "a")
    queue.enqueue("printf 'h\\303\\251\\377\\r\\n'", "--id", "b")
    queue.drain().wait()

    raw = command.start("logs", "a", "--raw", env=queue.environment)
    data, errors = raw.communicate()
    assert data.startswith(b"a\xff\x1b[1m\0\0")
    assert data.endswith(b"\0end")
    assert len(data) == (64 + 1024) * 1024
    assert errors == f"{size + 9 - len(data)} bytes left out\n".encode()

    text = queue.run("logs", "a").stdout
    assert f"\n[… {size + 9 - len(data)} bytes left out …]\n" in text
    assert text.startswith("a\ufffd\\x1b[1m")
    assert queue.run("logs", "b").stdout == "hé\ufffd\n"
    shown = queue.json("show", "a")
    assert shown["stdout_truncated"]
    assert shown["stdout_bytes"] == size + 9
    assert "bytes left out …]\n" in shown["stdout"]


def test_following_goes_on_across_retries_until_the_job_is_final(queue: Queue):
    queue.run("config", "set", "backoff_delay", "0.2")
    go = queue.directory / "go"
    queue.enqueue(
        f'echo "begin $QUEUECTL_ATTEMPT"; until [ -e {go} ]; do sleep 0.02; done; echo end; [ $QUEUECTL_ATTEMPT = 2 ]',
        "--id",
        "a",
    )
    following = command.start("logs", "a", "-f", env=queue.environment)
    queue.start()

    # The first line arrives while the job runs.
    assert following.stdout
    assert os.read(following.stdout.fileno(), 100) == b"begin 1\n"
    go.touch()

    done = finished(following)
    lines = [line for line in done.err.splitlines() if not line.startswith("a: no workers are running")]
    assert (done.code, done.out) == (0, "end\nbegin 2\nend\n")
    assert lines[:-1] == "==> attempt 1 <==\n==> attempt 2 <==\n".splitlines()
    assert lines[-1].startswith("a: completed in "), lines


def test_the_last_lines_of_a_log_are_printed(queue: Queue):
    queue.enqueue("seq 100; seq 3 >&2; exit 7", "--id", "a", "-r", "0")
    queue.drain().wait()

    assert queue.run("logs", "a", "--stdout", "-n", "2").stdout == "99\n100\n"
    assert queue.run("logs", "a", "--tail", "1").stdout == "100\n3\n"
    assert queue.run("logs", "a", "--tail", "0").stdout == ""
    assert queue.json("logs", "a", "--tail", "2")["stdout"] == "99\n100\n"
    done = command.run("logs", "a", "--stdout", "-f", "-n", "1", "--exit-code", env=queue.environment)
    assert (done.code, done.out) == (7, "100\n")
    assert done.err.splitlines()[-1] == "a: dead (exit 7)"
    command.run("logs", "a", "-n", "-1", env=queue.environment).refused(2, "--tail must not be negative")
    queue.enqueue("true", "--id", "later", "--delay", "1h")
    command.run("logs", "later", "--exit-code", env=queue.environment).refused(4, "job later is pending")


def test_following_a_deleted_job_ends(queue: Queue):
    queue.enqueue("true", "--id", "a")
    following = command.start("logs", "a", "-f", env=queue.environment)
    waiting = command.start("wait", "a", env=queue.environment)
    wait_until(lambda: command.has_opened_its_store(following))
    wait_until(lambda: has_opened_its_store(waiting))

    # Deleted in one step: a cancel before would end both commands.
    with queue.context.store.database.transaction():
        queue.context.store.database.query("DELETE FROM jobs WHERE id = 'a'")

    for done in (finished(following), finished(waiting)):
        assert done.code == 3
        assert "error: no job a" in done.err.splitlines(), done.err


def test_wait_returns_as_soon_as_all_are_final(queue: Queue, tmp_path: Path):
    queue.start()
    queue.enqueue(f"while [ ! -e {tmp_path}/gate ]; do sleep 0.05; done", "--id", "a")
    queue.enqueue("true", "--id", "b")
    waiting = command.start("wait", "a", "b", env=queue.environment)
    wait_until(lambda: has_opened_its_store(waiting))
    (tmp_path / "gate").touch()

    done = finished(waiting)

    assert (done.code, done.out, done.err) == (0, "", "2 jobs: 2 completed\n")


def test_wait_for_any_returns_with_the_first_final_job(queue: Queue):
    queue.enqueue("true", "--id", "first")
    queue.enqueue("true", "--id", "later", "--delay", "1h")
    queue.start()

    assert [job["id"] for job in queue.json("wait", "--all", "--any")] == ["first"]


@pytest.mark.parametrize(
    ("line", "words", "code"),
    [
        ("true", [], 0),
        ("exit 42", [], 42),
        ("kill -9 $$", [], 137),
        ("sleep 300", ["-t", "100ms"], 124),
        ("true", ["--delay", "1h"], 125),
    ],
)
def test_wait_passes_on_the_exit_code_of_one_job(queue: Queue, line: str, words: list[str], code: int):
    queue.enqueue(line, "--id", "a", "-r", "0", *words)
    if code == 125:
        queue.run("cancel", "a")
    else:
        queue.drain().wait()

    assert command.run("wait", "a", "--exit-code", env=queue.environment).code == code


@pytest.mark.on_sqlite
def test_wait_for_a_selection_counts_how_its_jobs_ended(queue: Queue):
    queue.run("enqueue", "--lines", "--tag", "ci", "-r", "0", "-f", "-", given="true\n" * 3 + "exit 1\n" * 25)
    queue.drain(workers=2).wait()

    done = command.run("wait", "--tag", "ci", env=queue.environment)

    assert (done.code, done.out) == (1, "")
    lines = done.err.splitlines()
    assert lines[0] == "error: job 4 is dead (exit 1)"
    assert lines[20:] == ["… and 5 more: queuectl dlq list --by-error", "28 jobs: 3 completed, 25 dead"]
    assert command.run("wait", "--tag", "none", env=queue.environment).err == "no jobs match\n"
    command.run("wait", "--tag", "ci", "--exit-code", env=queue.environment).refused(2, "--exit-code is of one job")


@pytest.mark.parametrize(("line", "how"), [("exit 3", "dead (exit 3)"), ("kill -9 $$", "dead (SIGKILL)")])
def test_wait_exits_1_and_names_the_job_that_did_not_complete(queue: Queue, line: str, how: str):
    queue.enqueue(line, "--id", "a", "-r", "0")
    queue.enqueue("echo fine", "--id", "b")
    queue.drain().wait()

    done = command.run("wait", "a", "b", env=queue.environment)

    assert (done.code, done.err) == (1, f"error: job a is {how}\n2 jobs: 1 completed, 1 dead\n")
    records = queue.json("wait", "b", "a", code=1)
    assert [(record["id"], record["state"], record["stdout"]) for record in records] == [
        ("b", "completed", "fine\n"),
        ("a", "dead", ""),
    ]


def test_wait_runs_out_of_time_with_124(queue: Queue):
    queue.start()
    queue.enqueue("sleep 300", "--id", "a")
    queue.wait_for("a", "processing")

    done = command.run("wait", "a", "--timeout", "0.1", env=queue.environment)

    done.refused(124, "not final after 100ms: a")
    assert queue.json("wait", "a", "--timeout", "0", code=124)["error"]["code"] == "timed_out"


def test_show_is_readable(queue: Queue):
    queue.run(
        "enqueue", json.dumps({"id": "a", "command": "echo one\necho two\nexit 4", "max_retries": 0, "tags": ["x"]})
    )
    queue.drain().wait()

    out = queue.run("show", "a").stdout

    assert "command   echo one\n          echo two\n          exit 4\n" in out
    assert "tries     1 of 1\n" in out
    assert re.search(r"^ +1  exit 4   \d{4}-", out, re.MULTILINE)
    assert out.endswith("\nstdout\none\ntwo\n")


@pytest.mark.parametrize("words", [("wait", "a", "--timeout", "50ms"), ("wait", "done", "a", "--timeout", "50ms")])
def test_wait_reports_why_the_job_does_not_run(queue: Queue, words: tuple[str, ...]):
    queue.enqueue("true", "--id", "done")
    assert queue.drain().wait() == 0
    queue.enqueue("true", "--id", "a")

    screen, code = on_a_terminal(*words, env=queue.environment)

    assert code == 124
    assert "a: no workers are running; start some: queuectl worker start" in screen
    assert queue.run(*words, code=124).stderr.startswith("a: no workers are running; start some: ")


def test_wait_in_a_script_reports_only_reasons_that_need_an_operator(queue: Queue):
    queue.start()
    queue.enqueue("true", "--id", "later", "--delay", "1h")
    queue.enqueue("true", "--id", "kept", "--delay", "1h")
    queue.run("hold", "kept")

    assert (
        queue.run("wait", "later", "--timeout", "50ms", code=124).stderr == "error: jobs not final after 50ms: later\n"
    )
    assert "kept: it is held" in queue.run("wait", "kept", "--timeout", "50ms", code=124).stderr


@pytest.mark.parametrize("words", [("wait", "a"), ("logs", "--follow", "a")])
def test_wait_reports_that_the_last_worker_has_stopped(queue: Queue, words: tuple[str, ...]):
    queue.start()
    queue.enqueue("sleep 300", "--id", "a")
    queue.wait_for("a", "processing")
    waiting = command.start(*words, env=queue.environment)
    wait_until(lambda: has_opened_its_store(waiting))

    queue.run("worker", "stop", "--now")

    assert waiting.stderr is not None
    lines = iter(waiting.stderr.readline, b"")
    assert any(line.startswith(b"a: no workers are running") for line in lines)
    queue.run("cancel", "a")
    assert waiting.wait(120) == (1 if words[0] == "wait" else 0)


def test_the_history_names_events_as_they_are_typed(queue: Queue):
    queue.run("config", "set", "poll_interval", "0.05")
    queue.run("worker", "start", "--drain", "--quiet")

    set_, start, stopped = queue.run("history").stdout.splitlines()[1:]

    assert "  config set  " in set_
    assert "  worker start  " in start
    assert "  1 worker" in start
    assert "1 workers" not in start
    assert "  pool stopped  " in stopped
    assert [event["verb"] for event in queue.json("history")] == ["set_config", "start_pool", "pool_stopped"]
