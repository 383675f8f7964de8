"""Lines made of pieces, each with a role: the drawing primitives of charts, lists and panes.

A piece is plain text, which never passes through a markup parser, and a role, so that all colours come from the theme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from queuectl.domain.record import record
from queuectl.domain.text import safe
from queuectl_tui.console import console_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style

    from queuectl_tui.theme import Paint

Piece = tuple[str, str]
"""Text and its role: a name that `theme.Paint` knows."""
Line = tuple[Piece, ...]
_GAP = 2


def paint_of(widget: Widget) -> Paint:
    """Return the styles of the current theme."""
    return console_of(widget).paint


def painted(widget: Widget, line: Line, width: int, over: Style | None = None) -> Strip:
    """Return a line as a strip of exactly `width` cells; `over` is applied to every piece, for a cursor or a mark."""
    paint = paint_of(widget)
    segments = []
    for text, role in line:
        style = paint(role)
        plain = "".join(map(paint.glyph, text)) if paint.ascii_only else text
        segments.append(Segment(plain, style if over is None else style + over))
    return Strip(segments).adjust_cell_length(width, over).apply_style(widget.rich_style)


class Drawing(Widget):
    """A widget that consists of lines, drawn again only when its content or its size has changed."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        """Create an empty widget."""
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] | None = None

    def lines(self, width: int, height: int) -> list[Line]:
        """Return the lines for a size."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw again: the content has changed."""
        self._lines = None
        self.refresh()

    def on_resize(self) -> None:
        """Draw again: another size needs other lines."""
        self.redraw()

    def notify_style_update(self) -> None:
        """Repaint: another theme changes only styles, which are looked up while painting."""
        super().notify_style_update()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return one line."""
        if self._lines is None:
            self._lines = self.lines(self.size.width, self.size.height)
        line = self._lines[y] if y < len(self._lines) else ()
        return painted(self, line, self.size.width)


class Lines(Drawing):
    """Lines that are made elsewhere."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        """Create an empty widget."""
        super().__init__(id=id, classes=classes)
        self._content: list[Line] = []

    def show(self, lines: Iterable[Line]) -> None:
        """Show these lines."""
        content = list(lines)
        if content != self._content:
            self._content = content
            self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        """Return the lines."""
        del width
        return self._content[:height]


@record
class Column:
    """A column of a list."""

    title: str
    width: int
    right: bool = False
    """Right-aligned, as numbers are."""
    grows: bool = False
    """Takes the remaining width; `width` is then the minimum."""
    from_width: int = 0
    """Left out where the list is narrower."""


def table_line(columns: Sequence[Column], cells: Sequence[Piece], width: int) -> Line:
    """Return cells cut or padded to the columns that fit into `width`."""
    shown = [(column, cell) for column, cell in zip(columns, cells, strict=True) if width >= column.from_width]
    fixed = sum(column.width for column, _ in shown if not column.grows)
    growing = sum(column.grows for column, _ in shown)
    growing_width = width - fixed - _GAP * (len(shown) - 1)
    pieces: list[Piece] = []
    for place, (column, (text, role)) in enumerate(shown):
        size = max(growing_width // growing, column.width) if column.grows else column.width
        if place:
            pieces.append((" " * _GAP, "text"))
        pieces.append((fitted(text, size, right=column.right), role))
    return tuple(pieces)


def titles(columns: Sequence[Column], width: int) -> Line:
    """Return the line of titles above a table."""
    return table_line(columns, [(column.title, "title") for column in columns], width)


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` in exactly `width` cells; a cut end is shown as an ellipsis."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(width - 1, 0)) + ("…" if width else "")
    padding = " " * (width - length)
    return padding + text if right else text + padding


def length_of(line: Line) -> int:
    """Return the number of cells of a line."""
    return sum(cell_len(text) for text, _ in line)


def spread_out(left: Line, right: Line, width: int) -> Line:
    """Align two parts of a line left and right; if they do not fit, the right one loses its last pieces."""
    while right:
        gap = width - length_of(left) - length_of(right)
        if gap >= 1:
            return (*left, (" " * gap, "text"), *right)
        right = right[:-1]
    return left


def block(text: str, width: int, height: int, role: str = "text") -> list[Line]:
    """Return the last lines of a text from the store, sanitised and cut to a size."""
    visible = [line for line in text.replace("\r\n", "\n").replace("\t", "    ").split("\n") if line.strip()]
    return [((fitted(safe(line[: width * 4]), width), role),) for line in visible[-height:]]
