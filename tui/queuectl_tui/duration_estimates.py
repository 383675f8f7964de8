"""How far a running job is: what it says itself, or how long jobs of its kind usually take.

All of this runs in the reader's thread, which owns the `DurationEstimates`. Usual durations are learned from completed
jobs, some hundred at a time: the newest now and then, and older ones only while a job is seen that none was like.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from queuectl.domain.record import record
from queuectl.runtime.live import STREAMS, newest, path_of
from queuectl_tui.progress import said

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from queuectl.operations.context import Context
    from queuectl.store.job_pages import Row
    from queuectl.store.recent import Took
    from queuectl_tui.progress import Progress

    Kind: TypeAlias = tuple[str, str]

_STEP = 400
"""Completed jobs that one look reads: half a millisecond."""
_DEEPEST = 20_000
"""Completed jobs after which a kind that was not among them is taken for new."""
_EVERY_MS = 15_000
_SAMPLES = 15
_KINDS = 2000
"""Kinds of jobs, and attempts that run, of which something is remembered."""
_FEWEST = 2
"""Completed jobs of a kind without which nothing is usual yet."""
_TAIL = 4096
"""Bytes of output that are searched for progress."""
_LATE, _LATE_MS = 1.5, 2000
"""A job is late after so many times what is usual, and so much more."""


@record
class Pace:
    """How far a job is."""

    started_at: int
    usual_ms: int | None
    """What such jobs take; None while nobody knows."""
    progress: Progress | None
    """What the job says of itself."""

    def part(self, now: int) -> float | None:
        """From 0 to 1; None where nothing is known."""
        if self.progress is not None and self.progress.percent is not None:
            return self.progress.percent / 100
        if self.usual_ms is None:
            return None
        return min(max(now - self.started_at, 0) / max(self.usual_ms, 1), 1.0)

    def lateness(self, now: int) -> float:
        """How many times what is usual it has taken; 0 where nothing is usual."""
        return max(now - self.started_at, 0) / max(self.usual_ms, 1) if self.usual_ms is not None else 0.0

    def is_late(self, now: int) -> bool:
        """Whether it takes much longer than usual."""
        if self.usual_ms is None:
            return False
        return now - self.started_at > max(self.usual_ms * _LATE, self.usual_ms + _LATE_MS)


class DurationEstimates:
    """What is usual, and what jobs that run have said of themselves."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._samples: dict[Kind, dict[int, int]] = {}
        self._read_at: int | None = None
        self._lowest: int | None = None
        self._read = 0
        self._usual: dict[Kind, int] = {}
        self._said: dict[tuple[int, int, str], tuple[int, Progress | None]] = {}

    def paces(self, context: Context, rows: Iterable[Row], *, heard: bool = True) -> dict[str, Pace]:
        """The pace of each of these that runs, by id; without `heard`, what they say of themselves is left out."""
        running = [row for row in rows if row.state == "processing" and row.started_at is not None]
        if running:
            self._learn(context, running)
        return {
            row.id: Pace(
                started_at=row.started_at or 0,
                usual_ms=self.usual(row.queue, row.command),
                progress=self._progress(context, row) if heard else None,
            )
            for row in running
        }

    def usual(self, queue: str, command: str) -> int | None:
        """What a job with this command takes, or else one of its queue with the same program; None: nobody knows."""
        found = self._median((queue, command[:500]))
        return found if found is not None else self._median((queue, _program(command)))

    def _median(self, kind: Kind) -> int | None:
        known = self._usual.get(kind)
        if known is None:
            samples = self._samples.get(kind, {})
            if len(samples) < _FEWEST:
                return None
            known = self._usual[kind] = int(median(samples.values()))
        return known

    # Learning --------------------------------------------------------------------------------------------------------

    def _learn(self, context: Context, running: list[Row]) -> None:
        now = context.now()
        if self._read_at is None or not 0 <= now - self._read_at < _EVERY_MS:
            self._read_at = now
            self._take(context.store.recent.took(limit=_STEP))
        elif self._lowest is not None and any(self.usual(row.queue, row.command) is None for row in running):
            self._take(context.store.recent.took(below=self._lowest, limit=_STEP), older=True)

    def _take(self, took: list[Took], *, older: bool = False) -> None:
        for each in took:
            self._add((each.queue, each.command), each)
            self._add((each.queue, _program(each.command)), each)
        if older or self._lowest is None:
            self._read += len(took)
            more = len(took) == _STEP and self._read < _DEEPEST
            self._lowest = took[-1].seq if more else None
            if not more:
                self._read = _DEEPEST
        while len(self._samples) > _KINDS:
            # The kinds that have been known longest; they are learned again when they come up.
            oldest = next(iter(self._samples))
            del self._samples[oldest]
            self._usual.pop(oldest, None)

    def _add(self, kind: Kind, took: Took) -> None:
        samples = self._samples.setdefault(kind, {})
        if took.seq in samples:
            return
        samples[took.seq] = took.duration_ms
        self._usual.pop(kind, None)
        if len(samples) > _SAMPLES:
            del samples[min(samples)]

    # Progress --------------------------------------------------------------------------------------------------------

    def _progress(self, context: Context, row: Row) -> Progress | None:
        found = None
        for stream in STREAMS:
            key = (row.seq, row.fence, stream)
            known, progress = self._said.get(key, (-1, None))
            total, data = newest(path_of(context.run_dir.live, row.seq, row.fence, stream), _TAIL, known)
            if total != known:
                progress = said(data, progress)
                self._said.pop(key, None)
                self._said[key] = (total, progress)
                if len(self._said) > _KINDS:
                    del self._said[next(iter(self._said))]
            found = progress or found
        return found


def _program(command: str) -> str:
    """The first word, marked so that it is not taken for a whole command."""
    return "\x00" + next(iter(command[:500].split(maxsplit=1)), "")
