"""Why a job runs, or does not: everything that stands between it and a worker, nothing that is only likely."""

from __future__ import annotations

from queuectl.domain.attempt import MAX_LOSSES
from queuectl.domain.job import FINAL, READY, JobState
from queuectl.domain.record import field, record
from queuectl.domain.units import format_duration, format_time
from queuectl.operations.commandline.quoting import quoted
from queuectl.operations.job_record import describe
from queuectl.operations.operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from queuectl.domain.job import Job
    from queuectl.operations.context import Context
    from queuectl.runtime.liveness import LiveWorker
    from queuectl.store.rows import Listed

COUNTED = 1000
"""Jobs ahead of one are counted up to this many."""
_LASTING = frozenset({"held", "backoff", "scheduled", "no_workers", "other_queues", "needs", "draining", "worker_dead"})
"""What may last until somebody does something, or for hours."""
_STUCK = _LASTING - {"backoff", "scheduled"}
"""What lasts until an operator acts."""
_WEIGHTY = 2
"""Reasons that are looked at: a job that is due in an hour has no worker either."""
_LOOKS_EVERY = 2.0
"""Seconds between two looks at what keeps a job. One takes a millisecond."""


@record
class Explain:
    """Which job."""

    id: str = field("the job", metavar="ID", positional=True)


@record
class Reason:
    """One thing that explains it."""

    code: str
    """For programs: `running`, `cancelling`, `worker_dead`, `held`, `backoff`, `scheduled`, `no_workers`,
    `other_queues`, `needs`, `draining`, `all_busy`, `behind`, `next`, `completed`, `dead`, `lost`, `alike`,
    `cancelled`; `stopping`: the worker that runs it takes no other job after it."""
    text: str
    """For people, in one line."""
    at: int | None = None
    """When it will change, in milliseconds since the epoch, where that is known."""
    n: int | None = None
    """How many: jobs ahead, workers."""


@record
class Explanation:
    """Why, the weightiest reason first."""

    id: str
    state: JobState
    reasons: tuple[Reason, ...]

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "id": self.id,
            "state": self.state,
            "reasons": [
                {
                    "code": each.code,
                    "text": each.text,
                    "at": None if each.at is None else format_time(each.at),
                    "n": each.n,
                }
                for each in self.reasons
            ],
        }


def explain(context: Context, params: Explain) -> Explanation:
    """Everything that stands between the job and a worker."""
    now = context.now()
    listed = context.store.jobs.get(params.id)
    state = listed.job.state
    if state is JobState.PROCESSING:
        reasons = _running(context, listed, now)
    elif state is JobState.HELD:
        reasons = iter((Reason(code="held", text=f"it is held; to let it go: queuectl release {params.id}"),))
    elif state in READY:
        reasons = _waiting(context, listed, now)
    else:
        reasons = _final(context, listed, now)
    return Explanation(id=listed.job.id, state=state, reasons=tuple(reasons))


class HoldUp:
    """Says what keeps jobs that are waited for, where that is not just their turn: at once, and when it changes."""

    def __init__(self, context: Context) -> None:
        """A person is told of everything that may last; a script's log only of what lasts until something is done."""
        self._context = context
        self._codes = _LASTING if context.watched else _STUCK
        self._said: tuple[str, str] | None = None
        self._look_at = 0.0

    def say(self, ids: Iterable[str]) -> None:
        """Look at the first job that is not final, unless the last look was a moment ago."""
        clock = self._context.clock
        if clock.monotonic() < self._look_at:
            return
        self._look_at = clock.monotonic() + _LOOKS_EVERY
        for id_ in ids:
            found = explain(self._context, Explain(id=id_))
            if found.state not in FINAL:
                for reason in found.reasons[:_WEIGHTY]:
                    if reason.code in self._codes:
                        if self._said != (id_, reason.code):
                            self._context.say(f"{id_}: {reason.text}")
                        self._said = (id_, reason.code)
                        return
                self._said = None
                return


def _running(context: Context, of: Listed, now: int) -> Iterator[Reason]:
    # Loaded here, as below: a job that has ended or is held needs to know nothing of workers.
    from queuectl.runtime.liveness import living_pools, living_workers

    workers = living_workers(context.store, context.run_dir, now=now)
    owner = next((each for each in workers if each.info.id == of.job.owner), None)
    # It may have finished the job and left since we looked.
    if owner is None and context.store.jobs.state(of.job.id) is JobState.PROCESSING:
        text = f"its worker {of.job.owner} has died; "
        if living_pools(context.store, context.run_dir):
            text += "in a moment a pool puts it back"
        else:
            text += "the next pool puts it back, and none runs: queuectl worker start"
        yield Reason(code="worker_dead", text=text)
        return
    since = "" if of.latest is None else f" for {format_duration(max(0, now - of.latest.started_at))}"
    if of.job.cancel_requested:
        yield Reason(code="cancelling", text="somebody asked for its end; its worker is ending it")
    yield Reason(code="running", text=f"worker {of.job.owner} has been running it{since}")
    if owner is not None and owner.stopping:
        pools = living_pools(context.store, context.run_dir)
        now_ = any(pool.id == owner.info.pool and pool.stop == "now" for pool in pools)
        what = "now: the job is ended and put back" if now_ else "once this job has ended"
        yield Reason(code="stopping", text=f"its worker stops {what}")


