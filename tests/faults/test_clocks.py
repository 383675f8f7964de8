"""The wall clock jumps, both ways: nothing runs twice, no worker is killed, and delays keep to the clock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from queuectl.selftest.ledger import note, witnessed
from tests.support.queue import ROOT, Queue
from tests.support.soundness import assert_sound
from tests.support.stress import began, once
from tests.support.waiting import PATIENCE, wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEASE = 3.0
DAY = 86_400
both_ways = pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forward", "back"])


@pytest.fixture
def set_clock(queue: Queue, tmp_path: Path) -> Iterator[Callable[[float], None]]:
    """A pool of two workers, and a way to set its wall clock, in seconds from the true time."""
    skew = tmp_path / "skew"

    def set_to(seconds: float) -> None:
        # In one step: a clock that is read in between would be correct for a moment.
        skew.with_suffix(".new").write_text(str(seconds))
        skew.with_suffix(".new").rename(skew)

    set_to(0)
    queue.run("config", "set", "lease", str(LEASE))
    with (tmp_path / "pool.log").open("wb") as log:
        pool = subprocess.Popen(
            [sys.executable, "-m", "tests.support.clock_skew", str(skew), "worker", "start", "--count", "2"],
            env=queue.environment | {"PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    wait_until(lambda: len(queue.workers()) == 2)
    yield set_to
    pool.send_signal(signal.SIGTERM)
    queue.run("worker", "stop", "--now", "--timeout", "20s", code=None)
    pool.wait(PATIENCE)


def working(queue: Queue) -> set[int]:
    return {seen.info.pid for seen in queue.workers()}


@both_ways
def test_a_running_job_is_neither_lost_nor_timed_out(
    queue: Queue, ledger: Path, set_clock: Callable[[float], None], jump: float
):
    work = f"while [ ! -e gate ]; do {note(str(ledger), 'alive')}; sleep 0.05; done"
    queue.enqueue(witnessed(str(ledger), work), "--id", "job", "--timeout", "1h")
    wait_until(began(ledger, "job"))
    workers, jumped = working(queue), time.monotonic()

    set_clock(jump)
    # Longer than the lease, and than the steward's pause after it.
    wait_until(lambda: time.monotonic() - jumped > LEASE + 1.5)
    (queue.directory / "gate").touch()

    assert queue.wait_for("job") == "completed"
    assert working(queue) == workers
    assert queue.outcomes("job") == ["success"]
    (attempt,) = queue.context.store.jobs.attempts(1)
    assert attempt.duration_ms is not None
    assert LEASE * 1000 < attempt.duration_ms < PATIENCE * 1000, "measured by a clock that does not jump"
    assert_sound(queue, ledger, ["job"], clock_jumped=True)


@both_ways
def test_a_timeout_comes_when_its_time_has_passed_and_no_sooner(
    queue: Queue, ledger: Path, set_clock: Callable[[float], None], jump: float
):
    queue.enqueue(witnessed(str(ledger), "sleep 300"), "--id", "job", "--timeout", "1.5", "--max-retries", "0")
    wait_until(began(ledger, "job"))

    set_clock(jump)

    assert queue.wait_for("job") == "dead"
    assert queue.outcomes("job") == ["timeout"]
    (attempt,) = queue.context.store.jobs.attempts(1)
    assert attempt.duration_ms is not None
    assert 1500 <= attempt.duration_ms < PATIENCE * 1000
    assert_sound(queue, ledger, ["job"], clock_jumped=True)


@both_ways
def test_a_job_whose_worker_is_killed_after_the_jump_runs_once_more(
    queue: Queue, ledger: Path, set_clock: Callable[[float], None], jump: float
):
    queue.enqueue(once(ledger, "sleep 300"), "--id", "job")
    wait_until(began(ledger, "job"))
    set_clock(jump)

    os.kill(queue.busy_worker(), signal.SIGKILL)

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["lost", "success"]
    assert_sound(queue, ledger, ["job"], clock_jumped=True)


@pytest.mark.on_sqlite  # a server has a clock of its own
def test_a_delay_is_over_when_the_clock_says_so(queue: Queue, ledger: Path, set_clock: Callable[[float], None]):
    """A delay is a time of the wall clock: set forward it is over sooner, set back it lasts longer."""
    queue.enqueue(witnessed(str(ledger), "true"), "--id", "tomorrow", "--delay", "1h")
    set_clock(DAY)
    assert queue.wait_for("tomorrow") == "completed"

    set_clock(-DAY)
    queue.enqueue(witnessed(str(ledger), "true"), "--id", "now")
    seen = time.monotonic()
    # Twice the longest poll interval.
    wait_until(lambda: time.monotonic() - seen > 2)
    assert queue.state("now") == "pending"
    set_clock(0)

    assert queue.wait_for("now") == "completed"
    assert queue.outcomes("tomorrow") == queue.outcomes("now") == ["success"]
    assert_sound(queue, ledger, ["tomorrow", "now"], clock_jumped=True)


def test_a_clock_that_jumps_runs_nothing_twice(queue: Queue, ledger: Path, set_clock: Callable[[float], None]):
    queue.run("config", "set", "backoff_delay", "0.05")
    ids = [f"job{number}" for number in range(30)]
    for number, id_ in enumerate(ids):
        queue.enqueue(witnessed(str(ledger), '[ "$QUEUECTL_ATTEMPT" -ge 2 ]'), "--id", id_, "--max-retries", "2")
        set_clock(DAY * (number % 7 - 3))

    # Jobs that were delayed by days are due once the clock is ahead of all of them.
    set_clock(7 * DAY)

    for id_ in ids:
        assert queue.wait_for(id_) == "completed"
        assert queue.outcomes(id_) == ["exit", "success"]
    assert_sound(queue, ledger, ids, clock_jumped=True)
