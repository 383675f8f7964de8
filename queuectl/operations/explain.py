"""Explain why a job runs, or does not: only reasons that are certain."""

from __future__ import annotations

from queuectl.domain.attempt import MAX_LOSSES
from queuectl.domain.job import FINAL, JobState
from queuectl.domain.phrases import first_of, plural
from queuectl.domain.queue_settings import ALL
from queuectl.domain.record import field, record
from queuectl.domain.units import format_duration, format_time
from queuectl.operations.commandline.quoting import quoted
from queuectl.operations.job_names import ABOUT, id_or_last
from queuectl.operations.job_record import describe
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from typing import Literal, TypeAlias, TypedDict

    from queuectl.domain.job import Job
    from queuectl.domain.json_types import Timestamp
    from queuectl.domain.worker import PoolInfo
    from queuectl.operations.context import Context
    from queuectl.runtime.liveness import LiveWorker
    from queuectl.store.rows import Listed

    ReasonCode: TypeAlias = Literal[
        "running", "cancelling", "stopping", "worker_dead", "held", "backoff", "scheduled", "paused", "full",
        "no_workers", "other_queues", "needs", "draining", "all_busy", "behind", "next", "completed", "cancelled",
        "dead", "lost", "alike",
    ]  # fmt: skip
    """`stopping`: the worker that runs it takes no other job after it. `paused`, `full`: its queue is. `alike`: other
    jobs died of the same error."""

    class ExplanationDocument(TypedDict):
        """The reasons for the state of a job."""

        id: str
        """The job."""
        state: JobState
        """Its state."""
        reasons: list[ReasonDocument]
        """The reasons, the most important first."""

    class ReasonDocument(TypedDict):
        """A reason for the state of a job.

        See `Reason`.
        """

        code: ReasonCode
        text: str
        at: Timestamp | None
        """When the reason ends; null where that is not known."""
        n: int | None


COUNTED = 1000
"""Jobs ahead of one are counted up to this many."""
_LASTING_CODES = frozenset(
    {"held", "backoff", "scheduled", "paused", "no_workers", "other_queues", "needs", "draining", "worker_dead"}
)
"""Codes of reasons that may last for hours, or until an operator acts."""
_STUCK_CODES = _LASTING_CODES - {"backoff", "scheduled"}
"""Codes of reasons that last until an operator acts."""
OF_WORKERS = frozenset({"no_workers", "other_queues", "needs", "draining"})
"""Codes of what no worker meets."""
_NAMED = 4
"""Jobs that a reason names, at most; one less if there are more."""
_CHECKED = 2
"""How many reasons of a job are checked: one that is due in an hour may have no worker either."""
_CHECK_SECONDS = 2.0
"""Between two explanations of a job. One takes a millisecond."""


@record
class Explain:
    """Parameters of `explain`."""

    id: str | None = field(
        "the job; on a terminal the default is @last", default=None, metavar="ID", completes="jobs", positional=True
    )


@record
class Reason:
    """One reason."""

    code: ReasonCode
    """The reason, for programs."""
    text: str
    """For people, in one line."""
    at: int | None = None
    """Milliseconds since the epoch at which the reason ends, where that is known."""
    n: int | None = None
    """Number of workers, jobs ahead, attempts or losses that the text names; None where it names none."""


@record
class Explanation:
    """The reasons for the state of a job, the most important first."""

    id: str
    state: JobState
    reasons: tuple[Reason, ...]

    def document(self) -> ExplanationDocument:
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
    listed = context.store.jobs.get(id_or_last(context, params.id, EXPLAIN))
    state = listed.job.state
    match state:
        case JobState.PROCESSING:
            reasons = _running(context, listed, now)
        case JobState.HELD:
            reasons = iter((Reason(code="held", text=f"it is held; to release it: queuectl release {listed.job.id}"),))
        case JobState.PENDING | JobState.FAILED:
            reasons = _waiting(context, listed, now)
        case JobState.COMPLETED | JobState.CANCELLED:
            completed = state is JobState.COMPLETED
            text = f"it {'completed' if completed else 'was cancelled'}{_ago(listed.job, now)}"
            reasons = iter((Reason(code="completed" if completed else "cancelled", text=text),))
        case JobState.DEAD:
            reasons = _dead(context, listed, now)
    return Explanation(id=listed.job.id, state=state, reasons=tuple(reasons))


