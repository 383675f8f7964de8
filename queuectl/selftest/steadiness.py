"""Judgement of a soak: no worker died, no job was lost or late, nothing grew.

A starved machine (selftest/pace.py) is distinguished from a queue that broke its promise: waits and silences are judged
without the time in which the machine was starved. A worker that was written off meanwhile is `excused`, with the
attempts that were lost with it.
"""

from __future__ import annotations

from queuectl.domain.attempt import GIVEN_BACK, Outcome
from queuectl.domain.record import record
from queuectl.selftest import logbook
from queuectl.selftest.ledger import Violation
from queuectl.selftest.pace import overlap
from queuectl.selftest.soak import BACKOFF, LEASE, kind_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from queuectl.domain.attempt import Attempt
    from queuectl.selftest.days import Observed
    from queuectl.selftest.records import Records
    from queuectl.selftest.watch import Rest

_MIB = 1024 * 1024
LATE_MS = 3000
"""Milliseconds beyond the longest sleep of an idle worker that a due job may wait while a worker is idle."""
LONGEST_SILENCE_MS = round(LEASE * 500)
"""Half of the lease: then a worker on a server is killed. Workers beat once a second."""
MORE_DESCRIPTORS = 2
MORE_MEMORY = 8 * _MIB
MORE_CLIENTS = 2
LONGEST_LOG, LONGER_LOG = 32 * _MIB, 4 * _MIB
"""Largest write-ahead log in bytes, in all and more for each process: it is truncated when no reader uses it, and
meanwhile each worker may add the output of a few jobs. Of a job that prints much 1.1 MiB are kept."""
_NOTED_MS = 500
"""Milliseconds below which a wait beside an idle worker is ignored."""
_DYING_MS = 3000
"""Milliseconds from the end of a lease until the death is recorded."""


@record
class Steady:
    """The results of the judgement."""

    violations: tuple[Violation, ...]
    excused: int
    """Workers that were written off while the machine was starved."""
    longest_wait_ms: int
    """The longest wait of a due job while a worker was idle; 0 if shorter than half a second."""
    longest_silence_ms: int
    growth: Mapping[str, int | None]
    """The largest growth between two rests by resource; None where it cannot be measured."""


@record
class _Stretch:
    """A span in which a worker was idle, or a job was due, in milliseconds since the epoch."""

    start: int
    end: int
    queues: tuple[str, ...]
    name: str


