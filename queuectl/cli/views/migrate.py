"""The new location of a migrated store, and the next steps."""

from __future__ import annotations

from queuectl.domain.text import safe
from queuectl.domain.units import format_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.migrate import Migrate, Moved


def migrate(result: Moved, _params: Migrate, screen: Screen) -> None:
    """Print the URL of the new store; the counts and the next steps go to stderr."""
    rows = result.contents.rows
    screen.write(f"{safe(result.new)}\n")
    screen.say(
        f"copied and counted: jobs {rows['jobs']:,}, attempts {rows['runs']:,}, "
        f"output {format_bytes(result.contents.bytes[0])}, events {rows['events']:,}"
    )
    screen.say(f"next: set QUEUECTL_DB to this URL, start workers there, and move {safe(result.old)} away")


VIEWS = {"migrate": migrate}
