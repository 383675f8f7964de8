"""For how long a worker has stood still, as far as its steward can know."""

from __future__ import annotations

import pytest

from queuectl.domain.clock import Clock
from queuectl.runtime.silences import Silences


class HandSet(Clock):
    """A clock that the test moves."""

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


def test_a_counter_that_stands_still_is_silent_for_as_long(clock: HandSet):
    silences = Silences(clock)
    assert [look(silences, clock, 1.0, 7) for _ in range(4)] == [0.0, 1.0, 2.0, 3.0]


def test_a_counter_that_moves_begins_anew(clock: HandSet):
    silences = Silences(clock)
    look(silences, clock, 1.0, 7)
    look(silences, clock, 1.0, 7)
    assert look(silences, clock, 1.0, 8) == 0.0
    assert look(silences, clock, 1.0, 8) == 1.0


def test_the_time_in_which_the_steward_itself_stood_still_is_nobodys_silence(clock: HandSet):
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
