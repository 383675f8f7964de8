"""Firing of schedules in one poll of a steward."""

from __future__ import annotations

import pytest

from queuectl.config import settings_from
from queuectl.domain.errors import StoreError
from queuectl.domain.job import NewJob
from queuectl.domain.record import replace
from queuectl.domain.schedule import Missed, Overlap, Schedule, Timing
from queuectl.runtime.log import Log
from queuectl.runtime.run_dir import RunDir
from queuectl.runtime.schedule_firing import ScheduleFiring
from queuectl.store.schedules import job_text
from queuectl.store.sqlite.database import SqliteDatabase
from queuectl.store.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_700_000_040_000
MINUTE = 60_000


class SlowClock:
    """A clock that stands still, on which each look at the monotonic time takes 10 ms."""

    def __init__(self) -> None:
        self.at, self._seconds = NOW, 0.0

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        self._seconds += 0.01
        return self._seconds


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(SqliteDatabase(str(tmp_path / "queue.db")), actor="tester@here")
    yield opened
    opened.close()


def firing(store: Store, tmp_path: Path, clock: SlowClock) -> ScheduleFiring:
    return ScheduleFiring(store, RunDir(str(tmp_path / "run")), log=Log("p"), clock=clock)  # type: ignore[arg-type]  # a clock of two methods


def add(store: Store, name: str, **changes: object) -> None:
    schedule = Schedule(
        name=name,
        timing=Timing(cron="* * * * *", zone="UTC"),
        overlap=Overlap.ALLOW,
        job=job_text(NewJob(command="true")),
        created_at=0,
        created_by="ada@here",
        next_at=NOW,
    )
    schedule = replace(schedule, **changes)
    store.schedules.change(name, lambda _: schedule, verb="schedule_add", now=NOW)


def count(store: Store) -> int:
    return sum(n for _, _, n in store.counts())


def test_a_backlog_is_fired_in_several_polls_that_follow_at_once(store: Store, tmp_path: Path):
    add(store, "poll", next_at=NOW - 99 * MINUTE, missed=Missed.ALL)
    fires = firing(store, tmp_path, SlowClock())

    fires.fire(settings_from({}))

    assert 1 <= count(store) < 30, "one poll has a fifth of a second"
    assert fires.seconds_left(1.0) == 0
    for _ in range(100):
        fires.fire(settings_from({}))
    assert count(store) == 100
    assert fires.seconds_left(1.0) == 1.0


def test_after_a_fire_that_the_store_refused_the_steward_waits_as_usual(store: Store, tmp_path: Path):
    add(store, "poll", next_at=NOW - 99 * MINUTE, missed=Missed.ALL)
    fires = firing(store, tmp_path, SlowClock())
    fires.fire(settings_from({}))
    assert fires.seconds_left(1.0) == 0
    store.database.query(
        "CREATE TRIGGER full BEFORE INSERT ON fires BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    )

    with pytest.raises(StoreError):
        fires.fire(settings_from({}))

    assert fires.seconds_left(1.0) == 1.0


def test_the_steward_sleeps_until_the_next_time(store: Store, tmp_path: Path):
    clock = SlowClock()
    fires = firing(store, tmp_path, clock)
    fires.fire(settings_from({}))
    assert fires.seconds_left(1.0) == 1.0
    add(store, "poll", next_at=NOW + 400)

    fires.fire(settings_from({}))

    assert fires.seconds_left(1.0) == pytest.approx(0.4)


def test_a_schedule_that_cannot_be_fired_is_logged_once_and_fires_when_it_is_mended(
    store: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    add(store, "broken", timing=Timing(cron="* * * * *", zone="Mars/X"))
    add(store, "whole")
    fires = firing(store, tmp_path, SlowClock())
    for _ in range(3):
        fires.fire(settings_from({}))
    assert count(store) == 1
    assert capfd.readouterr().err.count("schedule broken cannot be fired: there is no time zone") == 1

    add(store, "broken")
    fires.fire(settings_from({}))

    assert count(store) == 2
