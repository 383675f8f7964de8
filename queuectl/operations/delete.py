"""Delete finished jobs by ID, or prune those that finished long ago."""

from __future__ import annotations

from queuectl.domain.job import FINAL, JobState
from queuectl.domain.phrases import plural
from queuectl.domain.record import field, record
from queuectl.domain.units import parse_duration
from queuectl.operations.bulk import Bulk
from queuectl.operations.job_ids import JobIds
from queuectl.operations.operation import Danger, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.operations.context import Context


@record
class Delete(JobIds):
    """Parameters of `delete`."""


@record
class Prune:
    """Parameters of `prune`."""

    state: tuple[str, ...] = field(
        "jobs in these states, separated by commas",
        short="s",
        metavar="STATE",
        choices=tuple(state.value for state in JobState if state in FINAL),
        commas=True,
    )
    older_than: int = field(
        "jobs that finished at least this long ago: 90s, 12h, 7d", metavar="DURATION", parse=parse_duration
    )
    yes: bool = field("do not ask", default=False, short="y")


@record
class Deleted:
    """The result of a deletion."""

    deleted: int
    """How many jobs were deleted."""
    ids: tuple[str, ...] | None = None
    """Their IDs, where the jobs were named; None where they were chosen by a property."""
    undo: int | None = None
    """Number of the undo that restores them; None when there is none."""
    too_much: bool = False
    """Whether there is no undo because the deletion exceeds what an undo may keep."""

    def document(self) -> dict[str, Any]:
        """Return the JSON form; keys that do not apply are left out."""
        document: dict[str, Any] = {"deleted": self.deleted}
        if self.ids is not None:
            document["ids"] = list(self.ids)
        if self.undo is not None:
            document["undo"] = self.undo
        if self.too_much:
            document["too_many_to_undo"] = True
        return document


def delete(context: Context, params: Delete) -> Deleted:
    """Delete all of the jobs with their history or none."""
    ids = tuple(params.unique)
    now = context.now()
    with context.store.undo.keeping("delete", now=now) as undo_entry:
        context.store.jobs.delete(ids, now=now)
    return Deleted(deleted=len(ids), ids=ids, undo=undo_entry.id, too_much=undo_entry.too_much)


def prune(context: Context, params: Prune) -> Deleted:
    """Delete the jobs that finished long enough ago, in several transactions."""
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
    """Return the question to confirm, with the number of jobs; None when there are none."""
    from queuectl.operations.outlook import CANNOT

    before = context.now() - params.older_than
    count = sum(
        context.store.jobs.count_prunable(JobState(state), before=before) for state in dict.fromkeys(params.state)
    )
    what = f"{count:,} {plural(count, 'job')} ({', '.join(dict.fromkeys(params.state))})"
    return f"Delete {what} and their history? {CANNOT}" if count else None


DELETE = Operation(
    name="delete",
    summary="Delete finished jobs and their history",
    params=Delete,
    run=delete,
    danger=Danger.DESTROYS,
    description="If one of the jobs is not finished, none is deleted.",
    examples=("delete job1 job2",),
)
PRUNE = Operation(
    name="prune",
    blocking=True,
    summary="Delete the jobs that finished long ago",
    params=Prune,
    run=prune,
    question=ask_to_prune,
    danger=Danger.DESTROYS,
    description=(
        "On a terminal it asks first, because it cannot be undone. It deletes a thousand jobs at a time, so that "
        "workers can go on meanwhile. Statistics are kept."
    ),
    examples=("prune --state completed --older-than 7d", "prune -s completed -s cancelled --older-than 0"),
)
