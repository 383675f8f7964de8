"""Attempts end by themselves, by a timeout or by an order."""

from __future__ import annotations

import os
import signal
import time

import pytest

from queuectl.domain.attempt import NOTHING, Outcome
from queuectl.runtime import tree
from tests.support.attempts import carriers, lives
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.usefixtures("half")

STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.05; done"


def test_a_command_that_exits_0_succeeds(start):
    result = start("true").result()
    assert (result.outcome, result.exit_code, result.signal, result.error) == (Outcome.SUCCESS, 0, None, None)
    assert result.stdout == result.stderr == NOTHING


@pytest.mark.parametrize(("command", "code"), [("exit 7", 7), ("exit 255", 255), ("no-such-program-here", 127)])
def test_an_exit_code_is_kept(start, command, code):
    result = start(command).result()
    assert (result.outcome, result.exit_code, result.signal) == (Outcome.EXIT, code, None)


def test_a_program_that_does_not_exist_is_named_on_stderr(start):
    assert b"no-such-program-here" in start("no-such-program-here").result().stderr.head


@pytest.mark.parametrize("signo", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE])
def test_a_signal_from_outside_is_its_own_outcome(start, signo):
    result = start(f"kill -{int(signo)} $$").result()
    assert (result.outcome, result.exit_code, result.signal) == (Outcome.SIGNAL, None, signo)


def test_the_duration_is_the_attempts_own(start):
    assert 200 <= start("sleep 0.2").result().duration_ms < PATIENCE * 1000


def test_a_timeout_ends_it_with_term(start):
    result = start("trap 'echo bye; exit 3' TERM; sleep 100 & wait", timeout_ms=200).result()
    assert (result.outcome, result.exit_code) == (Outcome.TIMEOUT, 3)
    assert result.stdout.head == b"bye\n"
    assert 200 <= result.duration_ms < 100_000


def test_a_timeout_is_a_timeout_although_it_then_exits_0(start):
    result = start("trap 'exit 0' TERM; sleep 100 & wait", timeout_ms=200).result()
    assert (result.outcome, result.exit_code) == (Outcome.TIMEOUT, 0)


def test_after_the_grace_it_is_killed(start):
    result = start(STUBBORN, timeout_ms=200, kill_grace_ms=300).result()
    assert (result.outcome, result.signal) == (Outcome.TIMEOUT, signal.SIGKILL)
    assert 500 <= result.duration_ms < PATIENCE * 1000


def test_a_child_that_ignores_term_gets_the_same_grace_as_its_parent(start):
    worker = start("(trap '' TERM; while :; do sleep 0.05; done) & exec sleep 100", timeout_ms=200, kill_grace_ms=400)
    begin = time.monotonic()
    assert worker.result().outcome is Outcome.TIMEOUT
    assert time.monotonic() - begin >= 0.6
    assert not carriers(worker)


def test_a_stopped_job_gets_its_term_too(start):
    result = start("trap 'exit 5' TERM; kill -STOP $$", timeout_ms=200).result()
    assert (result.outcome, result.exit_code) == (Outcome.TIMEOUT, 5)


def test_a_stopped_job_that_ignores_term_is_killed(start):
    result = start("trap '' TERM; kill -STOP $$; kill -STOP $$", timeout_ms=100, kill_grace_ms=200).result()
    assert (result.outcome, result.signal) == (Outcome.TIMEOUT, signal.SIGKILL)


def test_a_flood_does_not_delay_the_timeout(start):
    result = start("cat /dev/zero & cat /dev/zero >&2", timeout_ms=300, kill_grace_ms=100).result()
    assert result.outcome is Outcome.TIMEOUT
    assert result.duration_ms < PATIENCE * 1000
    assert min(result.stdout.total, result.stderr.total) > 1_000_000


def test_a_job_that_closes_its_streams_goes_on(start):
    result = start("exec >&- 2>&-; sleep 0.3; exit 4").result()
    assert (result.outcome, result.exit_code) == (Outcome.EXIT, 4)
    assert result.duration_ms >= 300


@pytest.mark.parametrize(("order", "outcome"), [("cancel", Outcome.CANCELLED), ("release", Outcome.RELEASED)])
def test_an_order_ends_the_job(start, order, outcome):
    worker = start("trap 'echo got it; exit 0' TERM; echo ready; sleep 100 & wait")
    worker.wait_for(b"ready")
    worker.say(f"{order} 15")
    result = worker.result()
    assert (result.outcome, result.exit_code, result.stdout.head) == (outcome, 0, b"ready\ngot it\n")


def test_a_cancel_brings_the_signal_that_was_asked_for(start):
    worker = start("trap 'echo usr1; exit 0' USR1; echo ready; sleep 100 & wait")
    worker.wait_for(b"ready")
    worker.say(f"cancel {int(signal.SIGUSR1)}")
    assert worker.result().stdout.head == b"ready\nusr1\n"


def test_a_cancel_that_is_ignored_kills_after_the_grace(start):
    worker = start(STUBBORN, kill_grace_ms=300)
    worker.wait_for(b"ready")
    worker.say("cancel 15")
    result = worker.result()
    assert (result.outcome, result.signal) == (Outcome.CANCELLED, signal.SIGKILL)


