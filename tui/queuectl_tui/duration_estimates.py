"""Progress of running jobs: what a job reports itself, or the usual duration of similar jobs.

All of this runs in the reader's thread, which owns the `DurationEstimates`. Usual durations are learned from completed
jobs, some hundred at a time: the newest periodically, older ones only while a running job has no known similar job.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from queuectl.domain.record import record
from queuectl.runtime.live import STREAMS, newest, path_of
from queuectl_tui.progress import parse_progress

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from queuectl.operations.context import Context
    from queuectl.store.job_pages import Row
    from queuectl.store.recent import Took
    from queuectl_tui.progress import Progress

    Kind: TypeAlias = tuple[str, str]

_STEP = 400
"""Completed jobs that one read takes: half a millisecond."""
_DEEPEST = 20_000
"""Number of completed jobs searched before a kind that was not among them counts as new."""
_EVERY_MS = 15_000
_SAMPLES = 15
_KINDS = 2000
"""Maximum number of job kinds, and of running attempts, that are remembered."""
_FEWEST = 2
"""Minimum number of completed jobs of a kind for an estimate."""
_TAIL = 4096
"""Bytes of output that are searched for a progress sequence."""
_LATE, _LATE_MS = 1.5, 2000
"""A job is late once it exceeds the usual duration by this factor and by this many milliseconds."""


@record
class Pace:
    """The progress of a running job."""

    started_at: int
    usual_ms: int | None
    """Usual duration of such jobs in milliseconds; None while unknown."""
    progress: Progress | None
    """The progress that the job reports itself."""

    def part(self, now: int) -> float | None:
        """Return the completed part from 0 to 1; None if unknown."""
        if self.progress is not None and self.progress.percent is not None:
            return self.progress.percent / 100
        if self.usual_ms is None:
            return None
        return min(max(now - self.started_at, 0) / max(self.usual_ms, 1), 1.0)

    def lateness(self, now: int) -> float:
        """Return the elapsed time as a multiple of the usual duration; 0 if that is unknown."""
        return max(now - self.started_at, 0) / max(self.usual_ms, 1) if self.usual_ms is not None else 0.0

    def is_late(self, now: int) -> bool:
        """Return whether the job takes much longer than usual."""
        if self.usual_ms is None:
            return False
        return now - self.started_at > max(self.usual_ms * _LATE, self.usual_ms + _LATE_MS)


class DurationEstimates:
    """Usual durations by kind of job, and the progress that running jobs have reported."""

    def __init__(self) -> None:
        """Start without samples."""
        self._samples: dict[Kind, dict[int, int]] = {}
        self._read_at: int | None = None
        self._lowest: int | None = None
        self._read = 0
        self._usual: dict[Kind, int] = {}
        self._reported: dict[tuple[int, int, str], tuple[int, Progress | None]] = {}

    def paces(self, context: Context, rows: Iterable[Row], *, with_progress: bool = True) -> dict[str, Pace]:
        """Return the pace of each running job by id; without `with_progress`, reported progress is left out."""
        running = [row for row in rows if row.state == "processing" and row.started_at is not None]
        if running:
            self._learn(context, running)
        return {
            row.id: Pace(
                started_at=row.started_at or 0,
                usual_ms=self.usual(row.queue, row.command),
                progress=self._progress(context, row) if with_progress else None,
            )
            for row in running
        }

    def usual(self, queue: str, command: str) -> int | None:
        """Return the usual milliseconds of a command, or else of its program in its queue; None if unknown."""
        usual_ms = self._median((queue, command[:500]))
        return usual_ms if usual_ms is not None else self._median((queue, _program(command)))

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
            # Drop the kinds that have been known longest; they are learned again when needed.
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
        latest = None
        for stream in STREAMS:
            key = (row.seq, row.fence, stream)
            known, progress = self._reported.get(key, (-1, None))
            total, data = newest(path_of(context.run_dir.live, row.seq, row.fence, stream), _TAIL, known)
            if total != known:
                progress = parse_progress(data, progress)
                self._reported.pop(key, None)
                self._reported[key] = (total, progress)
                if len(self._reported) > _KINDS:
                    del self._reported[next(iter(self._reported))]
            latest = progress or latest
        return latest


def _program(command: str) -> str:
    """Return the program name of a command, marked so that it does not equal a whole command."""
    return "\x00" + next(iter(command[:500].split(maxsplit=1)), "")
