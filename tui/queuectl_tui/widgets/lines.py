"""Lines made of pieces, each with a role: what charts, lists and panes are drawn from.

A piece is plain text that never meets a markup parser, and a role, so that colours come from the theme alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style

    from queuectl_tui.theme import Paint

Piece = tuple[str, str]
"""Text and its role: a name that `theme.Paint` knows."""
Line = tuple[Piece, ...]
_GAP = 2


def paint_of(widget: Widget) -> Paint:
    """The styles of the theme that is on."""
    paint: Paint = widget.app.paint  # type: ignore[attr-defined]  # every app that shows our widgets has one
    return paint


def painted(widget: Widget, line: Line, width: int, over: Style | None = None) -> Strip:
    """A line as a strip of exactly `width` cells; `over` is laid over every piece, for a cursor or a mark."""
    paint = paint_of(widget)
    segments = []
    for text, role in line:
        style = paint(role)
        plain = "".join(map(paint.glyph, text)) if paint.ascii_only else text
        segments.append(Segment(plain, style if over is None else style + over))
    return Strip(segments).adjust_cell_length(width, over).apply_style(widget.rich_style)


class Drawing(Widget):
    """A widget that is nothing but lines, drawn anew only when what it shows or its size has changed."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        """Nothing to show yet."""
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] | None = None

    def lines(self, width: int, height: int) -> list[Line]:
        """What to draw in so much room."""
        raise NotImplementedError

    def redraw(self) -> None:
        """What it shows has changed."""
        self._lines = None
        self.refresh()

    def on_resize(self) -> None:
        """Another size needs other lines."""
        self.redraw()

    def notify_style_update(self) -> None:
        """Another theme does not: only their styles, which are looked up while painting."""
        super().notify_style_update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of it."""
        if self._lines is None:
            self._lines = self.lines(self.size.width, self.size.height)
        line = self._lines[y] if y < len(self._lines) else ()
        return painted(self, line, self.size.width)


class Lines(Drawing):
    """Lines that somebody else made."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        """Empty."""
        super().__init__(id=id, classes=classes)
        self._given: list[Line] = []

    def show(self, given: Iterable[Line]) -> None:
        """Show these."""
        made = list(given)
        if made != self._given:
            self._given = made
            self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        """As they are."""
        del width
        return self._given[:height]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a list."""

    title: str
    width: int
    right: bool = False
    """Set to the right, as numbers are."""
    grows: bool = False
    """Takes the room that is left; `width` is then the least it needs."""
    from_width: int = 0
    """Left out where the list is narrower."""


def table_line(columns: Sequence[Column], cells: Sequence[Piece], width: int) -> Line:
    """Cells under each other: cut or padded to the columns that fit into `width`."""
    shown = [(column, cell) for column, cell in zip(columns, cells, strict=True) if width >= column.from_width]
    fixed = sum(column.width for column, _ in shown if not column.grows)
    growing = sum(column.grows for column, _ in shown)
    room = width - fixed - _GAP * (len(shown) - 1)
    pieces: list[Piece] = []
    for place, (column, (text, role)) in enumerate(shown):
        size = max(room // growing, column.width) if column.grows else column.width
        if place:
            pieces.append((" " * _GAP, "text"))
        pieces.append((fitted(text, size, right=column.right), role))
    return tuple(pieces)


def titles(columns: Sequence[Column], width: int) -> Line:
    """The line of titles over a table."""
    return table_line(columns, [(column.title, "title") for column in columns], width)


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells, its end cut off with an ellipsis."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(width - 1, 0)) + ("…" if width else "")
    padding = " " * (width - length)
    return padding + text if right else text + padding


def length_of(line: Line) -> int:
    """Cells that a line takes."""
    return sum(cell_len(text) for text, _ in line)


def spread_out(left: Line, right: Line, width: int) -> Line:
    """Two halves of a line, one at each edge; where there is no room for both, the right one loses its last pieces."""
    while right:
        gap = width - length_of(left) - length_of(right)
        if gap >= 1:
            return (*left, (" " * gap, "text"), *right)
        right = right[:-1]
    return left


def block(text: str, width: int, height: int, role: str = "text") -> list[Line]:
    """The last lines of a text from the store, made safe, in so much room."""
    kept = [line for line in text.replace("\r\n", "\n").replace("\t", "    ").split("\n") if line.strip()]
    return [((fitted(safe(line[: width * 4]), width), role),) for line in kept[-height:]]