class Steadiness:
    """The judgement of one soak."""

    def __init__(self, records: Records, observed: Observed) -> None:
        """Judge by `records` and `observed`, once the soak has ended."""
        self._records = records
        self._observed = observed
        self._deaths = {event.subject or "": event.at for event in records.events if event.verb == "worker_died"}
        self._excused = {worker for worker, at in self._deaths.items() if self._was_starved(at)}
        self._longest_wait = self._longest_silence = 0

    def find(self) -> Steady:
        """Return the violations and the measured values."""
        violations = [
            Violation(job=job, sentence=sentence)
            for job, sentence in (*self._attempts(), *self._waits(), *(("", each) for each in self._sentences()))
        ]
        return Steady(
            violations=tuple(violations),
            excused=len(self._excused),
            longest_wait_ms=self._longest_wait,
            longest_silence_ms=self._longest_silence,
            growth={
                "descriptors": self._most("descriptors"),
                "memory": self._most("memory"),
                "files": self._grown((rest.files for rest in self._observed.rests), always=True),
                "connections": self._grown(rest.clients for rest in self._observed.rests),
            },
        )

    def _sentences(self) -> Iterator[str]:
        yield from self._workers()
        yield from self._silences()
        yield from self._pools()
        yield from logbook.judge(self._records, self._observed, self._excused)
        yield from self._leaks()

    def _was_starved(self, died_at: int) -> bool:
        since = died_at - round(LEASE * 1000) - _DYING_MS
        return overlap(since, died_at, self._observed.starved) >= LEASE * 500

    def _attempts(self) -> Iterator[tuple[str, str]]:
        """Check that each attempt ended as expected of the job's kind, and that none was given back."""
        by_job: dict[str, list[Attempt]] = {}
        for (id_, _), attempt in sorted(self._records.runs.items(), key=lambda item: item[0]):
            by_job.setdefault(id_, []).append(attempt)
        for id_, attempts in by_job.items():
            excused = False
            for attempt in attempts:
                if attempt.outcome is Outcome.LOST and attempt.worker in self._excused:
                    excused = True
                elif attempt.outcome in GIVEN_BACK:
                    yield id_, f"attempt {attempt.attempt} was {attempt.outcome}: {attempt.error or attempt.worker}"
                    excused = True
            kind = kind_of(id_)
            outcomes = tuple(attempt.outcome for attempt in attempts)
            if kind is not None and not excused and outcomes != kind.outcomes:
                actual = ", ".join("unfinished" if each is None else each.value for each in outcomes)
                yield id_, f"its attempts ended as {actual}, and should end as {', '.join(kind.outcomes)}"

    def _workers(self) -> Iterator[str]:
        for worker in sorted(self._deaths.keys() - self._excused):
            yield f"worker {worker} died or was written off"
        for life in self._records.lives:
            if life.stopped_at is None:
                yield f"worker {life.id} is not recorded as stopped"

    def _silences(self) -> Iterator[str]:
        for worker, (start, end) in self._observed.silences.items():
            silent = end - start - overlap(start, end, self._observed.starved)
            self._longest_silence = max(self._longest_silence, silent)
            if silent > LONGEST_SILENCE_MS and worker not in self._excused:
                yield f"worker {worker} showed no sign of life for {silent / 1000:.1f} s"

    def _pools(self) -> Iterator[str]:
        """Check that each pool recorded its own end, and had the workers that it was ordered to have."""
        lives: dict[str, int] = {}
        for life in self._records.lives:
            lives[life.pool] = lives.get(life.pool, 0) + (life.id not in self._excused)
        for pool in self._observed.pools:
            if pool.code != 0:
                yield f"pool {pool.id} ended with exit code {pool.code}"
            started = lives.pop(pool.id, 0)
            if started != pool.workers:
                yield f"pool {pool.id} has started {started} workers, and was ordered to start {pool.workers}"
        for code in self._observed.drains:
            if code != 0:
                yield f"a pool that drains ended with exit code {code}"
        if len(lives) != len(self._observed.drains):
            yield f"{len(lives)} other pools have run, and {len(self._observed.drains)} were started"
        ended = {event.subject: event.actor for event in self._records.events if event.verb == "pool_stopped"}
        for name in dict.fromkeys(life.pool for life in self._records.lives):
            if name not in ended:
                yield f"the end of pool {name} is not recorded"
            elif ended[name] != name:
                yield f"pool {name} was written off by {ended[name]}"

    def _waits(self) -> Iterator[tuple[str, str]]:
        """Check that no due job waits while a worker of its queue is idle."""
        bound = self._records.next_look_ms + LATE_MS
        idle = sorted(self._idle(), key=lambda stretch: stretch.start)
        for wait in self._due():
            longest, beside = 0, ""
            for stretch in idle:
                if stretch.start >= wait.end:
                    break
                if stretch.queues and wait.queues[0] not in stretch.queues:
                    continue
                start, end = max(stretch.start, wait.start), min(stretch.end, wait.end)
                if end - start > longest:
                    waited = end - start - overlap(start, end, self._observed.starved)
                    if waited > longest:
                        longest, beside = waited, stretch.name
            self._longest_wait = max(self._longest_wait, longest if longest >= _NOTED_MS else 0)
            if longest > bound:
                yield wait.name, f"was due for {longest / 1000:.1f} s while worker {beside} was idle"

    def _due(self) -> Iterator[_Stretch]:
        """Yield the long waits of due attempts."""
        for (id_, number), attempt in self._records.runs.items():
            job, before = self._records.jobs.get(id_), self._records.runs.get((id_, number - 1))
            kind = kind_of(id_)
            if job is None or kind is None:
                continue
            if before is None:
                due = job.created_at + kind.delay_ms
            elif before.ended_at is not None and before.outcome not in GIVEN_BACK:
                due = before.ended_at + BACKOFF.milliseconds(number - 1)
            else:
                continue
            if attempt.started_at - due >= _NOTED_MS:
                yield _Stretch(start=due, end=attempt.started_at, queues=(job.queue,), name=id_)

    def _idle(self) -> Iterator[_Stretch]:
        """Yield the long idle spans of workers."""
        busy: dict[str, list[tuple[int, int]]] = {}
        for run in self._records.runs.values():
            busy.setdefault(run.worker, []).append((run.started_at, run.ended_at or self._records.ended_at))
        for life in self._records.lives:
            end = self._records.ended_at if life.stopped_at is None else life.stopped_at
            since = life.started_at
            for started, ended in (*sorted(busy.get(life.id, ())), (end, end)):
                if started - since >= _NOTED_MS:
                    yield _Stretch(start=since, end=started, queues=life.queues, name=life.id)
                since = max(since, ended)

    def _leaks(self) -> Iterator[str]:
        for name, first, last in self._pairs():
            descriptors = _more(first.processes[name].descriptors, last.processes[name].descriptors)
            memory = _more(first.processes[name].memory, last.processes[name].memory)
            if descriptors is not None and descriptors > MORE_DESCRIPTORS:
                yield f"{name} holds {descriptors} more descriptors at its last rest than at its first"
            if memory is not None and memory > MORE_MEMORY:
                yield f"{name} holds {memory / _MIB:.1f} MiB more memory at its last rest than at its first"
        rests = self._observed.rests
        files = self._grown((rest.files for rest in rests), always=True) or 0
        if rests and files > 2 * len(rests[0].processes):
            yield f"there are {files} more files in the run directory at rest than at first"
        clients = self._grown(rest.clients for rest in rests)
        if clients is not None and clients > MORE_CLIENTS:
            yield f"there are {clients} more connections to the server at rest than at first"
        processes = max((len(rest.processes) for rest in rests), default=0)
        if self._observed.longest_log > LONGEST_LOG + processes * LONGER_LOG:
            yield f"the write-ahead log has grown to {self._observed.longest_log / _MIB:.0f} MiB"

    def _pairs(self) -> Iterator[tuple[str, Rest, Rest]]:
        """Return each process that was observed at two rests, with the first and the last of them."""
        first: dict[str, Rest] = {}
        last: dict[str, Rest] = {}
        for rest in self._observed.rests:
            for name in rest.processes:
                first.setdefault(name, rest)
                last[name] = rest
        return ((name, first[name], last[name]) for name in first if first[name] is not last[name])

    def _most(self, what: str) -> int | None:
        growths = [
            _more(getattr(first.processes[name], what), getattr(last.processes[name], what))
            for name, first, last in self._pairs()
        ]
        return max((each for each in growths if each is not None), default=None)

    @staticmethod
    def _grown(counts: Iterable[int | None], *, always: bool = False) -> int | None:
        measured = [each for each in counts if each is not None]
        if len(measured) < 2:
            return 0 if always else None
        return measured[-1] - measured[0]


def _more(first: int | None, last: int | None) -> int | None:
    return None if first is None or last is None else last - first
