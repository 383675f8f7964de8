"""The dead letter queue: jobs that have used up their retries."""

from __future__ import annotations

from queuectl.domain.attempt import MAX_LOSSES
from queuectl.domain.errors import Refused, UsageError
from queuectl.domain.job import JobState
from queuectl.domain.record import field, record
from queuectl.domain.units import format_time
from queuectl.operations.bulk import Bulk
from queuectl.operations.changes import Changed, Deleted, after
from queuectl.operations.job_record import describe, detail, recorded
from queuectl.operations.operation import Danger, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobDetail, JobRecord
    from queuectl.store.dlq import DeadError
    from queuectl.store.rows import Listed

_LAST_WORDS = 500
"""Bytes of standard error in which the last line is looked for."""


@record
class ListDead:
    """Which of them."""

    limit: int = field("at most this many, the newest; 0 for all (default: 100)", default=100, short="n", metavar="N")
    queue: str | None = field("only this queue", default=None, short="q", metavar="NAME")
    by_error: bool = field("the errors they ended with, and how many each, instead of the jobs", default=False)
    error: str | None = field(
        "only those that ended with this error: four digits or more of what --by-error shows",
        default=None,
        short="e",
        metavar="SIG",
    )


@record
class ShowDead:
    """Which job."""

    id: str = field("the job", metavar="ID", positional=True)


@record
class RetryDead:
    """Which jobs."""

    ids: tuple[str, ...] = field("the jobs", default=(), metavar="ID", positional=True)
    all: bool = field("every dead job", default=False)
    error: tuple[str, ...] = field(
        "every dead job that ended with this error; may be repeated", default=(), short="e", metavar="SIG"
    )


@record
class Purge:
    """Which of them, and whether to ask."""

    error: tuple[str, ...] = field(
        "only those that ended with this error; may be repeated", default=(), short="e", metavar="SIG"
    )
    yes: bool = field("do not ask", default=False, short="y")


@record
class DeadRecord:
    """A dead job, and why it is dead."""

    record: JobRecord
    reason: str
    """How its last attempt ended, and the last line of its standard error."""

    def document(self) -> dict[str, Any]:
        """The JSON form."""
        return self.record.document() | {"reason": self.reason}


@record
class ErrorRecord:
    """Dead jobs that ended with the same error."""

    error: DeadError

    @property
    def text(self) -> str:
        """The error's form."""
        return self.error.text or "died before error signatures were recorded"

    def document(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "signature": self.error.signature,
            "text": self.error.text,
            "count": self.error.n,
            "queues": list(self.error.queues),
            "first": format_time(self.error.first_at),
            "last": format_time(self.error.last_at),
        }


def list_dead(context: Context, params: ListDead) -> Iterator[DeadRecord] | Iterator[ErrorRecord]:
    """The dead jobs, the newest last; or their errors, the commonest last."""
    if params.limit < 0:
        raise UsageError("--limit must not be negative", hint="0 lists all")
    if params.by_error:
        if params.error is not None:
            raise UsageError("--by-error and --error do not go together", hint="--error SIG lists the jobs of one")
        errors = context.store.dlq.errors(queue=params.queue)
        return (ErrorRecord(error=each) for each in errors[-params.limit :])
    timeout = context.settings.job_timeout_ms
    if params.error is None:
        found = context.store.jobs.listing(limit=params.limit, states=[JobState.DEAD], queue=params.queue)
    else:
        dead = context.store.dlq
        found = dead.listing(dead.resolve(params.error), limit=params.limit, queue=params.queue)
    return (DeadRecord(record=recorded(each, timeout), reason=_reason(context, each)) for each in found)


def _reason(context: Context, of: Listed) -> str:
    if of.latest is None:
        return "?"
    reason = describe(of.latest)
    if of.job.losses >= MAX_LOSSES:
        reason = f"lost with its worker {of.job.losses} times"
    words = context.store.jobs.last_words(of.job.seq, of.latest.attempt, _LAST_WORDS)
    lines = words.decode("utf-8", "replace").split("\n")
    said = of.latest.error or next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"{reason}: {said}" if said else reason


