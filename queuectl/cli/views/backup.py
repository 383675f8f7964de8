"""The path and the size of a backup."""

from __future__ import annotations

from queuectl.domain.text import safe
from queuectl.domain.units import format_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.backup import Backup, Saved


def backup(result: Saved, _params: Backup, screen: Screen) -> None:
    """Print the path; the size goes to stderr."""
    screen.write(f"{safe(result.path)}\n")
    screen.say(f"{format_bytes(result.size_bytes)} copied")


VIEWS = {"backup": backup}
