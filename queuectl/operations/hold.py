"""Jobs that wait: hold and release them, and change their priority."""

from __future__ import annotations

from queuectl.domain.record import field, record
from queuectl.domain.spec import check_priority
from queuectl.operations.changes import Changed, after
from queuectl.operations.operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.operations.context import Context


@record
class Hold:
    """Which jobs."""

    ids: tuple[str, ...] = field("the jobs", metavar="ID", positional=True)


@record
class Release:
    """Which jobs."""

    ids: tuple[str, ...] = field("the jobs", metavar="ID", positional=True)


@record
class Priority:
    """Which jobs, and how urgent they are."""

    ids: tuple[str, ...] = field("the jobs", metavar="ID", positional=True)
    priority: int = field("-1000 to 1000, higher runs first", metavar="N", positional=True)


def hold(context: Context, params: Hold) -> Changed:
    """Keep them from being claimed, all or none."""
    ids, now = list(dict.fromkeys(params.ids)), context.now()
    with context.store.undo.keeping("hold", now=now) as kept:
        context.store.edits.hold(ids, now=now)
    return Changed(after(context, ids), ids, kept)


def release(context: Context, params: Release) -> Changed:
    """Let them be claimed again, all or none, and wake the workers."""
    ids, now = list(dict.fromkeys(params.ids)), context.now()
    with context.store.undo.keeping("release", now=now) as kept:
        context.ring_for_queues(context.store.edits.release(ids, now=now))
    return Changed(after(context, ids), ids, kept)


def priority(context: Context, params: Priority) -> Changed:
    """Give them another priority, all or none."""
    ids, now = list(dict.fromkeys(params.ids)), context.now()
    wanted = check_priority(params.priority)
    with context.store.undo.keeping("priority", now=now) as kept:
        context.store.edits.prioritise(ids, wanted, now=now)
    return Changed(after(context, ids), ids, kept)


HOLD = Operation(
    name="hold",
    summary="Keep jobs from being run until they are released",
    params=Hold,
    run=hold,
    key="h",
    description="Jobs that wait, all of them or, when one cannot be held, none. A drain does not wait for held jobs.",
    examples=("hold job1 job2",),
)
RELEASE = Operation(
    name="release",
    summary="Let held jobs run again when they are due",
    params=Release,
    run=release,
    description="All of them or, when one is not held, none. A job whose retry was not due yet still waits for it.",
    examples=("release job1 job2",),
)
PRIORITY = Operation(
    name="priority",
    summary="Change how urgent jobs are that wait",
    params=Priority,
    run=priority,
    key="P",
    description="All of them or, when one does not wait, none.",
    examples=("priority job1 job2 10", "priority job1 -5"),
)