def show_dead(context: Context, params: ShowDead) -> JobDetail:
    """The whole of a dead job."""
    found = detail(context, params.id, history=True)
    state = found.record.job.state
    if state is not JobState.DEAD:
        raise Refused(f"job {params.id} is {state}, not dead", hint=f"queuectl show {params.id}")
    return found


def retry_dead(context: Context, params: RetryDead) -> Changed:
    """Make dead jobs due now with a fresh set of retries; those that are named all or none."""
    if bool(params.ids) + params.all + bool(params.error) != 1:
        raise UsageError("name the jobs, or all of them with --all, or those of an error with --error")
    jobs, now = context.store.jobs, context.now()
    signatures = _resolved(context, params.error)
    with context.store.undo.keeping("dlq retry", now=now) as kept:
        if params.ids:
            ids = list(dict.fromkeys(params.ids))
            context.ring_for_queues(jobs.retry(ids, now=now, dead_only=True))
            return Changed(after(context, ids), ids, kept)
        ids = []
        dead = _count(context, params.error)
        steps = (step for each in signatures for step in context.store.dlq.revive(each, now=now))
        with Bulk(context, "retried") as bulk:
            bulk.commits()
            for step in jobs.revive(now=now) if params.all else steps:
                ids += [id_ for id_, _ in step]
                context.ring_for_queues([queue for _, queue in step])
                context.progress(len(ids), max(dead, len(ids)), "dead jobs")
                bulk.add(len(step))
    return Changed(after(context, ids), ids, kept)


def purge(context: Context, params: Purge) -> Deleted:
    """Delete dead jobs with their history."""
    now = context.now()
    signatures = _resolved(context, params.error)
    with context.store.undo.keeping("dlq purge", now=now) as kept, Bulk(context, "deleted") as bulk:
        bulk.commits()
        if not params.error:
            deleted = context.store.jobs.prune(JobState.DEAD, before=now, now=now, progress=bulk.add)
        else:
            deleted = sum(context.store.dlq.purge(each, now=now, progress=bulk.add) for each in signatures)
    return Deleted(deleted=deleted, undo=kept.id, too_much=kept.too_much)


def ask_to_purge(context: Context, params: Purge) -> str | None:
    """How many there are to lose."""
    dead = _count(context, params.error)
    if not dead:
        return None
    from queuectl.operations.outlook import outlook

    whose = "1 dead job and its" if dead == 1 else f"{dead:,} dead jobs and their"
    return f"{outlook(context, PURGE.name, params)} Delete {whose} history?"


def _resolved(context: Context, errors: tuple[str, ...]) -> list[str | None]:
    """The signatures that were given, each once, however it was abbreviated."""
    return list(dict.fromkeys(context.store.dlq.resolve(each) for each in errors))


def _count(context: Context, errors: tuple[str, ...]) -> int:
    if errors:
        return sum(context.store.dlq.count(each) for each in _resolved(context, errors))
    return sum(n for _, state, n in context.store.counts() if state == JobState.DEAD)


LIST = Operation(
    name="dlq list",
    summary="List the dead jobs, with the reason",
    params=ListDead,
    run=list_dead,
    description=(
        "An error's signature is how the last attempt ended and the last line of its standard error (or of its "
        "standard output), without what differs each time: numbers, paths, quoted strings."
    ),
    examples=("dlq list", "dlq list --queue mail --json", "dlq list --by-error", "dlq list --error 7f3a"),
)
SHOW = Operation(
    name="dlq show",
    summary="Show a dead job: its output and every attempt",
    params=ShowDead,
    run=show_dead,
    examples=("dlq show job1",),
)
RETRY = Operation(
    name="dlq retry",
    summary="Revive dead jobs with a fresh set of retries",
    params=RetryDead,
    run=retry_dead,
    description="Those that are named all or, when one is not dead, none. Their history stays.",
    examples=("dlq retry job1", "dlq retry --all", "dlq retry --error 7f3a"),
)
PURGE = Operation(
    name="dlq purge",
    summary="Delete every dead job, or those of one error",
    params=Purge,
    run=purge,
    question=ask_to_purge,
    danger=Danger.DESTROYS,
    description="On a terminal it asks first. Up to 10,000 jobs can be brought back for ten minutes: queuectl undo.",
    examples=("dlq purge", "dlq purge --yes", "dlq purge --error 7f3a"),
)
