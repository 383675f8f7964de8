"""The time since a worker's last heartbeat, as far as its steward has observed it."""

from __future__ import annotations

import pytest

from queuectl.domain.clock import Clock
from queuectl.runtime.silences import Silences


class HandSet(Clock):
    """A clock that is set by the test."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> HandSet:
    return HandSet()


def look(silences: Silences, clock: HandSet, after: float, beat: int | None) -> float:
    clock.seconds += after
    silences.begin_poll()
    return silences.of("w", beat)


def test_an_unchanged_counter_counts_as_silence(clock: HandSet):
    silences = Silences(clock)
    assert [look(silences, clock, 1.0, 7) for _ in range(4)] == [0.0, 1.0, 2.0, 3.0]


def test_a_changed_counter_resets_the_silence(clock: HandSet):
    silences = Silences(clock)
    look(silences, clock, 1.0, 7)
    look(silences, clock, 1.0, 7)
    assert look(silences, clock, 1.0, 8) == 0.0
    assert look(silences, clock, 1.0, 8) == 1.0


def test_time_in_which_the_steward_was_stopped_is_not_counted(clock: HandSet):
    silences = Silences(clock)
    look(silences, clock, 1.0, 7)
    assert look(silences, clock, 3600.0, 7) <= 2.0
    assert silences.watched_for == 0.0
    look(silences, clock, 1.0, 7)
    assert silences.watched_for == 1.0


def test_a_worker_that_was_forgotten_is_new(clock: HandSet):
    silences = Silences(clock)
    look(silences, clock, 1.0, None)
    silences.keep([])
    assert look(silences, clock, 1.0, None) == 0.0
