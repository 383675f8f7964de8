"""Clocks, passed in as arguments: nothing below reads a clock of its own."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Timed(Protocol):
        """A store that may keep its own time, such as a server."""

        clock_offset_ms: int | None
        """Milliseconds to add to `steady` for the server's time; None where this machine's wall clock applies."""


_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady() -> float:
    """Return seconds since an arbitrary moment. The clock cannot be set, and runs on while the machine sleeps."""
    return time.clock_gettime(_STEADY)


class Clock:
    """The machine's clocks, or a server's time. Tests pass their own.

    With a store on a server, all hosts use the server's time: one host compares its time with what another wrote.
    Between two readings of the server's time the steady clock measures, so setting this machine's clock causes no
    jump.
    """

    def __init__(self, store: Timed | None = None) -> None:
        """Use the time of `store` if it keeps one, else this machine's."""
        self._store = store

    def now(self) -> int:
        """Return milliseconds since the epoch: for records, never for waiting."""
        if self._store is None or self._store.clock_offset_ms is None:
            return time.time_ns() // 1_000_000
        return round(steady() * 1000) + self._store.clock_offset_ms

    def monotonic(self) -> float:
        """Return seconds of a clock that never jumps: for waiting, never for records."""
        return time.monotonic()
