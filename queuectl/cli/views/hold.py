"""Jobs that were held, released or given another priority."""

from __future__ import annotations

from queuectl.cli.views.retry import changed, states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.changed import Changed
    from queuectl.operations.hold import Priority


def priority(result: Changed, params: Priority, screen: Screen) -> None:
    """Print the priority of each job."""
    changed(result, params, screen, lambda each: f"priority {each.job.priority}")


VIEWS = {"hold": states, "release": states, "priority": priority}
