"""Time since the last heartbeat of each worker, as observed by one steward."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from queuectl.domain.clock import Clock

MOST_COUNTED = 2.0
"""Seconds that one poll adds at most. A steward polls once a second; one that was stopped, suspended or starved of the
processor for longer observed no worker meanwhile, and the workers were most likely stopped with it."""


class Silences:
    """Durations without a heartbeat, counting only time in which the steward itself was polling."""

    def __init__(self, clock: Clock) -> None:
        """Count by the monotonic `clock`."""
        self._clock = clock
        self._polled_at = clock.monotonic()
        self._since_last_poll = 0.0
        self.watched_for = float("inf")
        """Seconds since the steward was last kept from polling; infinite if it never was."""
        self._seen: dict[str, tuple[int | None, float]] = {}
        """By worker: its counter, and the seconds for which that has not changed."""
        self._beating: set[str] = set()
        """Workers whose counter changed between the last two polls."""

    def begin_poll(self) -> None:
        """Start a poll of all workers."""
        now = self._clock.monotonic()
        elapsed = now - self._polled_at
        self._since_last_poll = min(elapsed, MOST_COUNTED)
        self.watched_for = 0.0 if elapsed > 2 * MOST_COUNTED else self.watched_for + elapsed
        self._polled_at = now

    def of(self, worker: str, beat: int | None) -> float:
        """Return the seconds for which the counter of `worker` has stayed at `beat`; 0 if it changed or is new."""
        before = self._seen.get(worker)
        if before is not None and before[0] != beat:
            self._beating.add(worker)
        else:
            self._beating.discard(worker)
        silence = before[1] + self._since_last_poll if before is not None and before[0] == beat else 0.0
        self._seen[worker] = beat, silence
        return silence

    def is_beating(self, worker: str) -> bool:
        """Return whether the counter of `worker` changed since the poll before this one."""
        return worker in self._beating

    def keep(self, workers: Collection[str]) -> None:
        """Forget all workers but these."""
        self._seen = {worker: seen for worker, seen in self._seen.items() if worker in workers}
        self._beating.intersection_update(workers)
