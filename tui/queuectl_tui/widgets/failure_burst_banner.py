"""Banner of a failure burst: many jobs of a queue that fail with the same error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.text import one_line
from queuectl_tui.widgets.lines import Drawing, fitted, length_of

if TYPE_CHECKING:
    from queuectl.store.recent import Storm
    from queuectl_tui.widgets.lines import Line


class StormBanner(Drawing):
    """One line, or none without a failure burst. It never takes the focus."""

    DEFAULT_CSS = "StormBanner { height: 1; width: 1fr; display: none; }"

    def __init__(self, *, id: str | None = None) -> None:
        """Create a hidden banner."""
        super().__init__(id=id)
        self.storm: Storm | None = None
        self._key = ""

    def show(self, storm: Storm | None, key: str) -> None:
        """Show a failure burst.

        `key` holds the waiting jobs of its queue; it is empty if the console is read-only.
        """
        if (storm, key) != (self.storm, self._key):
            self.storm, self._key = storm, key
            self.display = storm is not None
            self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        """Return the failing queue, and the available keys, which are never cut off."""
        del height
        storm = self.storm
        if storm is None:
            return []
        queue = one_line(storm.queue, 20)
        right: Line = (("esc", "key"), (" hides ", "dim"))
        if self._key:
            right = ((self._key, "key"), (f" holds queue {queue}  ", "text"), *right)
        count = f"{storm.jobs}{'+' * (storm.jobs >= MANY)}"
        text = f"{count} jobs failed in 2 min in {queue}, same error: {one_line(storm.text, 200)}"
        if width < 100:
            text = f"{count} failed in 2 min: {one_line(storm.text, 200)}"
        text_width = max(width - length_of(right) - 5, 0)
        return [((" ! ", "error"), (fitted(text, text_width), "warning"), ("  ", "text"), *right)]


MANY = 400
"""Maximum number of failures that are read; there may be more."""
