"""A job that a schedule has enqueued now, and a schedule that was deleted."""

from __future__ import annotations

from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.schedule_run import DeleteSchedule, EnqueuedNow, RunSchedule
    from queuectl.operations.schedules import ScheduleRecord


def enqueued(result: EnqueuedNow, _params: RunSchedule, screen: Screen) -> None:
    """Print the ID of the job, alone on its line."""
    screen.write(f"{safe(result.id)}\n")


def deleted(result: ScheduleRecord, _params: DeleteSchedule, screen: Screen) -> None:
    """Print the name of the deleted schedule."""
    screen.write(f"{safe(result.schedule.name)} deleted\n")


VIEWS = {"schedule run": enqueued, "schedule delete": deleted}
