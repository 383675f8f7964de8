"""Enqueue the job of a schedule now, and delete a schedule."""

from __future__ import annotations

from queuectl.domain.record import field, record
from queuectl.operations.document import Document
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.schedules import existing, missing, recorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.schedule import Schedule
    from queuectl.operations.context import Context
    from queuectl.operations.schedules import ScheduleRecord


@record
class RunSchedule:
    """Parameters of `schedule run`."""

    name: str = field("the schedule", metavar="NAME", completes="schedules", positional=True)


@record
class DeleteSchedule:
    """Parameters of `schedule delete`."""

    name: str = field("the schedule", metavar="NAME", completes="schedules", positional=True)


@record
class EnqueuedNow(Document):
    """The job that a schedule has enqueued by hand."""

    schedule: str
    """The schedule."""
    id: str
    """The ID of the job."""


def run(context: Context, params: RunSchedule) -> EnqueuedNow:
    """Enqueue the job of a schedule now; its times stay as they are. Raises NotFound."""
    schedule = existing(context, params.name)
    fired = context.store.schedules.run(schedule, max_retries=context.settings.max_retries, now=context.now())
    context.ring_for_jobs(fired.new)
    return EnqueuedNow(schedule=schedule.name, id=fired.ids[0])


def delete(context: Context, params: DeleteSchedule) -> ScheduleRecord:
    """Delete a schedule; the jobs that it has enqueued stay. Raises NotFound."""
    now = context.now()

    def deleted(there: Schedule | None) -> None:
        if there is None:
            raise missing(params.name)

    with context.store.undo.keeping("schedule delete", now=now):
        before, _ = context.store.schedules.change(params.name, deleted, verb="schedule_delete", now=now)
    if before is None:
        raise missing(params.name)
    return recorded(context, before)


RUN = Operation(
    name="schedule run",
    heading=Heading.SCHEDULES,
    see=("schedule show",),
    summary="Enqueue the job of a schedule now, once",
    params=RunSchedule,
    run=run,
    description="Also while it is paused, or while the job before runs. Its times stay as they are.",
    examples=("schedule run nightly",),
)
DELETE = Operation(
    name="schedule delete",
    heading=Heading.SCHEDULES,
    see=("schedule pause", "schedule list"),
    summary="Delete a schedule; its jobs stay",
    params=DeleteSchedule,
    run=delete,
    examples=("schedule delete nightly",),
)
