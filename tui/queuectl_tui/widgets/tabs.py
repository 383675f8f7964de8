"""The tabs: the views with their numbers and counts, and the saved view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from queuectl.domain.text import one_line
from queuectl_tui.places import PLACES
from queuectl_tui.widgets.lines import Drawing, length_of, spread_out

if TYPE_CHECKING:
    from textual import events

    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.widgets.lines import Line, Piece


class Tabs(Drawing):
    """One line; a click opens a view."""

    DEFAULT_CSS = "Tabs { height: 1; width: 1fr; }"

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class SavedWanted(Message):
        """The name of the saved view was clicked."""

    def __init__(self, *, id: str | None = None) -> None:
        """Create the tabs with the first view active."""
        super().__init__(id=id)
        self._counts: dict[str, str] = {}
        self._urgent = False
        self._view = ""
        self.active = PLACES[0].name

    def show(self, snapshot: Snapshot) -> None:
        """Show the counts of a snapshot."""
        dead = snapshot.counts.get("dead", 0)
        counts = {
            "jobs": number(snapshot.total),
            "workers": str(len(snapshot.workers)),
            "dead": f"{number(dead)}!" if dead else "0",
        }
        if counts != self._counts:
            self._counts = counts
            self.redraw()

    def choose(self, name: str) -> None:
        """Mark another view as active."""
        self.active = name
        self.redraw()

    def show_saved_view(self, name: str) -> None:
        """Show the name of the current saved view; "" for none."""
        if name != self._view:
            self._view = name
            self.redraw()

    def _view_line(self, width: int) -> Line:
        if not self._view:
            return ()
        return ((f"{'view: ' if width >= 100 else ''}{one_line(self._view, 20)} ▾ ", "accent"),)

    def lines(self, width: int, height: int) -> list[Line]:
        """Return the line."""
        del height
        pieces: list[Piece] = [(" ", "text")]
        for place in PLACES:
            title = place.title if width >= 100 else place.short
            count = self._counts.get(place.name, "")
            active = place.name == self.active
            pieces.append((f" {place.number} ", "tab-key" if active else "key"))
            pieces.append((f"{title} ", "tab" if active else "text"))
            if count:
                role = "dead" if count.endswith("!") else "dim"
                pieces.append((f"{count} ", "tab" if active and role == "dim" else role))
            pieces.append(("  " if width >= 100 else "", "text"))
        return [spread_out(tuple(pieces), self._view_line(width), width)]

    def on_click(self, event: events.Click) -> None:
        """Open the view that was clicked, or the saved views."""
        width = self.size.width
        if self._view and event.x >= width - length_of(self._view_line(width)):
            self.post_message(self.SavedWanted())
            return
        at = 0
        name = ""
        for text, _ in self.lines(self.size.width, 1)[0]:
            found = [place.name for place in PLACES if text == f" {place.number} "]
            name = found[0] if found else name
            at += len(text)
            if event.x < at:
                break
        if name:
            self.post_message(self.Chosen(name))


def number(count: int) -> str:
    """Format a count as `999`, `12,481`, `103k`, `1.2M`: at most six characters."""
    if count < 100_000:
        return f"{count:,}"
    return f"{count // 1000}k" if count < 1_000_000 else f"{count / 1_000_000:.1f}M"
