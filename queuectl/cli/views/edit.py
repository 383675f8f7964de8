"""The state of an edited job."""

from __future__ import annotations

from queuectl.cli.views.offer_undo import offer_undo
from queuectl.cli.views.retry import states
from queuectl.domain.text import safe
from queuectl.operations.changed import Changed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.edit import Edit, Edited


def edit(result: Edited | Changed, params: Edit, screen: Screen) -> None:
    """Print the state of the job and the keys that were changed; of several jobs what other verbs print."""
    if isinstance(result, Changed):
        states(result, params, screen)
        return
    job = result.record.job
    changed = f" ({', '.join(result.changed)} changed)" if result.changed else ""
    screen.write(f"{safe(job.id)} {job.state}{changed}\n")
    offer_undo(result, screen)


VIEWS = {"edit": edit}
