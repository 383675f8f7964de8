"""Hold waiting jobs, release them, and change their priority."""

from __future__ import annotations

from queuectl.domain.record import field, record
from queuectl.domain.spec import PRIORITIES, check_priority
from queuectl.operations.acting import Named, VerbParams, act, ask_before, needs_yes
from queuectl.operations.operation import Heading, Operation
from queuectl.runtime.doorbell import bells_of_queues
from queuectl.store import selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.operations.changed import Changed
    from queuectl.operations.context import Context


@record
class Hold(VerbParams):
    """Parameters of `hold`."""


@record
class Release(VerbParams):
    """Parameters of `release`."""


@record
class Priority(VerbParams):
    """Parameters of `priority`."""

    priority: int = field(f"{PRIORITIES}, higher runs first", metavar="N", positional=True)


def hold(context: Context, params: Hold) -> Changed:
    """Keep all of the named jobs from being claimed or none, or those of a selection that wait."""

    def by_ids(ids: list[str], now: int) -> Named:
        return Named(changed=context.store.edits.hold(ids, now=now))

    return act(context, params, selection.HOLD, by_ids)


def release(context: Context, params: Release) -> Changed:
    """Allow all of the named jobs to be claimed again or none, or those of a selection that are held."""

    def by_ids(ids: list[str], now: int) -> Named:
        queues = context.store.edits.release(ids, now=now)
        return Named(changed=len(queues), bells=tuple(bells_of_queues(queues)))

    return act(context, params, selection.RELEASE, by_ids)


def priority(context: Context, params: Priority) -> Changed:
    """Set the priority of all of the named jobs or of none, or of those of a selection that wait."""
    wanted = check_priority(params.priority)

    def by_ids(ids: list[str], now: int) -> Named:
        return Named(changed=len(context.store.edits.prioritise(ids, wanted, now=now)))

    return act(context, params, selection.PRIORITY, by_ids, priority=wanted)


HOLD = Operation(
    name="hold",
    heading=Heading.JOBS,
    see=("release", "cancel"),
    summary="Hold jobs until they are released",
    params=Hold,
    run=hold,
    question=ask_before(selection.HOLD, "Hold"),
    needs_yes=needs_yes(selection.HOLD),
    description=(
        "Only jobs that wait can be held; if one of the named jobs cannot, none is. Jobs that are held already are "
        "left as they are. A drain does not wait for held jobs."
    ),
    examples=("hold job1 job2", "hold --queue mail", "hold --filter 'tag:nightly age:>1h'"),
)
RELEASE = Operation(
    name="release",
    heading=Heading.JOBS,
    see=("hold",),
    summary="Release held jobs, so that they run when they are due",
    params=Release,
    run=release,
    question=ask_before(selection.RELEASE, "Release"),
    needs_yes=needs_yes(selection.RELEASE),
    description=(
        "If one of the named jobs runs or has ended, none is released; jobs that wait without being held are left as "
        "they are. A job whose retry is not due yet waits for it."
    ),
    examples=("release job1 job2", "release --all"),
)
PRIORITY = Operation(
    name="priority",
    heading=Heading.JOBS,
    see=("edit", "list"),
    summary="Change the priority of waiting jobs",
    params=Priority,
    run=priority,
    question=ask_before(selection.PRIORITY, "Change the priority of"),
    needs_yes=needs_yes(selection.PRIORITY),
    description="If one of the named jobs does not wait, none is changed.",
    examples=("priority job1 job2 10", "priority job1 -5", "priority 100 --tag urgent"),
)
