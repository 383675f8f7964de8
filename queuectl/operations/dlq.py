"""The dead letter queue: jobs that have used up their retries."""

from __future__ import annotations

from queuectl.domain.attempt import MAX_LOSSES
from queuectl.domain.errors import Refused, UsageError
from queuectl.domain.filter import Filter
from queuectl.domain.job import JobState
from queuectl.domain.record import field, record
from queuectl.domain.units import format_time
from queuectl.operations.bulk import Bulk
from queuectl.operations.changed import Changed
from queuectl.operations.job_names import id_of, refuse_names
from queuectl.operations.job_record import describe, detail, recorded
from queuectl.operations.operation import Danger, Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypedDict

    from queuectl.domain.json_types import Timestamp
    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobDocument, JobRecord, WholeJob
    from queuectl.store.dlq import DeadError
    from queuectl.store.rows import Listed

    class DeadDocument(JobDocument):
        """A dead job."""

        reason: str
        """How its last attempt ended, and the last line of its standard error."""

    class ErrorGroupDocument(TypedDict):
        """Dead jobs that ended with the same error.

        See `DeadError`.
        """

        signature: str
        text: str | None
        count: int
        """Number of these jobs."""
        queues: list[str]
        first: Timestamp
        """When the first of them died."""
        last: Timestamp
        """When the last of them died."""


_TAIL_BYTES = 500
"""Bytes at the end of standard error that are searched for its last line."""


@record
class ListDead:
    """Parameters of `dlq list`."""

    limit: int = field("list the newest N; 0 for all (default: 100)", default=100, short="n", metavar="N")
    queue: str | None = field("only this queue", default=None, short="q", metavar="NAME", completes="queues")
    by_error: bool = field("list the errors and the number of jobs of each, instead of the jobs", default=False)
    error: str | None = field(
        "only jobs that ended with this error: at least four digits of its signature, which --by-error lists",
        default=None,
        short="e",
        metavar="SIG",
        completes="errors",
    )


@record
class ShowDead:
    """Parameters of `dlq show`."""

    id: str = field("the job", metavar="ID", completes="dead", positional=True)


@record
class RetryDead:
    """Parameters of `dlq retry`."""

    ids: tuple[str, ...] = field("the jobs", default=(), metavar="ID", completes="dead", positional=True)
    all: bool = field("every dead job", default=False)
    error: tuple[str, ...] = field(
        "every dead job that ended with this error; may be repeated",
        default=(),
        short="e",
        metavar="SIG",
        completes="errors",
    )


@record
class Purge:
    """Parameters of `dlq purge`."""

    error: tuple[str, ...] = field(
        "only jobs that ended with this error; may be repeated",
        default=(),
        short="e",
        metavar="SIG",
        completes="errors",
    )
    yes: bool = field("do not ask", default=False, short="y")


@record
class DeadRecord:
    """A dead job and the reason of its death."""

    record: JobRecord
    reason: str
    """How its last attempt ended, and the last line of its standard error."""

    def document(self) -> DeadDocument:
        """Return the JSON form."""
        return {**self.record.document(), "reason": self.reason}


@record
class ErrorRecord:
    """Dead jobs that ended with the same error."""

    error: DeadError

    @property
    def text(self) -> str:
        """The error without what differs each time, for people."""
        from queuectl.store.dlq import UNKNOWN_TEXT

        return self.error.text or UNKNOWN_TEXT

    def document(self) -> ErrorGroupDocument:
        """Return the JSON form."""
        return {
            "signature": self.error.signature,
            "text": self.error.text,
            "count": self.error.n,
            "queues": list(self.error.queues),
            "first": format_time(self.error.first_at),
            "last": format_time(self.error.last_at),
        }


def list_dead(context: Context, params: ListDead) -> Iterator[DeadRecord] | Iterator[ErrorRecord]:
    """Return the dead jobs, the newest last; or their errors, the most frequent last."""
    if params.limit < 0:
        raise UsageError("--limit must not be negative", hint="--limit 0 lists all")
    if params.by_error:
        if params.error is not None:
            raise UsageError(
                "--by-error and --error cannot be combined", hint="--error SIG lists the jobs that ended with one error"
            )
        errors = context.store.dlq.errors(queue=params.queue)
        return (ErrorRecord(error=each) for each in errors[-params.limit :])
    settings = context.settings
    if params.error is None:
        dead = Filter(states=(JobState.DEAD,), queues=() if params.queue is None else (params.queue,))
        rows = context.store.jobs.listing(limit=params.limit, chosen=dead)
    else:
        letters = context.store.dlq
        rows = letters.listing(letters.resolve(params.error), limit=params.limit, queue=params.queue)
    timeouts = context.store.queues.timeouts()
    return (
        DeadRecord(record=recorded(each, settings, context.store, timeouts=timeouts), reason=_reason(context, each))
        for each in rows
    )


def _reason(context: Context, of: Listed) -> str:
    if of.latest is None:
        return "?"
    reason = describe(of.latest)
    if of.job.losses >= MAX_LOSSES:
        reason = f"lost with its worker {of.job.losses} times"
    tail = context.store.jobs.last_words(of.job.seq, of.latest.attempt, _TAIL_BYTES)
    lines = tail.decode("utf-8", "replace").split("\n")
    text = of.latest.error or next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"{reason}: {text}" if text else reason


