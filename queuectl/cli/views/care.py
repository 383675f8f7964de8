"""The doctor's findings, and a backup's name."""

from __future__ import annotations

from queuectl.cli.render import GREEN, RED, painted
from queuectl.domain.quantity import format_bytes
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.care import Backup, Doctor, Examined, Saved


def doctor(result: Examined, _params: Doctor, screen: Screen) -> None:
    """A line for each, and the cure under what needs one."""
    for finding in result.findings:
        mark = painted("ok     ", GREEN, screen) if finding.cure is None else painted("problem", RED, screen)
        screen.write(f"{mark}  {safe(finding.name)}: {safe(finding.detail)}\n")
        if finding.cure is not None:
            screen.write(f"         cure: {safe(finding.cure)}\n")


def backup(result: Saved, _params: Backup, screen: Screen) -> None:
    """Where it is."""
    screen.write(f"{safe(result.path)}\n")
    screen.say(f"{format_bytes(result.bytes)} copied")


VIEWS = {"doctor": doctor, "backup": backup}
