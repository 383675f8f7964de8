"""Time as it is passed in, so that nothing below reads a clock of its own."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Ahead(Protocol):
        """What has a clock of its own."""

        ahead: int
        """Milliseconds that it is ahead of this machine's."""


class Clock:
    """The machine's clocks. Tests pass one of their own.

    Where a server keeps the queue its time is everybody's: what one host writes, another holds against its own clock.
    """

    def __init__(self, server: Ahead | None = None) -> None:
        """Tell the time of `server`."""
        self._server = server

    def now(self) -> int:
        """Milliseconds since the epoch: for records, never for waiting."""
        own = time.time_ns() // 1_000_000
        return own if self._server is None else own + self._server.ahead

    def monotonic(self) -> float:
        """Seconds that never jump: for waiting, never for records."""
        return time.monotonic()
