"""What was done to jobs."""

from __future__ import annotations

from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.cli.screen import Screen
    from queuectl.operations.changes import Changed, Deleted
    from queuectl.operations.edit import Edited


def cancel(result: Changed, _params: Any, screen: Screen) -> None:
    """A line for each: cancelled, or asked to end."""
    for each in result:
        ending = each.job.cancel_requested and each.job.finished_at is None
        screen.write(f"{safe(each.job.id)} {'cancelling' if ending else each.job.state}\n")
    offer_undo(result, screen)


def retry(result: Changed, _params: Any, screen: Screen) -> None:
    """A line for each."""
    for each in result:
        screen.write(f"{safe(each.job.id)} {each.job.state}\n")
    offer_undo(result, screen)


def deleted(result: Deleted, _params: Any, screen: Screen) -> None:
    """How many."""
    screen.write(f"{result.deleted} {'job' if result.deleted == 1 else 'jobs'} deleted\n")
    offer_undo(result, screen)


def offer_undo(result: Changed | Deleted | Edited, screen: Screen) -> None:
    """Tell a person how to take it back; a script knows what it does. That nothing does is told to everybody."""
    if result.undo is not None and screen.has_person:
        screen.say(f"to take it back: queuectl undo {result.undo}")
    if result.too_much:
        screen.say("too many to undo: this cannot be taken back")


VIEWS = {"cancel": cancel, "retry": retry, "delete": deleted, "prune": deleted}
