"""Statistics: rates, durations, and the audit log.

Everything is read from rollups that the workers write anyway, or from a bounded number of the newest rows: the cost
does not depend on the number of jobs.
"""

from __future__ import annotations

from queuectl.domain.attempt import FAILURES
from queuectl.domain.event import Event
from queuectl.domain.record import record
from queuectl.store.patterns import escape_like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuectl.store.database import Database

_NOT_OUTCOMES = frozenset({"enqueued", "wait"})
_SUCCESS = "success"
_SEARCHED = 50_000
"""Number of the newest events that a filter searches."""
_NEWEST = 500
"""Number of the newest finished jobs that are searched for slow commands."""


@record
class Spread:
    """Percentiles of durations, in milliseconds; None without any durations."""

    n: int = 0
    p50: int | None = None
    p95: int | None = None
    p99: int | None = None


@record
class QueueLine:
    """The statistics of one queue."""

    queue: str
    enqueued: int
    completed: int
    failed: int
    wait: Spread
    run: Spread


@record
class Rollup:
    """A period in equal slots, the oldest first; every series has one value per slot."""

    first: int
    """First minute of the first slot, since the epoch."""
    step: int
    """Minutes per slot."""
    enqueued: tuple[int, ...]
    completed: tuple[int, ...]
    failed: tuple[int, ...]
    """Attempts that neither succeeded nor were ended by request."""
    wait_p95: tuple[int | None, ...]
    run_p95: tuple[int | None, ...]
    outcomes: dict[str, int]
    """Number of attempts by outcome, over the whole period."""
    wait: Spread
    run: Spread
    queues: tuple[QueueLine, ...]
    """Sorted by name."""

    @property
    def failure_rate(self) -> float | None:
        """The failed share of all attempts that succeeded or failed, from 0 to 1; None without any."""
        succeeded, failed = sum(self.completed), sum(self.failed)
        return failed / (succeeded + failed) if succeeded + failed else None


@record
class SlowCommand:
    """A command among the newest finished jobs, and the durations of its last attempts."""

    command: str
    jobs: int
    typical_ms: int
    """The mean."""
    longest_ms: int


