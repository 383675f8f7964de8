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


class StoreRetry:
    """The retries of one worker. The log has one line when the store fails, and one when it recovers."""

    def __init__(self, log: Log) -> None:
        """Start in the healthy state."""
        self._log = log
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
        """Return to the healthy state after a try that succeeded."""
        if self.pause is not None:
            self.pause = None
            self._log.event("the store is back")
