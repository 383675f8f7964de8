"""The lines on stderr after a change: how to undo it, or that it cannot be undone."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.changed import Changed
    from queuectl.operations.edit import Edited


def offer_undo(result: Changed | Edited, screen: Screen) -> None:
    """Print the undo command for a person only; that there is no undo is printed for scripts too."""
    if result.undo is not None and screen.has_person:
        screen.say(f"to undo: queuectl undo {result.undo}")
    if result.too_much:
        screen.say("this cannot be undone: too many jobs, or too much data, for an undo to keep")
