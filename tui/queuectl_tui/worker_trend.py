"""What snapshots one after the other say of a worker: how much processor it uses, and how much it gets done."""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.runtime.liveness import LiveWorker

SLOT_MS = 5000
SLOTS = 24
"""Two minutes."""
_SHORTEST_MS = 900
"""Processor time is counted in hundredths of a second: a shorter stretch would jump about."""
_LONGEST_MS = 15_000
"""Whoever looked away for longer knows nothing of the time between."""


class Trend:
    """One worker's."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.cpu: float | None = None
        """Part of one processor, 1.0 for all of it; None until it was seen twice."""
        self._done: deque[tuple[int, int]] = deque()
        self._cpu_seen: tuple[int, float] | None = None
        self._last: tuple[int, int] | None = None

    def see(self, worker: LiveWorker, at: int) -> None:
        """Take in a snapshot."""
        self._see_cpu(worker.cpu_seconds, at)
        done = worker.info.completed + worker.info.failed
        if self._last is not None and at - self._last[0] <= _LONGEST_MS and done > self._last[1]:
            self._done.append((at // SLOT_MS, done - self._last[1]))
        self._last = (at, done)
        while self._done and self._done[0][0] <= at // SLOT_MS - SLOTS:
            self._done.popleft()

    def series(self, at: int) -> tuple[int, ...]:
        """Attempts that ended in each slot, the oldest first."""
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
