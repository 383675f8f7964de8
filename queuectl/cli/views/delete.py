"""Jobs that were deleted."""

from __future__ import annotations

from queuectl.cli.views.offer_undo import offer_undo
from queuectl.domain.phrases import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.cli.screen import Screen
    from queuectl.operations.delete import Deleted


def deleted(result: Deleted, _params: Any, screen: Screen) -> None:
    """Print how many jobs were deleted."""
    screen.write(f"{result.deleted} {plural(result.deleted, 'job')} deleted\n")
    offer_undo(result, screen)


VIEWS = {"delete": deleted, "prune": deleted}
