"""Jobs that were held, released or given another priority."""

from __future__ import annotations

from queuectl.cli.views.offer_undo import offer_undo
from queuectl.cli.views.retry import states
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.changed import Changed
    from queuectl.operations.hold import Priority


def priority(result: Changed, _params: Priority, screen: Screen) -> None:
    """Print the ID and the priority of each job."""
    for each in result:
        screen.write(f"{safe(each.job.id)} priority {each.job.priority}\n")
    offer_undo(result, screen)


VIEWS = {"hold": states, "release": states, "priority": priority}
