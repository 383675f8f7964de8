"""Jobs that were held, released or given another priority."""

from __future__ import annotations

from queuectl.cli.views.changes import offer_undo, retry
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.changes import Changed
    from queuectl.operations.hold import Priority


def priority(result: Changed, _params: Priority, screen: Screen) -> None:
    """A line for each."""
    for each in result:
        screen.write(f"{safe(each.job.id)} priority {each.job.priority}\n")
    offer_undo(result, screen)


VIEWS = {"hold": retry, "release": retry, "priority": priority}