class WaitReporter:
    """Reports why a job that a command waits for does not run: once, and again when the reason changes."""

    def __init__(self, context: Context, *, except_for: Collection[str] = ()) -> None:
        """Report to a person every lasting reason; to a script only reasons that last until an operator acts.

        The codes `except_for` are reported to neither.
        """
        self._context = context
        self._codes = (_LASTING_CODES if context.watched else _STUCK_CODES).difference(except_for)
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
    from queuectl.runtime.liveness import living_workers

    workers = living_workers(context.store, context.run_dir, now=now)
    owner = next((each for each in workers if each.info.id == of.job.owner), None)
    # The worker may have finished the job and stopped since the list of workers was read.
    if owner is None and context.store.jobs.state(of.job.id) is JobState.PROCESSING:
        yield _worker_dead(context, of.job)
        return
    since = "" if of.latest is None else f" for {format_duration(max(0, now - of.latest.started_at))}"
    if of.job.cancel_requested:
        yield Reason(code="cancelling", text="it is being cancelled: its worker is ending its processes")
    yield Reason(code="running", text=f"worker {of.job.owner} has been running it{since}")
    if owner is not None and owner.stopping:
        yield _stopping(context, owner)


def _worker_dead(context: Context, job: Job) -> Reason:
    from queuectl.runtime.liveness import living_pools

    if living_pools(context.store, context.run_dir):
        follows = "a running pool puts the job back in a moment"
    else:
        follows = "the next pool puts the job back, and none is running: queuectl worker start"
    return Reason(code="worker_dead", text=f"its worker {job.owner} has died; {follows}")


def _stopping(context: Context, owner: LiveWorker) -> Reason:
    from queuectl.runtime.liveness import living_pools

    pools = living_pools(context.store, context.run_dir)
    stops_now = any(pool.id == owner.info.pool and pool.stop == "now" for pool in pools)
    what = "now: the job is ended and put back" if stops_now else "once this job has ended"
    return Reason(code="stopping", text=f"its worker stops {what}")


def _waiting(context: Context, of: Listed, now: int) -> Iterator[Reason]:
    job = of.job
    if job.run_at > now:
        delay = format_duration(job.run_at - now)
        if job.state is JobState.FAILED:
            last = "" if of.latest is None else f" ({describe(of.latest)})"
            text = f"its last attempt failed{last}; retry {job.attempts} of {job.max_retries} is due in {delay}"
            yield Reason(code="backoff", text=text, at=job.run_at)
        else:
            yield Reason(code="scheduled", text=f"it is due in {delay}", at=job.run_at)
    gates = list(_by_queue(context, job, now))
    yield from gates
    yield from _by_workers(context, job, now, is_next=not gates)


def _by_queue(context: Context, job: Job, now: int) -> Iterator[Reason]:
    """Yield what keeps jobs of the queue from being started."""
    settings = context.store.queues.all()
    queue = quoted(job.queue)
    for of, which, resume in (
        (settings.get(job.queue), f"queue {job.queue} is", queue),
        (settings.get(ALL), "all queues are", "--all"),
    ):
        if of is not None and of.pause is not None:
            since = format_duration(max(0, now - of.pause.at))
            why = "" if of.pause.reason is None else f" ({of.pause.reason})"
            text = f"{which} paused by {of.pause.by} for {since}{why}; to resume: queuectl queue resume {resume}"
            yield Reason(code="paused", text=text)
    own = settings.get(job.queue)
    if own is not None and own.limit is not None:
        running = context.store.queues.running().get(job.queue, 0)
        if running >= own.limit:
            jobs = context.store.queues.running_jobs(job.queue, limit=_NAMED)
            text = f"queue {job.queue} is full: {running:,} of {own.limit:,} jobs run ({first_of(jobs, _NAMED - 1)})"
            yield Reason(
                code="full", text=f"{text}; to change the limit: queuectl queue set {queue} --limit N", n=running
            )


@record
class _Candidate:
    """A living worker, and its pool unless that has just ended."""

    worker: LiveWorker
    pool: PoolInfo | None

    @property
    def only_job(self) -> int | None:
        return None if self.pool is None else self.pool.only_job

    @property
    def queues(self) -> tuple[str, ...]:
        return () if self.pool is None or self.only_job is not None else self.pool.queues

    @property
    def labels(self) -> tuple[str, ...]:
        return () if self.pool is None else self.pool.labels


def _by_workers(context: Context, job: Job, now: int, *, is_next: bool) -> Iterator[Reason]:
    """Yield the first requirement that no worker meets; for a due job that some can run, its place in the queue.

    The place is left out unless `is_next`: a worker may start jobs of the queue.
    """
    from queuectl.runtime.liveness import living_pools, living_workers

    workers = living_workers(context.store, context.run_dir, now=now)
    pools = {pool.id: pool for pool in living_pools(context.store, context.run_dir)}
    candidates = [_Candidate(worker=each, pool=pools.get(each.info.pool)) for each in workers]
    candidates = [each for each in candidates if each.only_job in {None, job.seq}]
    for is_met, unmet in _REQUIREMENTS:
        left = [each for each in candidates if is_met(each, job)]
        if not left:
            yield unmet(candidates, job)
            return
        candidates = left
    if job.run_at <= now and is_next:
        yield from _in_queue(context, job, candidates, now)


