"""Painting of the job table: line by line, from the loaded rows, and only where the screen differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from queuectl_tui.console import console_of
from queuectl_tui.widgets import job_rows
from queuectl_tui.widgets.job_rows import CURSOR, GUTTER, MARK, Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from textual.widget import Widget

    from queuectl.store.job_pages import Row
    from queuectl_tui.console import Console
    from queuectl_tui.theme import Paint
    from queuectl_tui.widgets.job_rows import Note
    from queuectl_tui.widgets.row_cursor import RowCursor
    from queuectl_tui.widgets.viewport import Viewport

_CACHED = 4000


class TableLines:
    """Titles, and rows below them."""

    def __init__(
        self,
        table: Widget,
        viewport: Viewport,
        cursor: RowCursor,
        marks: Collection[str],
        note: Callable[[Row], Note],
    ) -> None:
        """Paint the rows of `viewport` on `table`; `note` returns what else is known of a row's job."""
        self._table = table
        self._window = viewport.window
        self._viewport = viewport
        self._cursor = cursor
        self._marks = marks
        self._note = note
        self.hidden: frozenset[str] = frozenset()
        """Columns hidden by the user; `wanted` are those shown although they would not fit."""
        self.wanted: frozenset[str] = frozenset()
        self.empty: Sequence[Sequence[tuple[str, str]]] = ()
        """Lines of text and role for a list without rows."""
        self._columns: tuple[tuple[job_rows.Column, int], ...] = ()
        self._strips: dict[object, Strip] = {}
        self._painted: dict[int, object] = {}
        self._base: Style | None = None

    @property
    def _console(self) -> Console:
        return console_of(self._table)

    @property
    def _paint(self) -> Paint:
        return self._console.paint

    def lay_out(self) -> None:
        """Fit the columns to the width and the loaded rows."""
        widest_id = max((len(row.id) for row in self._window.rows), default=4)
        columns = job_rows.layout(self._viewport.width, self.hidden, self.wanted, widest_id)
        if columns != self._columns:
            self._columns = columns
            self.forget()
            self._table.refresh()

    def forget(self) -> None:
        """Discard all cached lines: the size or the columns have changed."""
        self._strips.clear()
        self._painted.clear()

    def forget_styles(self) -> None:
        """Discard all cached lines and styles: the styles have changed."""
        self._base = None
        self.forget()

    def refresh(self) -> None:
        """Repaint the lines that differ from the screen, and no others."""
        if not self._window.rows:
            self._painted.clear()
            self._table.refresh()
            return
        width = self._viewport.width
        for y in range(1, self._table.size.height):
            if self._painted.get(y, self) != self._key(y):
                self._table.refresh(Region(0, y, width, 1))

    def render(self, y: int) -> Strip:
        """Return one line of the screen, from the loaded rows."""
        width = self._viewport.width
        if y == 0:
            return self._titles(width)
        if not self._window.rows:
            return self._empty_line(y, width)
        key = self._key(y)
        self._painted[y] = key
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) > _CACHED:
                self._strips.clear()
            strip = self._strips[key] = self._made(key, width)
        return strip

    def _key(self, y: int) -> object:
        """Return all that the line depends on, besides size and styles."""
        index = self._viewport.first + y - 1
        row = self._window.row(index)
        if row is None:
            return index < self._window.total
        kind = (row.id == self._cursor.id, row.id in self._marks, row.id == self._window.ghost, self._table.has_focus)
        return job_rows.cells(row, self._columns, self._console.clock.now(), self._paint, self._note(row)), kind

    def _under(self) -> Style:
        """Return the widget's own style, below all others; cached, as it is computed for every line otherwise."""
        if self._base is None:
            self._base = self._table.rich_style
        return self._base

    def _made(self, key: object, width: int) -> Strip:
        paint = self._paint
        if not isinstance(key, tuple):
            text = " " * GUTTER + paint.glyph("·") * 3 if key else ""
            return Strip([Segment(text, paint("faint"))]).adjust_cell_length(width).apply_style(self._under())
        values, (cursor, marked, ghost, focus) = key
        over = Style.null()
        if cursor:
            over = paint("cursor" if focus else "cursor-idle")
        if over.reverse:
            # In reverse video, coloured cells would break up the line.
            values = tuple(cell._replace(style=over, tail_style=over) for cell in values)
        if ghost:
            values = tuple(cell._replace(style=paint("ghost"), tail_style=paint("ghost")) for cell in values)
        sign = (CURSOR if cursor else " ") + (MARK if marked else " ")
        gutter = (sign, paint("marked") if marked else paint("accent"))
        made = job_rows.segments(values, self._columns, gutter, over, paint)
        return Strip(made).adjust_cell_length(width, over).apply_style(self._under())

    def _titles(self, width: int) -> Strip:
        paint = self._paint
        style = paint("dim")
        cells = [Cell(column.title, style) for column, _ in self._columns]
        made = job_rows.segments(cells, self._columns, (" " * GUTTER, style), Style.null(), paint)
        return Strip(made).adjust_cell_length(width).apply_style(self._under())

    def _empty_line(self, y: int, width: int) -> Strip:
        place = y - 2
        line = self.empty[place] if 0 <= place < len(self.empty) else ()
        made = [Segment("  ")]
        made += [Segment("".join(map(self._paint.glyph, text)), self._paint(role)) for text, role in line]
        return Strip(made).adjust_cell_length(width).apply_style(self._under())
