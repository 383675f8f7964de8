"""Processes that a job leaves behind are ended with it, however they hide."""

from __future__ import annotations

import os
import signal
import time

import pytest

from queuectl.domain.attempt import Outcome
from queuectl.runtime import attempt_runner, system, tree
from queuectl.runtime.attempt_spec import AttemptHooks, AttemptSpec
from tests.runtime.conftest import use_half
from tests.support.attempts import carriers, lives
from tests.support.waiting import PATIENCE, wait_until

CLOSED_DAEMON = "setsid sh -c 'sh -c \"echo \\$\\$ >{file}; exec sleep 1000\" <&- >&- 2>&- {fd}>&- &' &"


@pytest.fixture
def pid_file(tmp_path):
    return tmp_path / "pid"


def pid_in(file):
    return int(wait_until(lambda: file.exists() and file.read_text().strip()))


def test_a_background_process_is_ended_and_not_waited_for(start, half):
    worker = start("sleep 1000 & echo $!")
    result = worker.result()
    assert result.outcome is Outcome.SUCCESS
    assert result.duration_ms < PATIENCE * 1000
    assert not lives(int(result.stdout.head))


def test_the_last_output_of_a_leftover_is_kept(start, half, pid_file):
    command = f"(trap 'echo good bye; exit' TERM; echo up >{pid_file}; sleep 1000 & wait) & "
    worker = start(command + f"while [ ! -s {pid_file} ]; do sleep 0.01; done")
    assert worker.result().stdout.head == b"good bye\n"


def test_a_leftover_that_ignores_term_is_killed_after_two_seconds(start, half, monkeypatch):
    monkeypatch.setattr(tree, "LEFTOVER_GRACE", 0.3)
    worker = start("(trap '' TERM; echo $$; while :; do sleep 0.05; done) & sleep 0.2")
    begin = time.monotonic()
    assert worker.result().outcome is Outcome.SUCCESS
    assert time.monotonic() - begin >= 0.5
    assert not carriers(worker)


def test_a_stopped_leftover_is_ended(start, half):
    worker = start("sh -c 'kill -STOP $$' & echo $!; sleep 0.1")
    assert not lives(int(worker.result().stdout.head))


def test_a_leftover_in_a_session_of_its_own_is_ended(start, half, pid_file, monkeypatch):
    # The portable half looks for it only when something of the job's own group is left.
    worker = start(f"setsid sh -c 'echo $$ >{pid_file}; exec sleep 1000' & sleep 1000 & sleep 0.3")
    assert worker.result().outcome is Outcome.SUCCESS
    assert not lives(pid_in(pid_file))


def test_a_daemon_that_forked_twice_and_closed_everything_is_ended(start, pid_file, monkeypatch):
    use_half("linux", monkeypatch)
    daemon = f"env -i setsid sh -c '(echo $$ >{pid_file}; exec sleep 1000) <&- >&- 2>&- &'"
    worker = start(f"{daemon}; while [ ! -s {pid_file} ]; do sleep 0.01; done; exit 3")
    assert worker.result().exit_code == 3
    assert not lives(pid_in(pid_file))
    assert not worker.ended().children


def test_a_daemon_is_ended_by_a_timeout_too(start, pid_file, monkeypatch):
    use_half("linux", monkeypatch)
    daemon = f"env -i setsid sh -c '(trap \"\" TERM; echo $$ >{pid_file}; while :; do sleep 0.05; done) <&- >&- 2>&- &'"
    worker = start(f"{daemon}; exec sleep 1000", timeout_ms=300, kill_grace_ms=200)
    assert worker.result().outcome is Outcome.TIMEOUT
    assert not lives(pid_in(pid_file))


def test_a_tree_that_keeps_forking_is_ended(start, monkeypatch):
    monkeypatch.setattr(tree, "LEFTOVER_GRACE", 0.3)
    use_half("linux", monkeypatch)
    chain = 'f() { setsid sh -c \'sleep 0.02; exec sh -c "$0" "$0"\' "$1" & }; '
    script = 'trap "" TERM; sleep 0.02; setsid sh -c "$0" "$0" & '
    worker = start(f"{chain} setsid sh -c '{script}' '{script}' & sleep 0.3")
    result = worker.result()
    assert (result.outcome, result.error) == (Outcome.SUCCESS, None)
    assert not carriers(worker)


