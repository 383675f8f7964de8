"""For how long each worker has shown no sign of life, as one steward has seen it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from queuectl.domain.clock import Clock

MOST_COUNTED = 2.0
"""Seconds that one look adds at most. A steward looks once a second; one that was stopped, suspended or starved of the
processor for longer has seen nothing of the workers meanwhile, which were most likely stopped with it."""


class Silences:
    """Counts only the time in which the steward itself was looking."""

    def __init__(self, clock: Clock) -> None:
        """Count by the monotonic `clock`."""
        self._clock = clock
        self._looked_at = clock.monotonic()
        self._since_last_look = 0.0
        self.watched_for = float("inf")
        """Seconds since the steward was last kept from looking; for ever if it never was."""
        self._seen: dict[str, tuple[int | None, float]] = {}
        """By worker: its counter, and the seconds for which that has stood still."""

    def begin_look(self) -> None:
        """Start a look at every worker."""
        now = self._clock.monotonic()
        elapsed = now - self._looked_at
        self._since_last_look = min(elapsed, MOST_COUNTED)
        self.watched_for = 0.0 if elapsed > 2 * MOST_COUNTED else self.watched_for + elapsed
        self._looked_at = now

    def of(self, worker: str, beat: int | None) -> float:
        """Seconds for which the counter of `worker` has stood still at `beat`; 0 when it has moved, or is new."""
        before = self._seen.get(worker)
        silence = before[1] + self._since_last_look if before is not None and before[0] == beat else 0.0
        self._seen[worker] = beat, silence
        return silence

    def keep(self, workers: Collection[str]) -> None:
        """Forget all but these."""
        self._seen = {worker: seen for worker, seen in self._seen.items() if worker in workers}
