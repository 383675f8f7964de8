"""Retries of a store that cannot be used for a while: a full disk, a held lock, a server that restarts."""

from __future__ import annotations

import time

from queuectl.domain.errors import StoreLost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.errors import StoreError
    from queuectl.runtime.log import Log

_SHORTEST, _LONGEST = 0.1, 5.0
_LAST_PAUSE, _LAST_TRIES = 0.2, 2.0
"""Seconds between the last tries of a worker that must stop now, and seconds until the last of them."""


class Outage:
    """The failures of the store between two successes. The log has one line for each reason."""

    def __init__(self, log: Log) -> None:
        """Start in the healthy state."""
        self._log = log
        self._logged: set[str] = set()

    def failed(self, error: StoreError) -> None:
        """Log `error` unless this outage has had it: its first reason is often not the one that lasts."""
        if error.message not in self._logged:
            self._logged.add(error.message)
            self._log.event(f"waiting for the store: {error.message}")

    def recovered(self) -> bool:
        """Return to the healthy state; return whether the store had failed."""
        had_failed = bool(self._logged)
        self._logged.clear()
        return had_failed


class StoreRetry:
    """The retries of one worker. The log has one line for each reason of a failure, and one when the store recovers."""

    def __init__(self, log: Log) -> None:
        """Start in the healthy state."""
        self._log = log
        self._outage = Outage(log)
        self.pause: float | None = None
        """Seconds to wait before the next try, doubled each time; None in the healthy state."""
        self._give_up_at = float("inf")

    @property
    def is_bad(self) -> bool:
        """Whether the last try failed."""
        return self.pause is not None

    @property
    def is_lasting(self) -> bool:
        """Whether so many tries in a row have failed that the pause is the longest."""
        return self.pause is not None and self.pause >= _LONGEST

    @property
    def is_hopeless(self) -> bool:
        """Whether the time for the last tries is over."""
        return time.monotonic() >= self._give_up_at

    def failed(self, error: StoreError, *, hurry: bool = False) -> float:
        """Count a failed try; return the seconds to wait before the next. `hurry` starts the last tries.

        Raises StoreLost if `error` is one: a store that is gone or damaged is not retried.
        """
        if isinstance(error, StoreLost):
            raise error
        self._outage.failed(error)
        self.pause = _SHORTEST if self.pause is None else min(self.pause * 2, _LONGEST)
        if hurry:
            self.pause = min(self.pause, _LAST_PAUSE)
            self._give_up_at = min(self._give_up_at, time.monotonic() + _LAST_TRIES)
        return self.pause

    def recovered(self) -> None:
        """Return to the healthy state after a try that succeeded."""
        self.pause = None
        if self._outage.recovered():
            self._log.event("the store is back")
