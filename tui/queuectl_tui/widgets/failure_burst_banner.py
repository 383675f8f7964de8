"""The line that tells of a storm: many jobs of a queue that fail just now with the same error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.text import one_line
from queuectl_tui.widgets.lines import Drawing, fitted, length_of

if TYPE_CHECKING:
    from queuectl.store.recent import Storm
    from queuectl_tui.widgets.lines import Line


class StormBanner(Drawing):
    """One line, and none while there is no storm. It never takes the focus."""

    DEFAULT_CSS = "StormBanner { height: 1; width: 1fr; display: none; }"

    def __init__(self, *, id: str | None = None) -> None:
        """No storm."""
        super().__init__(id=id)
        self.storm: Storm | None = None
        self._key = ""

    def show(self, storm: Storm | None, key: str) -> None:
        """Tell of it; `key` holds what waits in its queue, "" where nothing may be changed."""
        if (storm, key) != (self.storm, self._key):
            self.storm, self._key = storm, key
            self.display = storm is not None
            self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        """What fails, and what can be done about it, which is never cut off."""
        del height
        storm = self.storm
        if storm is None:
            return []
        queue = one_line(storm.queue, 20)
        right: Line = (("esc", "key"), (" hides ", "dim"))
        if self._key:
            right = ((self._key, "key"), (f" holds queue {queue}  ", "text"), *right)
        count = f"{storm.jobs}{'+' * (storm.jobs >= MANY)}"
        told = f"{count} jobs failed in 2 min in {queue}, same error: {one_line(storm.text, 200)}"
        if width < 100:
            told = f"{count} failed in 2 min: {one_line(storm.text, 200)}"
        room = max(width - length_of(right) - 5, 0)
        return [((" ! ", "error"), (fitted(told, room), "warning"), ("  ", "text"), *right)]


MANY = 400
"""As many as are looked at: there may be more."""
