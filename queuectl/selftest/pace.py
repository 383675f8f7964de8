"""Starvation of the machine: delays while it is starved are not a fault of the queue.

A thread sleeps for short intervals and measures how late it wakes up; once a second it also starts a process and writes
to the disk, as a worker does for each job. Where one of these takes far longer than it should, the time from the last
good probe to the next one is *starved*. It is left out wherever a wait is judged.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time

from queuectl.domain.clock import steady

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Span = tuple[int, int]
    """Start and end, in milliseconds since the epoch."""

_TICK = 0.1
_LATE = 0.25
"""Seconds by which a sleep of one tick may be late."""
_PROBE_EVERY = 1.0
_PROBE = 0.5
"""Seconds that an empty process and a write of a few bytes may take together."""


class Pace(threading.Thread):
    """A thread that measures from its start until `finish`."""

    def __init__(self, directory: str) -> None:
        """Write to a file in `directory`: on the disk of the store."""
        super().__init__(name="pace", daemon=True)
        self._path = os.path.join(directory, "pace")
        self._over = threading.Event()
        self.starved: list[Span] = []

    def run(self) -> None:
        """Measure until `finish` is called."""
        # By the clock that goes on while the machine sleeps: a sleeping machine is starved.
        good_at, probe_at = _now(), steady() + _PROBE_EVERY
        while True:
            before = steady()
            over = self._over.wait(_TICK)
            slow = steady() - before > _TICK + _LATE
            if steady() >= probe_at:
                slow = self._probe() or slow
                probe_at = steady() + _PROBE_EVERY
            now = _now()
            if slow:
                self._add(good_at, now)
            else:
                good_at = now
            if over:
                return

    def finish(self) -> tuple[Span, ...]:
        """Stop the thread; return the spans in which the machine was starved."""
        self._over.set()
        self.join()
        return tuple(self.starved)

    def _probe(self) -> bool:
        before = steady()
        try:
            subprocess.run(["true"], stdin=subprocess.DEVNULL, check=False)
            with open(self._path, "wb", buffering=0) as file:
                file.write(b"written\n")
                os.fsync(file.fileno())
        except OSError:
            return True  # out of processes or disk space
        return steady() - before > _PROBE

    def _add(self, start: int, end: int) -> None:
        if self.starved and start <= self.starved[-1][1]:
            start = self.starved.pop()[0]
        self.starved.append((start, end))


def overlap(start: int, end: int, spans: Iterable[Span]) -> int:
    """Return the milliseconds between `start` and `end` that are in one of `spans`, which do not overlap each other."""
    return sum(max(0, min(end, to) - max(start, since)) for since, to in spans)


def shifted(spans: Sequence[Span], ahead: int) -> tuple[Span, ...]:
    """Return the same spans by a clock that is `ahead` milliseconds ahead."""
    return tuple((start + ahead, end + ahead) for start, end in spans)


def _now() -> int:
    return time.time_ns() // 1_000_000
