"""What has been: how much went in and out, how long it took, and who did what.

Everything here is read from rollups that the workers write anyway, or from a bounded number of the newest rows: what it
costs does not depend on how many jobs there are.
"""

from __future__ import annotations

from queuectl.domain.attempt import FAILURES
from queuectl.domain.event import Event
from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuectl.store.database import Database

_NOT_OUTCOMES = frozenset({"enqueued", "wait"})
_SUCCESS = "success"
_SEARCHED = 50_000
"""How many of the newest events a filter looks through."""
_NEWEST = 500
"""Among how many of the newest finished jobs the slow commands are looked for."""


@record
class Spread:
    """How durations are spread, in milliseconds; None where there were none."""

    n: int = 0
    p50: int | None = None
    p95: int | None = None
    p99: int | None = None


@record
class QueueLine:
    """What went on in one queue."""

    queue: str
    enqueued: int
    completed: int
    failed: int
    wait: Spread
    run: Spread


@record
class Rollup:
    """A stretch of time in equal slots, the oldest first; all series have one value for each slot."""

    first: int
    """The minute since the epoch at which the first slot begins."""
    step: int
    """Minutes to a slot."""
    enqueued: tuple[int, ...]
    completed: tuple[int, ...]
    failed: tuple[int, ...]
    """Attempts that neither succeeded nor were ended because somebody wanted it."""
    wait_p95: tuple[int | None, ...]
    run_p95: tuple[int | None, ...]
    outcomes: dict[str, int]
    """How many attempts ended in which way over the whole time."""
    wait: Spread
    run: Spread
    queues: tuple[QueueLine, ...]
    """By name."""

    @property
    def failure_rate(self) -> float | None:
        """The part that failed of all that succeeded or failed, from 0 to 1; None when none did."""
        well, badly = sum(self.completed), sum(self.failed)
        return badly / (well + badly) if well + badly else None


@record
class SlowCommand:
    """A command among the newest finished jobs, and how long its last attempts took."""

    command: str
    jobs: int
    typical_ms: int
    """The mean."""
    longest_ms: int


class Stats:
    """The past of a store."""

    def __init__(self, database: Database) -> None:
        """Read it from `database`."""
        self._database = database

    def rollup(self, *, now: int, slots: int = 60, step: int = 1) -> Rollup:
        """The last `slots` times `step` minutes; the last slot is the one that `now` is in."""
        last = now // 60_000
        first = last // step * step - (slots - 1) * step
        counted = _Counted(slots)
        for slot, queue, measure, bucket, n in self._database.rows("rollup", first=first, last=last, step=step):
            counted.add(slot, queue, measure, bucket, n)
        return counted.rollup(first, step)

    def slow_commands(self, *, limit: int = 10) -> list[SlowCommand]:
        """The commands that take longest among the newest finished jobs."""
        return [
            SlowCommand(command=command, jobs=jobs, typical_ms=typical, longest_ms=longest)
            for command, jobs, typical, longest in self._database.rows("slow_commands", among=_NEWEST, limit=limit)
        ]

    def events(self, *, before: int | None = None, limit: int = 200, search: str | None = None) -> list[Event]:
        """Events the newest first, older than `before`; with `search`, those of the newest that contain it."""
        ((last,),) = self._database.rows("last_event")
        rows = self._database.rows(
            "events_before",
            before=last + 1 if before is None else before,
            after=last - _SEARCHED if search else -1,
            search=f"%{_literally(search)}%" if search else None,
            limit=limit,
        )
        return [
            Event(seq=seq, at=at, actor=actor, verb=verb, subject=subject, detail=detail, command=command)
            for seq, at, actor, verb, subject, detail, command in rows
        ]

    def newest_time(self) -> int | None:
        """The latest moment that anything was written, by the clock of who wrote it; None for an empty store."""
        ((newest,),) = self._database.rows("newest_time")
        return None if newest is None else int(newest)

    def deaths(self, *, first: int, step: int, slots: int) -> dict[str | None, tuple[int, ...]]:
        """How many dead jobs died in each of `slots` times `step` milliseconds from `first` on, by their error."""
        found: dict[str | None, list[int]] = {}
        for signature, slot, n in self._database.rows("deaths", first=first, step=step, slots=slots):
            found.setdefault(signature, [0] * slots)[slot] = n
        return {signature: tuple(counts) for signature, counts in found.items()}


def duration_of(bucket: int) -> int:
    """The middle of a histogram bucket in milliseconds: off by a tenth of what was measured at most.

    Bucket b holds what is from 2^(b/4) to 2^((b+1)/4), one less; its middle is the geometric one.
    """
    return round(2 ** ((bucket + 0.5) / 4)) - 1 if bucket > 0 else 0


def spread(histogram: Mapping[int, int]) -> Spread:
    """The percentiles of what is in `histogram`, by bucket: the nearest rank of each."""
    n = sum(histogram.values())
    if not n:
        return Spread()
    found = [_percentile(histogram, -(-n * percent // 100)) for percent in (50, 95, 99)]
    return Spread(n=n, p50=found[0], p95=found[1], p99=found[2])


def _percentile(histogram: Mapping[int, int], rank: int) -> int:
    seen, bucket = 0, 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= rank:
            break
    return duration_of(bucket)


class _Counted:
    """Rows of the rollup, as they are sorted into series."""

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


def _literally(text: str) -> str:
    """`text` for LIKE, with its wildcards meant as themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
