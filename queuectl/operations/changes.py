"""Cancel, retry, delete and prune jobs."""

from __future__ import annotations

import signal

from queuectl.domain.errors import UsageError
from queuectl.domain.job import FINAL, JobState
from queuectl.domain.record import field, record
from queuectl.domain.units import parse_duration
from queuectl.operations.bulk import Bulk
from queuectl.operations.job_record import recorded
from queuectl.operations.operation import Danger, Operation
from queuectl.runtime.doorbell import bell_of_worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobRecord
    from queuectl.store.undo import Keeping


def parse_signal(text: str) -> int:
    """The number of `TERM`, `SIGTERM` or `15`. Raises UsageError."""
    word = text.strip().upper()
    numbers = {each.value for each in signal.Signals}
    if word.isascii() and word.isdigit() and len(word) < 4 and int(word) in numbers:
        return int(word)
    name = word if word.startswith("SIG") else f"SIG{word}"
    try:
        return signal.Signals[name].value
    except KeyError:
        raise UsageError(f"{text[:40]!r} is not a signal", hint="write TERM, INT, KILL … or its number") from None


@record
class Cancel:
    """Which jobs, and how."""

    ids: tuple[str, ...] = field("the jobs", metavar="ID", positional=True)
    signal: int = field(
        "what a running job's processes are sent first (default: TERM)",
        default=signal.SIGTERM.value,
        metavar="NAME",
        parse=parse_signal,
    )


@record
class Retry:
    """Which jobs."""

    ids: tuple[str, ...] = field("the jobs", metavar="ID", positional=True)


@record
class Delete:
    """Which jobs."""

    ids: tuple[str, ...] = field("the jobs", metavar="ID", positional=True)


@record
class Prune:
    """Which jobs."""

    state: tuple[str, ...] = field(
        "jobs in this state; may be repeated",
        short="s",
        metavar="STATE",
        choices=tuple(state.value for state in JobState if state in FINAL),
    )
    older_than: int = field(
        "that finished at least this long ago: 90s, 12h, 7d", metavar="DURATION", parse=parse_duration
    )
    yes: bool = field("do not ask", default=False, short="y")


@record
class Deleted:
    """What is gone."""

    deleted: int
    ids: tuple[str, ...] | None = None
    undo: int | None = None
    """The undo that brings them back; None when there is none."""
    too_much: bool = False
    """Whether there is none because it was more than is kept."""

    def document(self) -> dict[str, Any]:
        """How many, which where they were named, and what brings them back."""
        document: dict[str, Any] = {"deleted": self.deleted}
        if self.ids is not None:
            document["ids"] = list(self.ids)
        if self.undo is not None:
            document["undo"] = self.undo
        if self.too_much:
            document["too_many_to_undo"] = True
        return document


class Changed:
    """Jobs as they stand now, after something was done to them: an iterator of their records."""

    def __init__(self, records: Iterator[JobRecord], ids: Sequence[str], kept: Keeping) -> None:
        """`kept` knows how they were."""
        self._records = records
        self.ids = tuple(ids)
        self.undo = kept.id
        """The undo that takes it back; None when there is none."""
        self.too_much = kept.too_much
        """Whether there is none because it was more than is kept."""

    def __iter__(self) -> Iterator[JobRecord]:
        """The records, once."""
        return self._records

    def __next__(self) -> JobRecord:
        """The next record."""
        return next(self._records)


def cancel(context: Context, params: Cancel) -> Changed:
    """Cancel them, all or none: at once those that wait; of those that run, their workers are told to end them."""
    ids, now = list(dict.fromkeys(params.ids)), context.now()
    with context.store.undo.keeping("cancel", now=now) as kept:
        owners = context.store.jobs.cancel(*ids, signal=params.signal, now=now)
    context.ring(*map(bell_of_worker, owners))
    return Changed(after(context, ids), ids, kept)


def retry(context: Context, params: Retry) -> Changed:
    """Make them due now, all or none, and wake the workers."""
    ids = list(dict.fromkeys(params.ids))
    now = context.now()
    with context.store.undo.keeping("retry", now=now) as kept:
        context.ring_for_queues(context.store.jobs.retry(ids, now=now))
    return Changed(after(context, ids), ids, kept)


def delete(context: Context, params: Delete) -> Deleted:
    """Delete finished jobs with their history, all or none."""
    ids = tuple(dict.fromkeys(params.ids))
    now = context.now()
    with context.store.undo.keeping("delete", now=now) as kept:
        context.store.jobs.delete(ids, now=now)
    return Deleted(deleted=len(ids), ids=ids, undo=kept.id, too_much=kept.too_much)


def prune(context: Context, params: Prune) -> Deleted:
    """Delete what finished long enough ago, in steps."""
    now = context.now()
    pruned = 0
    with context.store.undo.keeping("prune", now=now, keeps=False), Bulk(context, "deleted") as bulk:
        bulk.commits()
        for state in dict.fromkeys(params.state):
            pruned += context.store.jobs.prune(
                JobState(state), before=now - params.older_than, now=now, progress=bulk.add
            )
    return Deleted(deleted=pruned)


def ask_to_prune(context: Context, params: Prune) -> str | None:
    """How many there are to lose for good."""
    before = context.now() - params.older_than
    count = sum(
        context.store.jobs.count_prunable(JobState(state), before=before) for state in dict.fromkeys(params.state)
    )
    what = f"{count:,} {'job' if count == 1 else 'jobs'} ({', '.join(dict.fromkeys(params.state))})"
    return f"Delete {what} and their history? This cannot be undone." if count else None


def after(context: Context, ids: Sequence[str]) -> Iterator[JobRecord]:
    """The jobs as they stand now."""
    timeout = context.settings.job_timeout_ms
    return (recorded(context.store.jobs.get(id_), timeout) for id_ in ids)


CANCEL = Operation(
    name="cancel",
    summary="Cancel jobs, wherever they run",
    params=Cancel,
    run=cancel,
    key="x",
    danger=Danger.STOPS,
    description=(
        "A job that waits is cancelled at once. One that runs gets the signal, with its whole process tree, and KILL "
        "after kill_grace; it is cancelled once it has ended (queuectl wait ID waits for that). All or nothing: if one "
        "of the jobs cannot be cancelled, none is."
    ),
    examples=("cancel job1", "cancel job1 job2 --signal INT"),
)
RETRY = Operation(
    name="retry",
    summary="Run finished or failed jobs again, with a fresh set of retries",
    params=Retry,
    run=retry,
    key="r",
    description="All of them or, when one cannot be retried, none. Their history stays.",
    examples=("retry job1", "retry job1 job2"),
)
DELETE = Operation(
    name="delete",
    summary="Delete finished jobs and their history",
    params=Delete,
    run=delete,
    key="D",
    danger=Danger.DESTROYS,
    description="All of them or, when one is not finished, none.",
    examples=("delete job1 job2",),
)
PRUNE = Operation(
    name="prune",
    summary="Delete the jobs that finished long ago",
    params=Prune,
    run=prune,
    question=ask_to_prune,
    danger=Danger.DESTROYS,
    description=(
        "On a terminal it asks first, as it cannot be undone. In steps of a thousand, so that workers go on meanwhile. "
        "Statistics stay."
    ),
    examples=("prune --state completed --older-than 7d", "prune -s completed -s cancelled --older-than 0"),
)
