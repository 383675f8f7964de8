"""A store that cannot be used for a while: a full disk, a lock, a server that restarts. It passes; so one waits."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.errors import StoreError
    from queuectl.runtime.log import Log

_SHORTEST, _LONGEST = 0.1, 5.0
_LAST_PAUSE, _LAST_TRIES = 0.2, 2.0
"""Seconds between the last tries of a worker that must stop now, and for which it goes on with them."""


class StoreRetry:
    """Says once that it is bad, and once that it is over."""

    def __init__(self, log: Log) -> None:
        """It is fair."""
        self._log = log
        self.pause: float | None = None
        """Seconds to wait before the next try, longer each time; None while it is fair."""
        self._give_up_at = float("inf")

    @property
    def is_bad(self) -> bool:
        """Whether the last try failed."""
        return self.pause is not None

    @property
    def is_lasting(self) -> bool:
        """Whether it has been bad for as many tries as make the longest pause."""
        return self.pause is not None and self.pause >= _LONGEST

    @property
    def is_hopeless(self) -> bool:
        """Whether the last tries are over."""
        return time.monotonic() >= self._give_up_at

    def failed(self, error: StoreError, *, hurry: bool = False) -> float:
        """A try failed by this; how long to wait. `hurry` begins the last tries."""
        if self.pause is None:
            self._log.event(f"waiting for the store: {error.message}")
            self.pause = _SHORTEST
        else:
            self.pause = min(self.pause * 2, _LONGEST)
        if hurry:
            self.pause = min(self.pause, _LAST_PAUSE)
            self._give_up_at = min(self._give_up_at, time.monotonic() + _LAST_TRIES)
        return self.pause

    def recovered(self) -> None:
        """A try succeeded."""
        if self.pause is not None:
            self.pause = None
            self._log.event("the store is back")
