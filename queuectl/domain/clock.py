"""Time as it is passed in, so that nothing below reads a clock of its own."""

from __future__ import annotations

import time


class Clock:
    """The machine's clocks. Tests pass one of their own."""

    def now(self) -> int:
        """Milliseconds since the epoch: for records, never for waiting."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never jump: for waiting, never for records."""
        return time.monotonic()
