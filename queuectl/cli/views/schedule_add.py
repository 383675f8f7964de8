"""A schedule that was added or changed."""

from __future__ import annotations

from queuectl.cli.views.schedules import written
from queuectl.domain.local_time import format_local
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.schedules import ScheduleRecord


def timed(result: ScheduleRecord, _params: object, screen: Screen) -> None:
    """Print when the schedule fires, and when next."""
    of = result.schedule
    if of.pause is not None:
        when = "paused"
    else:
        when = "never fires" if of.next_at is None else f"next {format_local(of.next_at)}"
    zone = "" if of.timing.zone is None else f" in {of.timing.zone}"
    screen.write(f"{safe(of.name)} {safe(written(of.timing) + zone)}, {when}\n")


VIEWS = {"schedule add": timed, "schedule edit": timed}
