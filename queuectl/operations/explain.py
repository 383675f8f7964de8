"""Explain why a job runs, or does not: only reasons that are certain."""

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
_LASTING_CODES = frozenset(
    {"held", "backoff", "scheduled", "no_workers", "other_queues", "needs", "draining", "worker_dead"}
)
"""Codes of reasons that may last for hours, or until an operator acts."""
_STUCK_CODES = _LASTING_CODES - {"backoff", "scheduled"}
"""Codes of reasons that last until an operator acts."""
_CHECKED = 2
"""How many reasons of a job are checked: one that is due in an hour may have no worker either."""
_CHECK_SECONDS = 2.0
"""Between two explanations of a job. One takes a millisecond."""


@record
class Explain:
    """Parameters of `explain`."""

    id: str = field("the job", metavar="ID", positional=True)


@record
class Reason:
    """One reason."""

    code: str
    """For programs: `running`, `cancelling`, `worker_dead`, `held`, `backoff`, `scheduled`, `no_workers`,
    `other_queues`, `needs`, `draining`, `all_busy`, `behind`, `next`, `completed`, `dead`, `lost`, `alike`,
    `cancelled`; `stopping`: the worker that runs it takes no other job after it."""
    text: str
    """For people, in one line."""
    at: int | None = None
    """Milliseconds since the epoch at which the reason ends, where that is known."""
    n: int | None = None
    """Number of workers, jobs ahead, attempts or losses that the text names."""


@record
class Explanation:
    """The reasons for the state of a job, the most important first."""

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
    """Return the reasons why the job runs, or does not."""
    now = context.now()
    listed = context.store.jobs.get(params.id)
    state = listed.job.state
    if state is JobState.PROCESSING:
        reasons = _running(context, listed, now)
    elif state is JobState.HELD:
        reasons = iter((Reason(code="held", text=f"it is held; to release it: queuectl release {params.id}"),))
    elif state in READY:
        reasons = _waiting(context, listed, now)
    else:
        reasons = _final(context, listed, now)
    return Explanation(id=listed.job.id, state=state, reasons=tuple(reasons))


class WaitReporter:
    """Reports why a job that a command waits for does not run: once, and again when the reason changes."""

    def __init__(self, context: Context) -> None:
        """Report to a person every lasting reason; to a script only reasons that last until an operator acts."""
        self._context = context
        self._codes = _LASTING_CODES if context.watched else _STUCK_CODES
        self._reported: tuple[str, str] | None = None
        self._next_check = 0.0

    def report(self, ids: Iterable[str]) -> None:
        """Explain the first of the jobs that is not final, at most every two seconds."""
        clock = self._context.clock
        if clock.monotonic() < self._next_check:
            return
        self._next_check = clock.monotonic() + _CHECK_SECONDS
        for id_ in ids:
            explanation = explain(self._context, Explain(id=id_))
            if explanation.state not in FINAL:
                for reason in explanation.reasons[:_CHECKED]:
                    if reason.code in self._codes:
                        if self._reported != (id_, reason.code):
                            self._context.say(f"{id_}: {reason.text}")
                        self._reported = (id_, reason.code)
                        return
                self._reported = None
                return


def _running(context: Context, of: Listed, now: int) -> Iterator[Reason]:
    # Loaded here, as below: jobs that have ended or are held do not need it.
    from queuectl.runtime.liveness import living_pools, living_workers

    workers = living_workers(context.store, context.run_dir, now=now)
    owner = next((each for each in workers if each.info.id == of.job.owner), None)
    # The worker may have finished the job and stopped since the list of workers was read.
    if owner is None and context.store.jobs.state(of.job.id) is JobState.PROCESSING:
        text = f"its worker {of.job.owner} has died; "
        if living_pools(context.store, context.run_dir):
            text += "a running pool puts the job back in a moment"
        else:
            text += "the next pool puts the job back, and none is running: queuectl worker start"
        yield Reason(code="worker_dead", text=text)
        return
    since = "" if of.latest is None else f" for {format_duration(max(0, now - of.latest.started_at))}"
    if of.job.cancel_requested:
        yield Reason(code="cancelling", text="it is being cancelled: its worker is ending its processes")
    yield Reason(code="running", text=f"worker {of.job.owner} has been running it{since}")
    if owner is not None and owner.stopping:
        pools = living_pools(context.store, context.run_dir)
        stops_now = any(pool.id == owner.info.pool and pool.stop == "now" for pool in pools)
        what = "now: the job is ended and put back" if stops_now else "once this job has ended"
        yield Reason(code="stopping", text=f"its worker stops {what}")


def _waiting(context: Context, of: Listed, now: int) -> Iterator[Reason]:
    job = of.job
    if job.run_at > now:
        delay = format_duration(job.run_at - now)
        if job.state is JobState.FAILED:
            last = "" if of.latest is None else f" ({describe(of.latest)})"
            text = f"its last attempt failed{last}; retry {job.attempts} of {job.max_retries} is due in {delay}"
            yield Reason(code="backoff", text=text, at=job.run_at)
        else:
            yield Reason(code="scheduled", text=f"it is due in {delay}, at {format_time(job.run_at)}", at=job.run_at)
    yield from _workers(context, job, now)


def _workers(context: Context, job: Job, now: int) -> Iterator[Reason]:
    from queuectl.runtime.liveness import living_pools, living_workers

    workers = living_workers(context.store, context.run_dir, now=now)
    pools = {pool.id: pool for pool in living_pools(context.store, context.run_dir)}
    if not workers:
        yield Reason(code="no_workers", text=f"no workers are running; start some: {_start_command(job)}", n=0)
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
        yield Reason(code="needs", text=_missing_labels(job, len(serving)), n=len(serving))
        return
    staying = [each for each in able if not each.stopping]
    if not staying:
        yield Reason(code="draining", text=f"{_the_workers(job)} are stopping and claim no more jobs", n=len(able))
        return
    if job.run_at > now:
        return
    all_queues = any(not pools[each.info.pool].queues for each in staying)
    # Labels that all of the workers have: a worker without one would pass over the jobs that need it.
    labels = set.intersection(*(set(pools[each.info.pool].labels) for each in staying))
    ahead = context.store.jobs.ahead(job, now=now, limit=COUNTED, within_queue=not all_queues, labels=labels)
    busy = [each for each in staying if each.info.job is not None]
    if len(busy) == len(staying):
        yield Reason(code="all_busy", text=_all_busy(job, len(staying)), n=len(staying))
    if ahead:
        more = "more than " if ahead >= COUNTED else ""
        yield Reason(
            code="behind", text=f"{more}{_count(ahead, 'due job')} {'is' if ahead == 1 else 'are'} ahead of it", n=ahead
        )
    else:
        yield Reason(code="next", text="it is the next job that a worker of its queue claims", n=0)


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
        yield Reason(code="lost", text=f"it died{ago}: its worker died in {job.losses} attempts in a row", n=job.losses)
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


def _start_command(job: Job) -> str:
    return " ".join(["queuectl worker start", *(f"--label {quoted(label)}" for label in job.needs)])


def _missing_labels(job: Job, count: int) -> str:
    needs = " and ".join(job.needs)
    who = "the one worker of its queue does not have" if count == 1 else f"none of the {count} workers of its queue has"
    return f"it needs {needs}, which {who}; start one that has: {_start_command(job)}"


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
    reads=True,
    summary="Explain why a job is running, or is not",
    params=Explain,
    run=explain,
    examples=("explain job1", "explain job1 --json"),
)
