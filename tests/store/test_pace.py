"""Steps of bulk changes beside a running pool, and their events."""

from __future__ import annotations

import pytest

from queuectl.domain.job import JobState
from queuectl.store.pace import MOST, Pace
from tests.support.store_driver import ON_SQLITE, Stage


class Clock:
    """A clock that only a test advances; `pauses` are what was slept."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now


def pace_of(stage: Stage, clock: Clock) -> Pace:
    return Pace(stage.store.database, monotonic=clock.monotonic, sleep=clock.pauses.append)


def steps(pace: Pace, clock: Clock, *, seconds_a_job: float, count: int) -> list[int]:
    """Do some steps; return their sizes."""
    sizes = []
    for _ in range(count):
        sizes.append(pace.limit)
        with pace.step():
            clock.now += pace.limit * seconds_a_job
    return sizes


@ON_SQLITE
def test_beside_a_pool_steps_shrink_and_pauses_are_as_long_as_they(stage: Stage):
    clock = Clock()
    sizes = steps(pace_of(stage, clock), clock, seconds_a_job=0.00004, count=6)

    assert sizes[:2] == [1000, 500]
    assert all(0.009 < size * 0.00004 < 0.011 for size in sizes[2:])
    assert clock.pauses == pytest.approx([size * 0.00004 for size in sizes])


@ON_SQLITE
def test_where_no_pool_runs_steps_are_large_and_pauses_short(stage: Stage):
    stage.store.workers.stop_pool("pool", now=stage.now)
    clock = Clock()
    sizes = steps(pace_of(stage, clock), clock, seconds_a_job=0.00004, count=3)

    assert sizes == [MOST] * 3
    assert clock.pauses == pytest.approx([0.002] * 3)


@ON_SQLITE
def test_a_pool_that_starts_during_a_bulk_change_is_noticed(stage: Stage):
    stage.store.workers.stop_pool("pool", now=stage.now)
    clock = Clock()
    pace = pace_of(stage, clock)
    steps(pace, clock, seconds_a_job=0.00004, count=1)
    stage.store.database.query("UPDATE pools SET stopped_at = NULL")
    clock.now += 2

    assert steps(pace, clock, seconds_a_job=0.00004, count=3)[-1] < MOST


def test_jobs_are_done_in_steps_of_the_present_size(stage: Stage):
    pace = Pace(stage.store.database)
    sizes = []
    for part in pace.parts(range(2_000)):
        sizes.append(len(part))
        pace.limit = 300
    assert sizes == [1000, 300, 300, 300, 100]


def test_a_prune_in_small_steps_records_an_event_for_the_first_and_for_each_thousand_jobs(stage: Stage):
    stage.enqueue(*(f"old{n}" for n in range(1300)))
    for n in range(1300):
        stage.store.jobs.cancel(f"old{n}", signal=15, now=stage.now)

    def interrupt(_count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage.store.jobs.prune(JobState.CANCELLED, before=stage.now, now=stage.now, progress=interrupt)
    stage.store.jobs.prune(JobState.CANCELLED, before=stage.now, now=stage.now)

    rows = stage.store.database.query("SELECT detail FROM events WHERE verb = 'prune' ORDER BY seq")
    assert sum(int(detail.partition(" ")[0]) for (detail,) in rows) == 1300
