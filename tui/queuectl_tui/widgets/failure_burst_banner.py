"""Banner of a failure burst: many jobs of a queue that fail with the same error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.text import one_line
from queuectl_tui.widgets.lines import Drawing, fitted, length_of

if TYPE_CHECKING:
    from queuectl.store.recent import FailureBurst
    from queuectl_tui.widgets.lines import Line


class FailureBurstBanner(Drawing):
    """One line, or none without a failure burst. It never takes the focus."""

    DEFAULT_CSS = "FailureBurstBanner { height: 1; width: 1fr; display: none; }"

    def __init__(self, *, id: str | None = None) -> None:
        """Create a hidden banner."""
        super().__init__(id=id)
        self.burst: FailureBurst | None = None
        self._key = self._hide_key = ""

    def show(self, burst: FailureBurst | None, key: str, hide_key: str) -> None:
        """Show a failure burst.

        `key` pauses its queue; it is empty if the console is read-only. `hide_key` hides the banner.
        """
        if (burst, key, hide_key) != (self.burst, self._key, self._hide_key):
            self.burst, self._key, self._hide_key = burst, key, hide_key
            self.display = burst is not None
            self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        """Return the failing queue, and the available keys, which are never cut off."""
        del height
        burst = self.burst
        if burst is None:
            return []
        queue = one_line(burst.queue, 20)
        right: Line = ((self._hide_key, "key"), (" hides ", "dim"))
        if self._key:
            right = ((self._key, "key"), (f" pauses queue {queue}  ", "text"), *right)
        count = f"{burst.jobs}{'+' * (burst.jobs >= MANY)}"
        text = f"{count} jobs failed in 2 min in {queue}, same error: {one_line(burst.text, 200)}"
        if width < 100:
            text = f"{count} failed in 2 min: {one_line(burst.text, 200)}"
        text_width = max(width - length_of(right) - 5, 0)
        return [((" ! ", "error"), (fitted(text, text_width), "warning"), ("  ", "text"), *right)]


MANY = 400
"""Maximum number of failures that are read; there may be more."""
