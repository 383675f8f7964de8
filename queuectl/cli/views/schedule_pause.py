"""Schedules that were paused or resumed."""

from __future__ import annotations

from queuectl.cli.views.schedule_add import timed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.schedules import ScheduleRecord


def each_timed(result: list[ScheduleRecord], params: object, screen: Screen) -> None:
    """Print a line for each schedule."""
    for each in result:
        timed(each, params, screen)


VIEWS = {"schedule pause": each_timed, "schedule resume": each_timed}