def show_dead(context: Context, params: ShowDead) -> WholeJob:
    """Return a dead job with its output and its attempts. Raises Refused when it is not dead."""
    id_ = id_of(context, params.id)
    job_detail = detail(context, id_, history=True)
    state = job_detail.record.job.state
    if state is not JobState.DEAD:
        raise Refused(f"job {id_} is {state}, not dead", hint=f"queuectl show {id_}")
    return job_detail


def retry_dead(context: Context, params: RetryDead) -> Changed:
    """Make dead jobs due now with a fresh set of retries; of named jobs all or none."""
    if bool(params.ids) + params.all + bool(params.error) != 1:
        raise UsageError("give either job IDs, or --all, or --error SIG", hint="queuectl dlq list lists the dead jobs")
    refuse_names(context, RETRY.name, params.ids)
    jobs, now = context.store.jobs, context.now()
    signatures = _resolved(context, params.error)
    with context.store.undo.keeping("dlq retry", now=now) as undo_entry:
        if params.ids:
            ids = list(dict.fromkeys(params.ids))
            context.ring_for_queues(jobs.retry(ids, now=now, dead_only=True))
            return Changed(context, "dlq retry", "retried", undo_entry, ids=ids, matched=len(ids), changed=len(ids))
        ids, queues = [], dict[str, int]()
        dead = _count(context, params.error)
        steps = (step for each in signatures for step in context.store.dlq.revive(each, now=now))
        with Bulk(context, "retried") as bulk:
            bulk.commits()
            for step in jobs.revive(now=now) if params.all else steps:
                ids += [id_ for id_, _ in step]
                for _, queue in step:
                    queues[queue] = queues.get(queue, 0) + 1
                context.ring_for_queues([queue for _, queue in step])
                context.progress(len(ids), max(dead, len(ids)), "dead jobs")
                bulk.add(len(step))
    return Changed(
        context,
        "dlq retry",
        "retried",
        undo_entry,
        ids=ids,
        matched=len(ids),
        changed=len(ids),
        queues=queues,
        named=False,
    )


def purge(context: Context, params: Purge) -> Changed:
    """Delete dead jobs with their history."""
    now = context.now()
    signatures = _resolved(context, params.error)
    with context.store.undo.keeping("dlq purge", now=now) as undo_entry, Bulk(context, "deleted") as bulk:
        bulk.commits()
        if not params.error:
            deleted = context.store.jobs.prune(JobState.DEAD, before=now, now=now, progress=bulk.add)
        else:
            deleted = sum(context.store.dlq.purge(each, now=now, progress=bulk.add) for each in signatures)
    return Changed(context, "dlq purge", "deleted", undo_entry, ids=None, matched=deleted, changed=deleted, named=False)


def ask_to_purge(context: Context, params: Purge) -> str | None:
    """Return the question to confirm, with the number of jobs; None when there are none."""
    dead = _count(context, params.error)
    if not dead:
        return None
    from queuectl.operations.outlook import outlook

    whose = "1 dead job and its" if dead == 1 else f"{dead:,} dead jobs and their"
    return f"{outlook(context, PURGE.name, params)} Delete {whose} history?"


def _resolved(context: Context, errors: tuple[str, ...]) -> list[str | None]:
    """Return the full signatures of `errors`, each once. Raises NotFound."""
    return list(dict.fromkeys(context.store.dlq.resolve(each) for each in errors))


def _count(context: Context, errors: tuple[str, ...]) -> int:
    if errors:
        return sum(context.store.dlq.count(each) for each in _resolved(context, errors))
    return sum(n for _, state, n in context.store.counts() if state == JobState.DEAD)


LIST = Operation(
    name="dlq list",
    heading=Heading.DEAD_LETTERS,
    see=("dlq show", "dlq retry", "explain"),
    reads=True,
    summary="List the dead jobs, with the reason",
    params=ListDead,
    run=list_dead,
    description=(
        "The signature of an error is made from the outcome of the last attempt and the last line of its standard "
        "error (or, if that is empty, of its standard output), without what differs each time: numbers, paths, quoted "
        "strings."
    ),
    examples=("dlq list", "dlq list --queue mail --json", "dlq list --by-error", "dlq list --error 7f3a"),
)
SHOW = Operation(
    name="dlq show",
    heading=Heading.DEAD_LETTERS,
    see=("logs", "dlq retry"),
    reads=True,
    summary="Show a dead job: its output and every attempt",
    params=ShowDead,
    run=show_dead,
    examples=("dlq show job1",),
)
RETRY = Operation(
    name="dlq retry",
    heading=Heading.DEAD_LETTERS,
    one_of=("ids", "all", "error"),
    see=("retry", "edit", "undo"),
    summary="Retry dead jobs, with a fresh set of retries",
    params=RetryDead,
    run=retry_dead,
    description="If one of the named jobs is not dead, none is retried. Their history stays.",
    examples=("dlq retry job1", "dlq retry --all", "dlq retry --error 7f3a"),
)
PURGE = Operation(
    name="dlq purge",
    heading=Heading.DEAD_LETTERS,
    see=("delete", "prune", "undo"),
    summary="Delete every dead job, or those of one error",
    params=Purge,
    run=purge,
    question=ask_to_purge,
    danger=Danger.DESTROYS,
    description="On a terminal it asks first. For ten minutes, queuectl undo restores up to 10,000 jobs.",
    examples=("dlq purge", "dlq purge --yes", "dlq purge --error 7f3a"),
)
