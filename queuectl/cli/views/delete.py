"""Jobs that were deleted."""

from __future__ import annotations

from queuectl.cli.views.offer_undo import offer_undo
from queuectl.cli.views.retry import summary
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.cli.screen import Screen
    from queuectl.operations.changed import Changed


def deleted(result: Changed, params: Any, screen: Screen) -> None:
    """Print how many jobs were deleted, or their IDs."""
    if getattr(params, "print_ids", False):
        for id_ in result.ids or ():
            screen.write(f"{safe(id_)}\n")
    else:
        screen.write(f"{summary(result)}\n")
    offer_undo(result, screen)


VIEWS = {"delete": deleted, "prune": deleted}