def test_a_stronger_order_does_not_wait_for_the_grace(start):
    worker = start(STUBBORN, kill_grace_ms=60_000)
    worker.wait_for(b"ready")
    worker.say("release 15")
    worker.say("release 9")
    result = worker.result()
    assert (result.outcome, result.signal) == (Outcome.RELEASED, signal.SIGKILL)


def test_a_cancel_overrides_a_release(start):
    worker = start("trap 'echo term' TERM; echo ready; while :; do sleep 0.05; done", kill_grace_ms=60_000)
    worker.wait_for(b"ready")
    worker.say("release 15")
    worker.wait_for(b"term")
    worker.say("cancel 9")
    assert worker.result().outcome is Outcome.CANCELLED


def test_a_repeated_order_sends_its_signal_once(start):
    worker = start("trap 'echo term' TERM; echo ready; while :; do sleep 0.05; done", kill_grace_ms=700)
    worker.wait_for(b"ready")
    worker.say("cancel 15")
    worker.wait_for(b"term")
    worker.say("cancel 15")
    assert worker.result().stdout.head == b"ready\nterm\n"


def while_the_worker_sleeps(worker, pid_file):
    """Stop the worker, let the job end meanwhile, and return the function that wakes the worker."""
    pid = int(wait_until(lambda: pid_file.exists() and pid_file.read_text().strip()))
    os.kill(worker.pid, signal.SIGSTOP)
    os.waitpid(worker.pid, os.WUNTRACED)
    os.kill(pid, signal.SIGUSR1)
    wait_until(lambda: not lives(pid))
    return lambda: os.kill(worker.pid, signal.SIGCONT)


def test_a_job_that_ended_before_the_order_was_carried_out_keeps_its_outcome(start, tmp_path):
    worker = start(f"trap 'exit 3' USR1; echo $$ >{tmp_path}/pid; while :; do sleep 0.01; done")
    wake_up = while_the_worker_sleeps(worker, tmp_path / "pid")
    worker.say("cancel 15")
    wake_up()
    assert worker.result().outcome is Outcome.EXIT


def test_a_job_that_ended_before_its_timeout_was_carried_out_keeps_its_outcome(start, tmp_path):
    begin = time.monotonic()
    worker = start(f"trap 'exit 3' USR1; echo $$ >{tmp_path}/pid; while :; do sleep 0.01; done", timeout_ms=1000)
    wake_up = while_the_worker_sleeps(worker, tmp_path / "pid")
    wait_until(lambda: time.monotonic() - begin > 1.1)
    wake_up()
    assert worker.result().outcome is Outcome.EXIT


def test_an_order_after_the_end_changes_nothing(start):
    worker = start("exit 3")
    time_is_up = worker.result()
    worker.say("cancel 15")
    assert time_is_up.outcome is Outcome.EXIT


def test_a_wake_descriptor_that_closes_is_no_busy_loop(start):
    worker = start("echo ready; sleep 1")
    worker.wait_for(b"ready")
    worker.hang_up()
    ended = worker.ended()
    assert ended.result.outcome is Outcome.SUCCESS
    assert ended.seconds < 0.3


def test_the_worker_beats_once_a_second_while_a_job_runs(start):
    ended = start("cat /dev/zero & sleep 2.2").ended()
    assert len(ended.ticks) >= 2


def test_a_short_attempt_ticks_when_the_chain_it_belongs_to_is_due(start):
    assert start("sleep 0.1", tick_at=0.0).ended().ticks
    assert not start("sleep 0.1", tick_at=time.monotonic() + 1000).ended().ticks


def test_when_an_order_raises_the_tree_is_killed(start):
    worker = start("setsid sleep 1000 & echo ready; sleep 1000")
    worker.wait_for(b"ready")
    assert carriers(worker)
    worker.say("raise")
    with pytest.raises(AssertionError, match="the worker died"):
        worker.result()
    wait_until(lambda: not carriers(worker))


def test_no_zombie_is_left_to_the_worker(start):
    assert not start("sleep 0.01 & sleep 0.01 & (sleep 0.01 &) ; exit 0").ended().children


def test_a_worker_whose_parent_ignored_sigchld_still_sees_exit_codes(start):
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        worker = start("exit 6")
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert worker.result().exit_code == 6


def test_giving_up_on_an_empty_tree_is_no_busy_loop(start, monkeypatch):
    monkeypatch.setattr(tree, "signal_running", lambda *_: None)
    monkeypatch.setattr(tree, "give_up", lambda *_: [])
    monkeypatch.setattr(tree, "GIVE_UP_AFTER", 0.1)
    ended = start("exec sleep 1", timeout_ms=100, kill_grace_ms=100).ended()
    assert (ended.result.outcome, ended.result.exit_code) == (Outcome.TIMEOUT, 0)
    assert ended.seconds < 0.3


def test_what_cannot_be_ended_is_reported_and_not_waited_for(start, monkeypatch):
    monkeypatch.setattr(tree, "signal_running", lambda *_: None)
    monkeypatch.setattr(tree, "GIVE_UP_AFTER", 0.3)
    worker = start("exec sleep 1000", timeout_ms=100, kill_grace_ms=100)
    result = worker.result()
    assert result.outcome is Outcome.TIMEOUT
    assert result.error is not None
    pids = [int(word) for word in result.error.removeprefix("unkillable: pids ").split(", ")]
    assert len(pids) == 1
    os.kill(pids[0], signal.SIGKILL)
