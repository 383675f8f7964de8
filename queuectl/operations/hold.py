"""Hold waiting jobs, release them, and change their priority."""

from __future__ import annotations

from queuectl.domain.record import field, record
from queuectl.domain.spec import PRIORITIES, check_priority
from queuectl.operations.changed import Changed
from queuectl.operations.job_ids import JobIds
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.operations.context import Context


@record
class Hold(JobIds):
    """Parameters of `hold`."""


@record
class Release(JobIds):
    """Parameters of `release`."""


@record
class Priority(JobIds):
    """Parameters of `priority`."""

    priority: int = field(f"{PRIORITIES}, higher runs first", metavar="N", positional=True)


def hold(context: Context, params: Hold) -> Changed:
    """Keep all of the jobs from being claimed, or none."""
    ids, now = params.unique, context.now()
    with context.store.undo.keeping("hold", now=now) as undo_entry:
        context.store.edits.hold(ids, now=now)
    return Changed(context, ids, undo_entry)


def release(context: Context, params: Release) -> Changed:
    """Allow all of the jobs to be claimed again, or none, and wake the workers."""
    ids, now = params.unique, context.now()
    with context.store.undo.keeping("release", now=now) as undo_entry:
        context.ring_for_queues(context.store.edits.release(ids, now=now))
    return Changed(context, ids, undo_entry)


def priority(context: Context, params: Priority) -> Changed:
    """Set the priority of all of the jobs, or of none."""
    ids, now = params.unique, context.now()
    wanted = check_priority(params.priority)
    with context.store.undo.keeping("priority", now=now) as undo_entry:
        context.store.edits.prioritise(ids, wanted, now=now)
    return Changed(context, ids, undo_entry)


HOLD = Operation(
    name="hold",
    heading=Heading.JOBS,
    see=("release", "cancel"),
    summary="Hold jobs until they are released",
    params=Hold,
    run=hold,
    description=(
        "Only jobs that wait can be held; if one of the jobs cannot, none is. A drain does not wait for held jobs."
    ),
    examples=("hold job1 job2",),
)
RELEASE = Operation(
    name="release",
    heading=Heading.JOBS,
    see=("hold",),
    summary="Release held jobs, so that they run when they are due",
    params=Release,
    run=release,
    description="If one of the jobs is not held, none is released. A job whose retry is not due yet waits for it.",
    examples=("release job1 job2",),
)
PRIORITY = Operation(
    name="priority",
    heading=Heading.JOBS,
    see=("edit", "list"),
    summary="Change the priority of waiting jobs",
    params=Priority,
    run=priority,
    description="If one of the jobs does not wait, none is changed.",
    examples=("priority job1 job2 10", "priority job1 -5"),
)
