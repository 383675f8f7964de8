"""Pauses before a pool replaces a worker: longer and longer while workers die young or cannot be started."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.clock import Clock

QUICK_DEATH = 1.0
"""A worker that dies within this many seconds of its start is replaced more and more slowly."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0


class RestartBackoff:
    """The pause of one pool."""

    def __init__(self, clock: Clock) -> None:
        """Start without a pause."""
        self._clock = clock
        self._pause, self._not_before = 0.0, 0.0

    @property
    def left(self) -> float:
        """Seconds until the next worker may be started, 0 or less if it may be now."""
        return self._not_before - self._clock.monotonic()

    def lengthen(self) -> None:
        """Begin a pause twice as long as the last."""
        self._pause = min(max(self._pause * 2, _SHORTEST_PAUSE), _LONGEST_PAUSE)
        self._not_before = self._clock.monotonic() + self._pause

    def reset(self) -> None:
        """End the pause: the next one is the shortest again."""
        self._pause, self._not_before = 0.0, 0.0