class Stats:
    """Reader of a store's statistics and audit log."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    def rollup(self, *, now: int, slots: int = 60, step: int = 1) -> Rollup:
        """Return the last `slots` times `step` minutes; the last slot contains `now`."""
        last = now // 60_000
        first = last // step * step - (slots - 1) * step
        counted = _Counted(slots)
        for slot, queue, measure, bucket, n in self._database.rows("rollup", first=first, last=last, step=step):
            counted.add(slot, queue, measure, bucket, n)
        return counted.rollup(first, step)

    def slow_commands(self, *, limit: int = 10) -> list[SlowCommand]:
        """Return the commands with the longest durations among the newest finished jobs."""
        return [
            SlowCommand(command=command, jobs=jobs, typical_ms=typical, longest_ms=longest)
            for command, jobs, typical, longest in self._database.rows("slow_commands", among=_NEWEST, limit=limit)
        ]

    def events(self, *, before: int | None = None, limit: int = 200, search: str | None = None) -> list[Event]:
        """Return events older than `before`, the newest first; with `search`, only recent ones that contain it."""
        ((last,),) = self._database.rows("last_event")
        rows = self._database.rows(
            "events_before",
            before=last + 1 if before is None else before,
            after=last - _SEARCHED if search else -1,
            search=f"%{escape_like(search)}%" if search else None,
            limit=limit,
        )
        return [
            Event(seq=seq, at=at, actor=actor, verb=verb, subject=subject, detail=detail, command=command)
            for seq, at, actor, verb, subject, detail, command in rows
        ]

    def newest_time(self) -> int | None:
        """Return the latest timestamp of all rows, by the clock of its writer; None for an empty store."""
        ((newest,),) = self._database.rows("newest_time")
        return None if newest is None else int(newest)

    def deaths(self, *, first: int, step: int, slots: int) -> dict[str | None, tuple[int, ...]]:
        """Return the number of jobs that died in each of `slots` times `step` ms from `first` on, by error."""
        series: dict[str | None, list[int]] = {}
        for signature, slot, n in self._database.rows("deaths", first=first, step=step, slots=slots):
            series.setdefault(signature, [0] * slots)[slot] = n
        return {signature: tuple(counts) for signature, counts in series.items()}


def duration_of(bucket: int) -> int:
    """Return the middle of a histogram bucket, in milliseconds: at most a tenth off the measured value.

    Bucket b holds values from 2^(b/4) to 2^((b+1)/4), minus one; its middle is the geometric mean.
    """
    return round(2 ** ((bucket + 0.5) / 4)) - 1 if bucket > 0 else 0


def spread(histogram: Mapping[int, int]) -> Spread:
    """Return the percentiles of `histogram` (count by bucket), by the nearest-rank method."""
    n = sum(histogram.values())
    if not n:
        return Spread()
    p50, p95, p99 = (_percentile(histogram, -(-n * percent // 100)) for percent in (50, 95, 99))
    return Spread(n=n, p50=p50, p95=p95, p99=p99)


def _percentile(histogram: Mapping[int, int], rank: int) -> int:
    seen, bucket = 0, 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= rank:
            break
    return duration_of(bucket)


class _Counted:
    """Accumulator that sorts rows of the rollup into series."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._series: dict[str, list[int]] = {}
        self._outcomes: dict[str, int] = {}
        self._by_slot: dict[tuple[int, bool], dict[int, int]] = {}
        self._by_queue: dict[tuple[str, bool], dict[int, int]] = {}
        self._queues: dict[str, dict[str, int]] = {}

    def add(self, slot: int, queue: str, measure: str, bucket: int, n: int) -> None:
        kind = "failed" if measure in FAILURES else {_SUCCESS: "completed", "enqueued": "enqueued"}.get(measure)
        if measure not in _NOT_OUTCOMES:
            self._outcomes[measure] = self._outcomes.get(measure, 0) + n
        if kind is not None:
            self._series.setdefault(kind, [0] * self._slots)[slot] += n
            line = self._queues.setdefault(queue, {})
            line[kind] = line.get(kind, 0) + n
        if measure != "enqueued":
            waited = measure == "wait"
            self._queues.setdefault(queue, {})
            for histogram in (
                self._by_slot.setdefault((slot, waited), {}),
                self._by_queue.setdefault((queue, waited), {}),
            ):
                histogram[bucket] = histogram.get(bucket, 0) + n

    def rollup(self, first: int, step: int) -> Rollup:
        empty = [0] * self._slots
        return Rollup(
            first=first,
            step=step,
            enqueued=tuple(self._series.get("enqueued", empty)),
            completed=tuple(self._series.get("completed", empty)),
            failed=tuple(self._series.get("failed", empty)),
            wait_p95=self._p95(waited=True),
            run_p95=self._p95(waited=False),
            outcomes=dict(sorted(self._outcomes.items())),
            wait=self._whole(waited=True),
            run=self._whole(waited=False),
            queues=tuple(self._line(queue) for queue in sorted(self._queues)),
        )

    def _p95(self, *, waited: bool) -> tuple[int | None, ...]:
        return tuple(spread(self._by_slot.get((slot, waited), {})).p95 for slot in range(self._slots))

    def _whole(self, *, waited: bool) -> Spread:
        whole: dict[int, int] = {}
        for (_, waits), histogram in self._by_slot.items():
            if waits is waited:
                for bucket, n in histogram.items():
                    whole[bucket] = whole.get(bucket, 0) + n
        return spread(whole)

    def _line(self, queue: str) -> QueueLine:
        line = self._queues[queue]
        return QueueLine(
            queue=queue,
            enqueued=line.get("enqueued", 0),
            completed=line.get("completed", 0),
            failed=line.get("failed", 0),
            wait=spread(self._by_queue.get((queue, True), {})),
            run=spread(self._by_queue.get((queue, False), {})),
        )