def _no_workers(_candidates: Sequence[_Candidate], job: Job) -> Reason:
    return Reason(code="no_workers", text=f"no workers are running; start some: {_start_command(job)}", n=0)


def _other_queues(candidates: Sequence[_Candidate], job: Job) -> Reason:
    count = len(candidates)
    named = sorted({queue for each in candidates for queue in each.queues})
    who = "the one worker takes no" if count == 1 else f"none of the {count} workers takes"
    text = f"{who} jobs of queue {job.queue}, only of {', '.join(named)}; start another: {_start_command(job)}"
    return Reason(code="other_queues", text=text, n=count)


def _missing_labels(candidates: Sequence[_Candidate], job: Job) -> Reason:
    count, needs = len(candidates), " and ".join(job.needs)
    who = "the one worker of its queue does not have" if count == 1 else f"none of the {count} workers of its queue has"
    return Reason(
        code="needs", text=f"it needs {needs}, which {who}; start one that has: {_start_command(job)}", n=count
    )


def _draining(candidates: Sequence[_Candidate], job: Job) -> Reason:
    which = "that could run it" if job.needs else "of its queue"
    return Reason(code="draining", text=f"the workers {which} are stopping and claim no more jobs", n=len(candidates))


_REQUIREMENTS: tuple[tuple[Callable[[_Candidate, Job], bool], Callable[[Sequence[_Candidate], Job], Reason]], ...] = (
    (lambda _worker, _job: True, _no_workers),
    (lambda worker, job: not worker.queues or job.queue in worker.queues, _other_queues),
    (lambda worker, job: worker.only_job is not None or set(worker.labels).issuperset(job.needs), _missing_labels),
    (lambda worker, _job: not worker.worker.stopping, _draining),
)
"""What a worker must meet to run a job, and the reason for workers of which none does, though all meet those above."""


def _in_queue(context: Context, job: Job, candidates: Sequence[_Candidate], now: int) -> Iterator[Reason]:
    if all(each.worker.info.job is not None for each in candidates):
        yield _all_busy(candidates, job)
    within_queue = all(each.queues for each in candidates)
    # Labels that all of the workers have: a worker without one would pass over the jobs that need it.
    labels = set.intersection(*(set(each.labels) for each in candidates))
    ahead = context.store.jobs.ahead(job, now=now, limit=COUNTED, within_queue=within_queue, labels=labels)
    if ahead:
        more = "more than " if ahead >= COUNTED else ""
        text = f"{more}{ahead} {plural(ahead, 'due job')} {'is' if ahead == 1 else 'are'} ahead of it"
        yield Reason(code="behind", text=text, n=ahead)
    else:
        yield Reason(code="next", text="it is the next job that a worker of its queue claims", n=0)


def _all_busy(candidates: Sequence[_Candidate], job: Job) -> Reason:
    count, which = len(candidates), "that could run it" if job.needs else "of its queue"
    text = f"the one worker {which} is busy" if count == 1 else f"all {count} workers {which} are busy"
    return Reason(code="all_busy", text=text, n=count)


def _dead(context: Context, of: Listed, now: int) -> Iterator[Reason]:
    job, latest, ago = of.job, of.latest, _ago(of.job, now)
    if job.losses >= MAX_LOSSES:
        again = f"to run it again: queuectl retry {job.id}"
        yield Reason(
            code="lost",
            text=f"it died{ago}: its worker died in {job.losses} attempts in a row; {again}",
            n=job.losses,
        )
    else:
        last = "" if latest is None else f", the last with {describe(latest)}"
        text = f"it died{ago}: {_all_tries(job.attempts)} failed{last}; to run it again: queuectl retry {job.id}"
        yield Reason(code="dead", text=text, n=job.attempts)
    if job.signature is not None:
        alike = context.store.dlq.count(job.signature)
        if alike > 1:
            text = f"{alike} dead jobs ended with the same error: queuectl dlq list --error {job.signature}"
            yield Reason(code="alike", text=text, n=alike)


def _ago(job: Job, now: int) -> str:
    return "" if job.finished_at is None else f" {format_duration(max(0, now - job.finished_at))} ago"


def _start_command(job: Job) -> str:
    return " ".join(["queuectl worker start", *(f"--label {quoted(label)}" for label in job.needs)])


def _all_tries(count: int) -> str:
    return "its one try" if count == 1 else f"all {count} tries"


EXPLAIN = Operation(
    name="explain",
    heading=Heading.JOBS,
    see=("show", "logs", "worker list"),
    reads=True,
    summary="Explain why a job is running, or is not",
    params=Explain,
    run=explain,
    description=ABOUT,
    examples=("explain job1", "explain job1 --json", "explain @last"),
)
