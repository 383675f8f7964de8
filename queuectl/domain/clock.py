"""Time as it is passed in, so that nothing below reads a clock of its own."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Timed(Protocol):
        """What may have a clock of its own."""

        ahead: int | None
        """Milliseconds that it is ahead of `steady`; None where this machine's wall clock counts."""


_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Seconds from some moment on: nobody sets this clock, and it goes on while the machine sleeps."""
    return time.clock_gettime(_STEADY)


class Clock:
    """The machine's clocks. Tests pass one of their own.

    Where a server keeps the queue its time is everybody's: what one host writes, another holds against its own clock.
    It is told by the steady clock in between, so that it does not jump when somebody sets this machine's.
    """

    def __init__(self, store: Timed | None = None) -> None:
        """Tell the time of `store`, if it has one."""
        self._store = store

    def now(self) -> int:
        """Milliseconds since the epoch: for records, never for waiting."""
        if self._store is None or self._store.ahead is None:
            return time.time_ns() // 1_000_000
        return round(steady() * 1000) + self._store.ahead

    def monotonic(self) -> float:
        """Seconds that never jump: for waiting, never for records."""
        return time.monotonic()
