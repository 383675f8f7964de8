"""Jobs that were retried; also the view of other operations that change the state of jobs."""

from __future__ import annotations

from queuectl.cli.views.offer_undo import offer_undo
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.cli.screen import Screen
    from queuectl.operations.changed import Changed


def states(result: Changed, _params: Any, screen: Screen) -> None:
    """Print the ID and the state of each job."""
    for each in result:
        screen.write(f"{safe(each.job.id)} {each.job.state}\n")
    offer_undo(result, screen)


VIEWS = {"retry": states}
