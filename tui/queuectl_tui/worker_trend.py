"""Processor use and throughput of a worker, computed from successive snapshots."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from queuectl.runtime.liveness import LiveWorker

SLOT_MS = 5000
SLOTS = 24
"""Two minutes in slots of five seconds."""
_SHORTEST_MS = 900
"""Processor time is counted in hundredths of a second: a shorter interval would give erratic values."""
_LONGEST_MS = 15_000
"""After a longer gap between snapshots, the time between is unknown."""


class Trend:
    """The trend of one worker."""

    def __init__(self) -> None:
        """Start without snapshots."""
        self.cpu: float | None = None
        """Part of one processor, 1.0 for all of it; None until two snapshots were seen."""
        self._done: deque[tuple[int, int]] = deque()
        self._cpu_seen: tuple[int, float] | None = None
        self._last: tuple[int, int] | None = None

    def see(self, worker: LiveWorker, at: int) -> None:
        """Add a snapshot."""
        self._see_cpu(worker.cpu_seconds, at)
        done = worker.info.completed + worker.info.failed
        if self._last is not None and at - self._last[0] <= _LONGEST_MS and done > self._last[1]:
            self._done.append((at // SLOT_MS, done - self._last[1]))
        self._last = (at, done)
        while self._done and self._done[0][0] <= at // SLOT_MS - SLOTS:
            self._done.popleft()

    def series(self, at: int) -> tuple[int, ...]:
        """Return the number of attempts that ended in each slot, the oldest first."""
        slots = [0] * SLOTS
        for slot, n in self._done:
            place = slot - at // SLOT_MS + SLOTS - 1
            if 0 <= place < SLOTS:
                slots[place] += n
        return tuple(slots)

    def _see_cpu(self, seconds: float | None, at: int) -> None:
        if seconds is None:
            self.cpu, self._cpu_seen = None, None
            return
        if self._cpu_seen is None or at - self._cpu_seen[0] > _LONGEST_MS:
            self._cpu_seen = (at, seconds)
        elif at - self._cpu_seen[0] >= _SHORTEST_MS:
            before, used = self._cpu_seen
            self.cpu = max(seconds - used, 0.0) * 1000 / (at - before)
            self._cpu_seen = (at, seconds)
