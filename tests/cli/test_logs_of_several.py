"""logs of several jobs: prefixes, selectors, following, and what is refused."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from queuectl import bootstrap
from queuectl.operations.logs import Logs, logs
from tests.support import command
from tests.support.command import finished, has_opened_its_store
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen


@pytest.fixture
def ran(queue: Queue) -> Queue:
    """A store with the jobs `a` (completed), `b` (dead), `never` (it could not start) and `waits`."""
    queue.enqueue("printf 'one\\n10%%\\r20%%\\n'; printf 'no end' >&2", "--id", "a", "--tag", "x")
    queue.enqueue("printf '1\\n\\n3\\n'; exit 3", "--id", "b", "-r", "0", "--tag", "x", "-q", "mail")
    queue.enqueue("true", "--id", "never", "-r", "0", "--cwd", "/nonexistent/dir")
    queue.drain().wait()
    queue.enqueue("true", "--id", "waits", "--delay", "1h", "--tag", "x")
    return queue


def test_each_line_begins_with_the_id_of_its_job(ran: Queue):
    done = ran.run("logs", "b", "waits", "a")

    assert done.stdout == "b | 1\nb | \nb | 3\na | one\na | 20%\na | no end\n"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--tag", "x", "-n", "1"), "a | 20%\na | no end\nb | 3\n"),
        (("--filter", "state:dead queue:mail"), "b | 1\nb | \nb | 3\n"),
        (("--all", "--stderr"), "a | no end\n"),
        (("--state", "completed,dead", "-n", "0"), ""),
        (("a", "a"), "one\n20%\nno end"),
    ],
)
def test_a_selector_chooses_the_jobs(ran: Queue, words: tuple[str, ...], expected: str):
    assert ran.run("logs", *words).stdout == expected


def test_a_selector_that_matches_nothing_is_reported(ran: Queue):
    done = ran.run("logs", "--queue", "mail", "--state", "held")

    assert (done.stdout, done.stderr) == ("", "no jobs match\n")
    assert ran.json("logs", "--queue", "mail", "--state", "held") == []


def test_why_a_job_could_not_start_is_printed(ran: Queue):
    why = "never: spawn error: cannot start in /nonexistent/dir: No such file or directory"

    assert (ran.run("logs", "never").stdout, ran.run("logs", "never").stderr) == ("", f"{why}\n")
    assert ran.run("logs", "--all").stderr == f"{why}\n"
    assert ran.run("logs", "never", "-f").stderr.endswith(
        "never: dead (spawn error): cannot start in /nonexistent/dir: No such file or directory\n"
    )


def test_the_documents_of_several_jobs_are_an_array(ran: Queue):
    documents = ran.json("logs", "b", "waits", "-n", "1")

    assert documents == [ran.json("logs", "b", "-n", "1"), {"id": "waits", "attempt": None}]
    assert documents[0]["stdout"] == "3\n"
    assert [each["id"] for each in ran.json("logs", "--filter", "state:dead")] == ["b", "never"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("a", "b", "--raw"), 2, "--raw is of one job"),
        (("--tag", "x", "--exit-code"), 2, "--exit-code is of one job"),
        (("a", "b", "--attempt", "1"), 2, "--attempt is of one job"),
        (("a", "--tag", "x"), 2, "job IDs and options that select jobs cannot be combined"),
        (("a", "--since", "1h", "--attempt", "1"), 2, "--since and --attempt cannot be combined"),
        (("a", "nope"), 3, "no job nope"),
        ((), 2, "no job is named"),
    ],
)
def test_what_makes_no_sense_for_several_jobs_is_refused(ran: Queue, words: tuple[str, ...], code: int, message: str):
    command.run("logs", *words, env=ran.environment).refused(code, message)


def test_since_leaves_out_attempts_that_ended_before(ran: Queue):
    wait_until(lambda: not ran.run("logs", "--tag", "x", "--since", "200ms").stdout)

    assert ran.run("logs", "a", "--since", "200ms").stdout == ""
    assert ran.json("logs", "a", "--since", "200ms") == {"id": "a", "attempt": None}
    assert ran.run("logs", "a", "--since", "1d", "--stderr").stdout == "no end"
    assert ran.run("logs", "--tag", "x", "--since", "1d", "--stderr").stdout == "a | no end\n"


def test_the_prefixes_have_colours_on_a_terminal_unless_no_color_is_set(ran: Queue):
    def seen(**more: str) -> str:
        read, write = os.pipe()
        code = "import sys; sys.stdout.isatty = lambda: True; from queuectl.cli.main import main; main(sys.argv[1:])"
        with os.fdopen(read, encoding="utf-8") as out:
            subprocess.run(
                [command.MODULE[0], "-c", code, "logs", "--tag", "x", "-n", "1"],
                env=ran.environment | {"TERM": "xterm"} | more,
                stdout=write,
                check=True,
            )
            os.close(write)
            return out.read()

    assert "\x1b[33ma |\x1b[0m 20%\n" in seen()
    assert "\x1b[32mb |\x1b[0m 3\n" in seen()
    assert seen(NO_COLOR="1") == "a | 20%\na | no end\nb | 3\n"


def _lines(process: Popen[bytes], count: int) -> list[str]:
    """Return what a command has printed, once that is `count` lines."""
    assert process.stdout
    seen = b""
    while seen.count(b"\n") < count:
        seen += os.read(process.stdout.fileno(), 1000)
    return seen.decode().splitlines()


def test_lines_of_jobs_that_run_at_once_are_whole(queue: Queue):
    go = queue.directory / "go"
    for name in ("a", "b"):
        wait = f"until [ -e {go} ]; do sleep 0.02; done"
        queue.enqueue(f"echo first; printf part; {wait}; echo ' and rest'; printf end", "--id", name, "--tag", "x")
    following = command.start("logs", "--tag", "x", "-f", env=queue.environment)
    queue.start(workers=2)

    assert sorted(_lines(following, 2)) == ["a | first", "b | first"]
    go.touch()

    done = finished(following)
    assert sorted(done.out.splitlines()) == [f"{name} | {text}" for name in "ab" for text in ("end", "part and rest")]
    assert done.code == 0
    ends = [line for line in done.err.splitlines() if " completed in " in line]
    assert sorted(line.partition(":")[0] for line in ends) == ["a", "b"]
    assert done.err.splitlines()[-1] == "2 jobs: 2 completed"


def test_jobs_that_match_join_while_others_are_followed(queue: Queue):
    go = queue.directory / "go"
    queue.enqueue("echo done", "--id", "before", "-q", "mail")
    queue.drain().wait()
    queue.enqueue(f"echo runs; until [ -e {go} ]; do sleep 0.02; done", "--id", "runs", "-q", "mail")
    queue.start(workers=2)
    following = command.start("logs", "-q", "mail", "-f", env=queue.environment)
    assert sorted(_lines(following, 2)) == ["before | done", "runs | runs"]

    queue.enqueue("echo late; exit 4", "--id", "late", "-q", "mail", "-r", "0")
    queue.enqueue("echo other", "--id", "other")
    assert _lines(following, 1) == ["late | late"]
    go.touch()

    done = finished(following)
    assert (done.code, done.out) == (0, "")
    assert "late: dead (exit 4)" in done.err.splitlines()
    assert done.err.splitlines()[-1] == "3 jobs: 2 completed, 1 dead"


def test_jobs_that_get_into_a_wanted_state_join(queue: Queue):
    gates = [queue.directory / name for name in ("one", "two")]
    for gate in gates:
        queue.enqueue(f"echo {gate.name}; until [ -e {gate} ]; do sleep 0.02; done", "--id", gate.name)
    queue.start(workers=2)
    queue.wait_for("one", "processing")
    queue.wait_for("two", "processing")
    queue.enqueue("echo three", "--id", "three")
    following = command.start("logs", "--state", "processing,completed", "-f", env=queue.environment)
    assert sorted(_lines(following, 2)) == ["one | one", "two | two"]

    gates[0].touch()
    assert _lines(following, 1) == ["three | three"]
    gates[1].touch()

    assert finished(following).err.splitlines()[-1] == "3 jobs: 3 completed"


def test_a_further_attempt_of_a_followed_job_has_a_heading(queue: Queue, tmp_path: Path):
    queue.run("config", "set", "backoff_delay", "0.2")
    gate = tmp_path / "gate"
    wait = f"until [ -e {gate} ]; do sleep 0.05; done"
    queue.enqueue(f'echo "try $QUEUECTL_ATTEMPT"; {wait}; printf end; [ $QUEUECTL_ATTEMPT = 2 ]', "--id", "a")
    queue.enqueue("true", "--id", "b")
    following = command.start("logs", "--all", "-f", env=queue.environment)
    queue.start()
    assert _lines(following, 1) == ["a | try 1"]
    gate.touch()

    done = finished(following)
    assert done.out == "a | end\na | try 2\na | end\n"
    assert "==> a: attempt 2 <==" in done.err.splitlines()


def test_a_job_that_is_deleted_while_it_is_followed_is_reported(queue: Queue):
    for name in ("a", "b"):
        queue.enqueue("true", "--id", name, "--delay", "1h")
    following = command.start("logs", "a", "b", "-f", env=queue.environment)
    wait_until(lambda: has_opened_its_store(following))

    queue.run("cancel", "b")
    with queue.context.store.database.transaction():
        queue.context.store.database.query("DELETE FROM jobs WHERE id = 'a'")

    done = finished(following)
    assert done.code == 0
    # It may have been deleted before the first look.
    assert "job a was deleted" in done.err or "no job a" in done.err
    assert done.err.splitlines()[-1] == "1 job: 1 cancelled"


@pytest.mark.parametrize("several", [False, True])
def test_a_person_who_follows_a_silent_job_gets_a_hint_once(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, several: bool
):
    monkeypatch.setattr("queuectl.operations.silence.SILENT_MS", 1)
    monkeypatch.setattr("queuectl.operations.silence._FOLLOWED_SECONDS", 0)
    monkeypatch.setattr("queuectl.operations.silence._CHECK_SECONDS", 0)
    go = queue.directory / "go"
    queue.enqueue(f"until [ -e {go} ]; do sleep 0.02; done; echo end", "--id", "a")
    queue.start()
    notes: list[str] = []

    def say(line: str) -> None:
        notes.append(line)
        if "no output" in line:
            go.touch()

    context = bootstrap.context(queue.path, environ=queue.environment, watched=True, say=say)
    params = Logs(all=True, follow=True) if several else Logs(ids=("a",), follow=True)
    printed = list(logs(context, params).pieces())
    context.close()

    assert any(getattr(each, "piece", each) for each in printed)
    hints = [line for line in notes if "no output" in line]
    (hint,) = hints
    assert hint.startswith("a: no output for 1ms; " if several else "no output for 1ms; ")
    assert hint.endswith("when they do not write to a terminal: PYTHONUNBUFFERED=1, stdbuf -oL")


def test_a_script_gets_no_hint_on_silence(queue: Queue, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("queuectl.operations.silence.SILENT_MS", 1)
    monkeypatch.setattr("queuectl.operations.silence._FOLLOWED_SECONDS", 0)
    monkeypatch.setattr("queuectl.operations.silence._CHECK_SECONDS", 0)
    queue.enqueue("sleep 0.5", "--id", "a")
    queue.start()
    notes: list[str] = []
    context = bootstrap.context(queue.path, environ=queue.environment, say=notes.append)
    list(logs(context, Logs(ids=("a",), follow=True)).pieces())
    context.close()

    assert notes == []


def test_without_an_id_the_log_of_the_last_job_is_printed_on_a_terminal(ran: Queue):
    screen, code = on_a_terminal("logs", env=ran.environment | {"TERM": "xterm"})
    assert (code, "job waits: true" in screen) == (0, True), screen
