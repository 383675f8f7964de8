"""A list of lines whose cursor and marks are keys, so that rows which come and go above it never move it elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView

from queuectl_tui.keymap import bindings, of_scope
from queuectl_tui.widgets.lines import paint_of, painted, table_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style
    from textual import events
    from textual.binding import BindingType
    from textual.strip import Strip

    from queuectl_tui.widgets.lines import Column, Line, Piece

_GUTTER = 2
OURS = frozenset(
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
"""The keys of a list that it has."""
_NOT_OURS = frozenset(each.id for each in of_scope("list")) - OURS


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row: its key, and what it looks like in columns."""

    key: str
    columns: tuple[Column, ...]
    cells: tuple[Piece, ...]
    indent: int = 0
    can_mark: bool = True


class LineList(ScrollView, can_focus=True):
    """The list. It knows nothing of what its rows stand for."""

    DEFAULT_CSS = """
    LineList { height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings("list", but=_NOT_OURS)

    class Moved(Message):
        """The cursor is at another row."""

        def __init__(self, sender: LineList, key: str | None) -> None:
            """At `key`; None when the list is empty."""
            super().__init__()
            self.list = sender
            self.key = key

    class Opened(Message):
        """Enter, or a double click."""

        def __init__(self, sender: LineList, key: str) -> None:
            """On the row `key`."""
            super().__init__()
            self.list = sender
            self.key = key

    class Marked(Message):
        """The marks have changed."""

    def __init__(self, *, empty: str = "nothing here", id: str | None = None) -> None:
        """`empty` is what stands there without rows."""
        super().__init__(id=id)
        self.empty = empty
        self.marks: set[str] = set()
        self._rows: list[Row] = []
        self._places: dict[str, int] = {}
        self._cursor: str | None = None
        self._ghost: str | None = None

    @property
    def cursor(self) -> str | None:
        """The key of the row under the cursor; None too when that row has gone and only its ghost is shown."""
        return None if self._cursor == self._ghost else self._cursor

    @property
    def keys(self) -> list[str]:
        """Of all rows, as they are shown."""
        return [row.key for row in self._rows if row.key != self._ghost]

    @property
    def haunted(self) -> bool:
        """Whether the row under the cursor has gone."""
        return self._ghost is not None

    def show(self, rows: Sequence[Row], *, ghosts: bool = True) -> None:
        """Show these rows. The cursor stays at its row; if that has gone, its ghost stays until the next move.

        Without `ghosts` the cursor goes to the first row then: the operator has asked for another list.
        """
        made = list(rows)
        keys = {row.key for row in made}
        place = self._places.get(self._cursor) if self._cursor is not None else None
        haunted, self._ghost = self._ghost, None
        if place is not None and self._cursor not in keys and ghosts:
            parted = self._rows[place]
            self._ghost = parted.key
            made.insert(min(place, len(made)), parted)
        self.marks &= keys
        if made == self._rows and haunted == self._ghost:
            return
        top = self.scroll_offset.y
        # Whoever has scrolled away from the cursor with the wheel is left there.
        in_sight = place is None or top <= place < top + max(self.size.height, 1)
        shift = self._put(made, place)
        if self._cursor is None and made:
            self._cursor = made[0].key
            self.post_message(self.Moved(self, self._cursor))
        if shift and self.scroll_offset.y:
            # Rows came or went above: what the eye rests on stays where it is.
            self.scroll_to(y=max(self.scroll_offset.y + shift, 0), animate=False, immediate=True)
        if in_sight:
            self._keep_in_sight()
        self.refresh()

    def _put(self, rows: list[Row], place: int | None) -> int:
        """Take rows over; by how much the cursor's row has moved."""
        self._rows = rows
        self._places = {row.key: number for number, row in enumerate(rows)}
        self.virtual_size = Size(self.size.width, len(rows))
        now = self._places.get(self._cursor) if self._cursor is not None else None
        if now is None and self._cursor is not None:
            self._cursor = None
        return 0 if place is None or now is None else now - place

    def clear_marks(self) -> None:
        """Take all marks away."""
        if self.marks:
            self.marks = set()
            self.post_message(self.Marked())
            self.refresh()

    def go_to(self, key: str) -> None:
        """Move the cursor to a row, if it is there."""
        place = self._places.get(key)
        if place is not None:
            self._go(place)

    def _go(self, place: int) -> None:
        if not self._rows:
            return
        key = self._rows[max(min(place, len(self._rows) - 1), 0)].key
        if self._ghost is not None and key != self._ghost:
            left = [row for row in self._rows if row.key != self._ghost]
            self._ghost = None
            self._cursor = key
            self._put(left, None)
        moved = key != self._cursor
        self._cursor = key
        self._keep_in_sight()
        self.refresh()
        if moved or self._ghost is None:
            self.post_message(self.Moved(self, key))

    def action_move(self, by: int) -> None:
        """Some rows on."""
        self._go(self._places.get(self._cursor or "", -1) + by)

    def action_page(self, by: int) -> None:
        """A screenful on."""
        self.action_move(by * max(self.size.height - 1, 1))

    def action_top(self) -> None:
        """The first row."""
        self._go(0)

    def action_end(self) -> None:
        """The last row."""
        self._go(len(self._rows) - 1)

    def action_all(self) -> None:
        """Mark every row, or take all marks away when all have one."""
        able = {row.key for row in self._rows if row.can_mark and row.key != self._ghost}
        self.marks = set() if able <= self.marks else able
        self.post_message(self.Marked())
        self.refresh()

    def action_open(self) -> None:
        """Say that the row is wanted."""
        if self.cursor is not None:
            self.post_message(self.Opened(self, self.cursor))

    def action_mark(self) -> None:
        """Mark the row or take the mark away, and go on to the next."""
        if self.cursor is None:
            return
        if self._rows[self._places[self.cursor]].can_mark:
            self.marks ^= {self.cursor}
            self.post_message(self.Marked())
        self.action_move(1)

    def on_click(self, event: events.Click) -> None:
        """Select; twice, open."""
        place = event.y + self.scroll_offset.y
        if place < len(self._rows):
            self._go(place)
            if event.chain == 2:
                self.action_open()

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self.virtual_size = Size(self.size.width, len(self._rows))
        self._keep_in_sight()

    def _keep_in_sight(self) -> None:
        """Scroll as little as needed for the cursor to show; after the layout, where that comes first."""
        if self._cursor in self._places:
            region = Region(0, self._places[self._cursor], 1, 1)
            self.scroll_to_region(region, animate=False, immediate=self.allow_vertical_scroll, x_axis=False)

    def on_focus(self) -> None:
        """The cursor looks different."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor looks different."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A row, or what stands there instead of rows."""
        width = self.size.width
        place = y + self.scroll_offset.y
        if not self._rows:
            middle = max(self.size.height // 2 - 1, 0)
            lines = self.empty.split("\n")
            said = lines[y - middle] if 0 <= y - middle < len(lines) else ""
            return painted(self, ((said.center(width), "dim"),), width)
        if place >= len(self._rows):
            return painted(self, (), width)
        row = self._rows[place]
        return painted(self, self._line_of(row), width, self._over(row))

    def _line_of(self, row: Row) -> Line:
        here, marked = row.key == self._cursor, row.key in self.marks
        gutter = (">" if here else " ") + ("*" if marked else " ")
        # As if there were a scrollbar, so that nothing moves when there is one.
        room = self.outer_size.width - 1 - _GUTTER - row.indent
        cells = table_line(row.columns, row.cells, room)
        return ((gutter + " " * row.indent, "marked" if marked else "accent"), *cells)

    def _over(self, row: Row) -> Style | None:
        paint = paint_of(self)
        if row.key != self._cursor:
            return None
        over = paint("cursor" if self.has_focus else "cursor-idle")
        return over + paint("ghost") if row.key == self._ghost else over
