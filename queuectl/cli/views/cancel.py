"""Jobs that were cancelled."""

from __future__ import annotations

from queuectl.cli.views.offer_undo import offer_undo
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.cancel import Cancel
    from queuectl.operations.changed import Changed


def cancel(result: Changed, _params: Cancel, screen: Screen) -> None:
    """Print a line for each job: cancelled, or cancelling while its processes still run."""
    for each in result:
        ending = each.job.cancel_requested and each.job.finished_at is None
        screen.write(f"{safe(each.job.id)} {'cancelling' if ending else each.job.state}\n")
    offer_undo(result, screen)


VIEWS = {"cancel": cancel}
