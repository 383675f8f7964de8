"""The state of an edited job."""

from __future__ import annotations

from queuectl.cli.views.offer_undo import offer_undo
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.edit import Edit, Edited


def edit(result: Edited, _params: Edit, screen: Screen) -> None:
    """Print the state of the job and the keys that were changed."""
    job = result.record.job
    changed = f" ({', '.join(result.changed)} changed)" if result.changed else ""
    screen.write(f"{safe(job.id)} {job.state}{changed}\n")
    offer_undo(result, screen)


VIEWS = {"edit": edit}
