"""A list of lines whose cursor and marks are row keys, so that rows added or removed above do not move them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView

from queuectl.domain.record import record
from queuectl_tui.keymap import bindings, of_scope
from queuectl_tui.widgets.lines import paint_of, painted, table_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual import events
    from textual.binding import BindingType
    from textual.strip import Strip

    from queuectl_tui.widgets.lines import Column, Line, Piece

_GUTTER = 2
HANDLED = frozenset(
    {
        "list.down",
        "list.up",
        "list.page_down",
        "list.page_up",
        "list.top",
        "list.end",
        "list.open",
        "list.mark",
        "list.all",
    }
)
"""The keys of `list` that it handles."""
NOT_HANDLED = frozenset(each.id for each in of_scope("list")) - HANDLED


@record
class Row:
    """A row: its key, and its cells by column."""

    key: str
    columns: tuple[Column, ...]
    cells: tuple[Piece, ...]
    indent: int = 0
    can_mark: bool = True


class LineList(ScrollView, can_focus=True):
    """The list. It does not depend on what its rows represent."""

    DEFAULT_CSS = """
    LineList { height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("list", but=NOT_HANDLED)

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, sender: LineList, key: str | None) -> None:
            """Report the cursor on `key`; None when the list is empty."""
            super().__init__()
            self.list = sender
            self.key = key

    class Opened(Message):
        """A row was opened, by enter or a double click."""

        def __init__(self, sender: LineList, key: str) -> None:
            """Report that row `key` was opened."""
            super().__init__()
            self.list = sender
            self.key = key

    class Marked(Message):
        """The marks have changed."""

    def __init__(self, *, empty: str = "nothing here", id: str | None = None) -> None:
        """Create a list; `empty` is shown without rows."""
        super().__init__(id=id)
        self.empty = empty
        self.marks: set[str] = set()
        self._rows: list[Row] = []
        self._places: dict[str, int] = {}
        self._cursor: str | None = None
        self._ghost: str | None = None

    @property
    def cursor(self) -> str | None:
        """The key of the row under the cursor; None too if that row has disappeared and only its ghost is shown."""
        return None if self._cursor == self._ghost else self._cursor

    @property
    def keys(self) -> list[str]:
        """The keys of all rows, in the order shown."""
        return [row.key for row in self._rows if row.key != self._ghost]

    @property
    def cursor_departed(self) -> bool:
        """Whether the row under the cursor has disappeared."""
        return self._ghost is not None

    def show(self, rows: Sequence[Row], *, ghosts: bool = True) -> None:
        """Show these rows.

        The cursor stays on its row; if that has disappeared, its ghost stays until the next move. Without `ghosts` the
        cursor then goes to the first row, because the operator has asked for another list.
        """
        shown = list(rows)
        keys = {row.key for row in shown}
        place = self._places.get(self._cursor) if self._cursor is not None else None
        old_ghost, self._ghost = self._ghost, None
        if place is not None and self._cursor not in keys and ghosts:
            departed = self._rows[place]
            self._ghost = departed.key
            shown.insert(min(place, len(shown)), departed)
        self.marks &= keys
        if shown == self._rows and old_ghost == self._ghost:
            return
        top = self.scroll_offset.y
        # If the cursor was scrolled out of view with the wheel, the view stays where it is.
        in_sight = place is None or top <= place < top + max(self.size.height, 1)
        shift = self._put(shown, place)
        if self._cursor is None and shown:
            self._cursor = shown[0].key
            self.post_message(self.Moved(self, self._cursor))
        if shift and self.scroll_offset.y:
            # Rows were added or removed above: keep the visible rows where they are.
            self.scroll_to(y=max(self.scroll_offset.y + shift, 0), animate=False, immediate=True)
        if in_sight:
            self._keep_in_sight()
        self.refresh()

    def _put(self, rows: list[Row], place: int | None) -> int:
        """Replace the rows; return by how many places the cursor's row has moved."""
        self._rows = rows
        self._places = {row.key: number for number, row in enumerate(rows)}
        self.virtual_size = Size(self.size.width, len(rows))
        now = self._places.get(self._cursor) if self._cursor is not None else None
        if now is None and self._cursor is not None:
            self._cursor = None
        return 0 if place is None or now is None else now - place

    def clear_marks(self) -> None:
        """Clear all marks."""
        if self.marks:
            self.marks = set()
            self.post_message(self.Marked())
            self.refresh()

    def go_to(self, key: str) -> None:
        """Move the cursor to a row, if it exists."""
        place = self._places.get(key)
        if place is not None:
            self._go(place)

    def _go(self, place: int) -> None:
        if not self._rows:
            return
        key = self._rows[max(min(place, len(self._rows) - 1), 0)].key
        if self._ghost is not None and key != self._ghost:
            remaining = [row for row in self._rows if row.key != self._ghost]
            self._ghost = None
            self._cursor = key
            self._put(remaining, None)
        moved = key != self._cursor
        self._cursor = key
        self._keep_in_sight()
        self.refresh()
        if moved or self._ghost is None:
            self.post_message(self.Moved(self, key))

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self._go(self._places.get(self._cursor or "", -1) + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by screens."""
        self.action_move(by * max(self.size.height - 1, 1))

    def action_top(self) -> None:
        """Move to the first row."""
        self._go(0)

    def action_end(self) -> None:
        """Move to the last row."""
        self._go(len(self._rows) - 1)

    def action_all(self) -> None:
        """Mark every row, or clear the marks if all are marked."""
        markable = {row.key for row in self._rows if row.can_mark and row.key != self._ghost}
        self.marks = set() if markable <= self.marks else markable
        self.post_message(self.Marked())
        self.refresh()

    def action_open(self) -> None:
        """Report that the row under the cursor is opened."""
        if self.cursor is not None:
            self.post_message(self.Opened(self, self.cursor))

    def action_mark(self) -> None:
        """Mark or unmark the row, and move to the next."""
        if self.cursor is None:
            return
        if self._rows[self._places[self.cursor]].can_mark:
            self.marks ^= {self.cursor}
            self.post_message(self.Marked())
        self.action_move(1)

    def on_click(self, event: events.Click) -> None:
        """Select the clicked row; a double click opens it."""
        place = event.y + self.scroll_offset.y
        if place < len(self._rows):
            self._go(place)
            if event.chain == 2:
                self.action_open()

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.virtual_size = Size(self.size.width, len(self._rows))
        self._keep_in_sight()

    def _keep_in_sight(self) -> None:
        """Scroll as little as needed to show the cursor; after the layout, if that is pending."""
        if self._cursor in self._places:
            region = Region(0, self._places[self._cursor], 1, 1)
            self.scroll_to_region(region, animate=False, immediate=self.allow_vertical_scroll, x_axis=False)

    def on_focus(self) -> None:
        """Repaint the cursor, which is styled by focus."""
        self.refresh()

    def on_blur(self) -> None:
        """Repaint the cursor, which is styled by focus."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return a row, or a line of the empty text."""
        width = self.size.width
        place = y + self.scroll_offset.y
        if not self._rows:
            middle = max(self.size.height // 2 - 1, 0)
            lines = self.empty.split("\n")
            text = lines[y - middle] if 0 <= y - middle < len(lines) else ""
            return painted(self, ((text.center(width), "dim"),), width)
        if place >= len(self._rows):
            return painted(self, (), width)
        row = self._rows[place]
        return painted(self, self._line_of(row), width, self._over(row))

    def _line_of(self, row: Row) -> Line:
        here, marked = row.key == self._cursor, row.key in self.marks
        gutter = (">" if here else " ") + ("*" if marked else " ")
        # A scrollbar is always allowed for, so that nothing moves when one appears.
        width = self.outer_size.width - 1 - _GUTTER - row.indent
        cells = table_line(row.columns, row.cells, width)
        return ((gutter + " " * row.indent, "marked" if marked else "accent"), *cells)

    def _over(self, row: Row) -> Style | None:
        paint = paint_of(self)
        if row.key != self._cursor:
            return None
        over = paint("cursor" if self.has_focus else "cursor-idle")
        return over + paint("ghost") if row.key == self._ghost else over