def test_a_leftover_is_killed_although_the_main_process_exits_just_before_its_own_kill(start, monkeypatch, tmp_path):
    kill, gate = attempt_runner._Attempt._kill, tmp_path / "gate"

    def kill_late(attempt):
        gate.touch()
        os.waitid(os.P_PID, attempt._pid, os.WEXITED | os.WNOWAIT)
        kill(attempt)

    use_half("linux", monkeypatch)
    monkeypatch.setattr(attempt_runner._Attempt, "_kill", kill_late)
    stubborn = "trap '' TERM; while :; do sleep 0.05; done"
    worker = start(
        f"({stubborn}) & trap '' TERM; while [ ! -e {gate} ]; do sleep 0.01; done", timeout_ms=100, kill_grace_ms=100
    )
    assert worker.result(60).outcome is Outcome.TIMEOUT
    assert not carriers(worker)


def test_an_order_to_kill_ends_the_grace_of_leftovers(start, monkeypatch):
    monkeypatch.setattr(tree, "LEFTOVER_GRACE", 1000.0)
    use_half("linux", monkeypatch)
    worker = start("(trap '' TERM; echo $$; while :; do sleep 0.05; done) & sleep 0.3; exit 3")
    main = int(wait_until(lambda: worker.printed().strip()))
    wait_until(lambda: not lives(main))
    worker.say("cancel 15")  # no reason to hurry
    worker.say("release 9")
    result = worker.result(60)
    assert (result.outcome, result.exit_code) == (Outcome.EXIT, 3)
    assert not carriers(worker)


def test_a_worker_ticks_while_it_ends_leftovers(start, monkeypatch):
    monkeypatch.setattr(tree, "LEFTOVER_GRACE", 2.0)
    use_half("linux", monkeypatch)
    worker = start("(trap '' TERM; while :; do sleep 0.05; done) & sleep 0.1")
    assert len(worker.ended(60).ticks) >= 2


def test_orphans_that_end_while_the_job_runs_do_not_pile_up_as_zombies(start, monkeypatch, tmp_path):
    use_half("linux", monkeypatch)
    worker = start("for i in 1 2 3 4 5 6 7 8; do (true &); done; echo ready; exec sleep 1000")
    worker.wait_for(b"ready")
    children = f"/proc/{worker.pid}/task/{worker.pid}/children"
    with open(children) as file:
        assert file.read().split()

    def only_the_job():
        with open(children) as file:
            return len(file.read().split()) == 1

    wait_until(only_the_job)
    worker.say("cancel 9")
    assert worker.result().outcome is Outcome.CANCELLED


def test_an_unkillable_process_is_not_blamed_on_the_next_job(start, monkeypatch, tmp_path):
    use_half("linux", monkeypatch)
    monkeypatch.setattr(tree, "_signal", lambda *_, **__: None)
    monkeypatch.setattr(tree, "LEFTOVER_GRACE", 0.1)
    monkeypatch.setattr(tree, "GIVE_UP_AFTER", 0.1)
    child = os.fork()
    if not child:
        status = 1
        try:
            status = two_attempts(tmp_path)
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    pid = int((tmp_path / "pid").read_text())
    started = system.start_time(pid)
    assert started is not None
    system.send(pid, started, signal.SIGKILL)
    assert status == 0


def two_attempts(tmp_path):
    def run(command):
        spec = AttemptSpec(command=command, seq=1, fence=1, cookie="t-1-1", environment={})
        return attempt_runner.run(spec, AttemptHooks(tick=lambda: float("inf"), order=lambda: None))

    first = run(f"sleep 1000 & echo $! >{tmp_path}/pid")
    assert first.outcome is Outcome.SUCCESS
    assert first.error == f"unkillable: pids {(tmp_path / 'pid').read_text().strip()}"
    second = run("true")
    assert (second.outcome, second.error) == (Outcome.SUCCESS, None)
    return 0