def _waiting(context: Context, of: Listed, now: int) -> Iterator[Reason]:
    job = of.job
    if job.run_at > now:
        left = format_duration(job.run_at - now)
        if job.state is JobState.FAILED:
            last = "" if of.latest is None else f" ({describe(of.latest)})"
            text = f"its last attempt failed{last}; retry {job.attempts} of {job.max_retries} is due in {left}"
            yield Reason(code="backoff", text=text, at=job.run_at)
        else:
            yield Reason(code="scheduled", text=f"it is due in {left}, at {format_time(job.run_at)}", at=job.run_at)
    yield from _workers(context, job, now)


def _workers(context: Context, job: Job, now: int) -> Iterator[Reason]:
    from queuectl.runtime.liveness import living_pools, living_workers

    workers = living_workers(context.store, context.run_dir, now=now)
    pools = {pool.id: pool for pool in living_pools(context.store, context.run_dir)}
    if not workers:
        yield Reason(code="no_workers", text=f"no workers are running; start some: {_start(job)}", n=0)
        return
    serving = [each for each in workers if _serves(pools, each, job.queue)]
    if not serving:
        named = sorted({queue for pool in pools.values() for queue in pool.queues})
        text = (
            f"none of the {_count(len(workers), 'worker')} takes jobs of queue {job.queue}, only of {', '.join(named)}"
        )
        yield Reason(code="other_queues", text=text, n=len(workers))
        return
    able = [each for each in serving if set(_labels(pools, each)).issuperset(job.needs)]
    if not able:
        yield Reason(code="needs", text=_unable(job, len(serving)), n=len(serving))
        return
    staying = [each for each in able if not each.stopping]
    if not staying:
        yield Reason(code="draining", text=f"{_the_workers(job)} are stopping and take no more jobs", n=len(able))
        return
    if job.run_at > now:
        return
    whole = any(not pools[each.info.pool].queues for each in staying)
    # What all of them have: somebody without it would pass over the jobs that need it.
    labels = set.intersection(*(set(pools[each.info.pool].labels) for each in staying))
    ahead = context.store.jobs.ahead(job, now=now, limit=COUNTED, within_queue=not whole, labels=labels)
    busy = [each for each in staying if each.info.job is not None]
    if len(busy) == len(staying):
        yield Reason(code="all_busy", text=_all_busy(job, len(staying)), n=len(staying))
    if ahead:
        more = "more than " if ahead >= COUNTED else ""
        yield Reason(
            code="behind", text=f"{more}{_count(ahead, 'due job')} {'is' if ahead == 1 else 'are'} ahead of it", n=ahead
        )
    else:
        yield Reason(code="next", text="it is the next that a worker of its queue takes", n=0)


def _final(context: Context, of: Listed, now: int) -> Iterator[Reason]:
    job, latest = of.job, of.latest
    ago = "" if job.finished_at is None else f" {format_duration(max(0, now - job.finished_at))} ago"
    if job.state is JobState.COMPLETED:
        yield Reason(code="completed", text=f"it completed{ago}")
        return
    if job.state is JobState.CANCELLED:
        yield Reason(code="cancelled", text=f"it was cancelled{ago}")
        return
    if job.losses >= MAX_LOSSES:
        yield Reason(code="lost", text=f"it took {job.losses} workers with it and died{ago}", n=job.losses)
    else:
        last = "" if latest is None else f", the last with {describe(latest)}"
        text = f"it died{ago}: {_all_attempts(job.attempts)} failed{last}; to revive it: queuectl retry {job.id}"
        yield Reason(code="dead", text=text, n=job.attempts)
    if job.signature is not None:
        alike = context.store.dlq.count(job.signature)
        if alike > 1:
            text = f"{alike} dead jobs ended with the same error: queuectl dlq list --error {job.signature}"
            yield Reason(code="alike", text=text, n=alike)


def _serves(pools: dict[str, Any], worker: LiveWorker, queue: str) -> bool:
    pool = pools.get(worker.info.pool)
    return pool is None or not pool.queues or queue in pool.queues


def _labels(pools: dict[str, Any], worker: LiveWorker) -> tuple[str, ...]:
    pool = pools.get(worker.info.pool)
    return () if pool is None else pool.labels


def _start(job: Job) -> str:
    return " ".join(["queuectl worker start", *(f"--label {quoted(label)}" for label in job.needs)])


def _unable(job: Job, count: int) -> str:
    needs = " and ".join(job.needs)
    who = "the one worker of its queue has not" if count == 1 else f"none of the {count} workers of its queue has"
    return f"it needs {needs}, which {who}; start one that has: {_start(job)}"


def _the_workers(job: Job) -> str:
    return "the workers that could run it" if job.needs else "the workers of its queue"


def _all_busy(job: Job, count: int) -> str:
    which = "that could run it" if job.needs else "of its queue"
    return f"the one worker {which} is busy" if count == 1 else f"all {count} workers {which} are busy"


def _all_attempts(count: int) -> str:
    return "its one attempt" if count == 1 else f"all {count} attempts"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


EXPLAIN = Operation(
    name="explain",
    summary="Say why a job is running, or is not",
    params=Explain,
    run=explain,
    examples=("explain job1", "explain job1 --json"),
)
