"""Number of jobs in each state, and the finished attempts of the last hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from queuectl_tui.theme import STATE_STYLE
from queuectl_tui.widgets.lines import Drawing, length_of, paint_of
from queuectl_tui.widgets.tabs import number

if TYPE_CHECKING:
    from textual import events

    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.widgets.lines import Line, Piece

_ORDER = ("pending", "processing", "failed", "completed", "dead", "cancelled", "held")


class Counters(Drawing):
    """One line; a click on a state filters by it."""

    DEFAULT_CSS = "Counters { height: 1; width: 1fr; }"

    class Chosen(Message):
        """A state was clicked."""

        def __init__(self, state: str) -> None:
            super().__init__()
            self.state = state

    def __init__(self, *, id: str | None = None) -> None:
        """Create the line without counts."""
        super().__init__(id=id)
        self._counts: dict[str, int] = {}
        self._finished: tuple[int, ...] = ()

    def show(self, snapshot: Snapshot) -> None:
        """Show the counts of a snapshot."""
        if (snapshot.counts, snapshot.finished) != (self._counts, self._finished):
            self._counts, self._finished = dict(snapshot.counts), snapshot.finished
            self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        """Return the line."""
        del height
        line: Line = ((" ", "text"),)
        for state, pieces in self._pieces(words=width >= 96):
            del state
            line += pieces
        spark_width = min(width - length_of(line) - 6, 30)
        if spark_width >= 8 and any(self._finished):
            spark = paint_of(self).spark(self._finished, spark_width)
            gap = width - length_of(line) - len(spark) - 4
            line += ((" " * max(gap, 1), "text"), (spark, "bar"), (" 1h", "dim"))
        return [line]

    def _pieces(self, *, words: bool) -> list[tuple[str, tuple[Piece, ...]]]:
        pieces: list[tuple[str, tuple[Piece, ...]]] = []
        for state in _ORDER:
            count = self._counts.get(state, 0)
            if state == "held" and not count:
                continue
            glyph, word, role = STATE_STYLE[state]
            shown = role if count else "faint"
            text = f"{glyph} {word} " if words else f"{glyph} "
            gap: Piece = ("   " if words else "  ", "text")
            pieces.append((state, ((text, shown), (number(count), "text" if count else "faint"), gap)))
        return pieces

    def on_click(self, event: events.Click) -> None:
        """Filter by the state that was clicked."""
        at = 1
        for state, pieces in self._pieces(words=self.size.width >= 96):
            at += length_of(pieces)
            if event.x < at:
                self.post_message(self.Chosen(state))
                return
