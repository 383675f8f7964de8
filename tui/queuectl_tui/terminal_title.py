"""The title of the terminal: how many jobs run and are dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.text import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.snapshot import Snapshot

_SAVE, _RESTORE = "\x1b[22;2t", "\x1b[23;2t"


class TerminalTitle:
    """Sets the title, and restores the one before at the end."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """Send sequences to the terminal with `write`."""
        self._write = write
        self._shown = ""

    def show(self, snapshot: Snapshot) -> None:
        """Set the title, if it has changed."""
        counts = snapshot.counts
        title = f"{counts.get('processing', 0)} running, {counts.get('dead', 0)} dead - queuectl"
        if title != self._shown:
            if not self._shown:
                self._write(_SAVE)
            self._shown = title
            self._write(f"\x1b]2;{safe(title)}\x07")

    def restore(self) -> None:
        """Restore the title from before the console."""
        if self._shown:
            self._write(_RESTORE)
