"""Delete finished jobs by ID, or prune those that finished long ago."""

from __future__ import annotations

from queuectl.domain.job import FINAL, JobState
from queuectl.domain.phrases import plural
from queuectl.domain.record import field, record
from queuectl.domain.units import parse_duration
from queuectl.operations.acting import Named, VerbParams, act, ask_before, needs_yes
from queuectl.operations.bulk import Bulk
from queuectl.operations.changed import Changed
from queuectl.operations.operation import Danger, Heading, Operation
from queuectl.store import selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.operations.context import Context


@record
class Delete(VerbParams):
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


def delete(context: Context, params: Delete) -> Changed:
    """Delete all of the named jobs with their history or none, or those of a selection that have ended."""

    def by_ids(ids: list[str], now: int) -> Named:
        context.store.jobs.delete(ids, now=now)
        return Named(changed=len(ids))

    return act(context, params, selection.DELETE, by_ids)


def prune(context: Context, params: Prune) -> Changed:
    """Delete the jobs that finished long enough ago, in several transactions."""
    now = context.now()
    pruned = 0
    with context.store.undo.keeping("prune", now=now, keeps=False) as undo_entry, Bulk(context, "deleted") as bulk:
        bulk.commits()
        for state in dict.fromkeys(params.state):
            pruned += context.store.jobs.prune(
                JobState(state), before=now - params.older_than, now=now, progress=bulk.add
            )
    return Changed(context, "prune", "deleted", undo_entry, ids=None, matched=pruned, changed=pruned, named=False)


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
    heading=Heading.JOBS,
    see=("prune", "dlq purge", "undo"),
    summary="Delete finished jobs and their history",
    params=Delete,
    run=delete,
    danger=Danger.DESTROYS,
    question=ask_before(selection.DELETE, "Delete"),
    needs_yes=needs_yes(selection.DELETE),
    description=(
        "If one of the named jobs is not finished, none is deleted; of a selection such jobs are skipped. For ten "
        "minutes, queuectl undo restores up to 10,000 jobs."
    ),
    examples=("delete job1 job2", "delete --state cancelled --older-than 7d", "delete --queue scratch --dry-run"),
)
PRUNE = Operation(
    name="prune",
    heading=Heading.CARE,
    see=("delete", "dlq purge"),
    blocking=True,
    summary="Delete old finished jobs",
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
