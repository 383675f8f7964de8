"""A store that cannot be used for a while: a full disk, a lock, a server that restarts. It passes; so one waits."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.errors import StoreError
    from queuectl.runtime.log import Log

_SHORTEST, _LONGEST = 0.1, 5.0


class Weather:
    """Says once that it is bad, and once that it is over."""

    def __init__(self, log: Log) -> None:
        """It is fair."""
        self._log = log
        self.pause: float | None = None
        """Seconds to wait before the next try, longer each time; None while it is fair."""

    @property
    def is_bad(self) -> bool:
        """Whether the last try failed."""
        return self.pause is not None

    @property
    def is_lasting(self) -> bool:
        """Whether it has been bad for as many tries as make the longest pause."""
        return self.pause is not None and self.pause >= _LONGEST

    def turn_bad(self, error: StoreError) -> float:
        """A try failed by this; how long to wait."""
        if self.pause is None:
            self._log.event(f"waiting for the store: {error.message}")
            self.pause = _SHORTEST
        else:
            self.pause = min(self.pause * 2, _LONGEST)
        return self.pause

    def turn_fair(self) -> None:
        """A try succeeded."""
        if self.pause is not None:
            self.pause = None
            self._log.event("the store is back")
