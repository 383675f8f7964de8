"""Painting of the job table: line by line, from the loaded rows, and only where the screen differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from queuectl_tui.widgets import job_rows
from queuectl_tui.widgets.job_rows import CURSOR, GUTTER, MARK, NOTHING_NOTED, Cell, Note
from queuectl_tui.widgets.row_window import RowWindow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.store.job_pages import Row
    from queuectl_tui.app import ConsoleApp
    from queuectl_tui.duration_estimates import Pace
    from queuectl_tui.theme import Paint

_CACHED = 4000


class TableLines(ScrollView, can_focus=True):
    """Titles, and rows below them. The cursor is given; moving it is the subclass's task."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.marks: dict[str, None] = {}
        self.paces: dict[str, Pace] = {}
        """The progress of running jobs on the screen, by id."""
        self.doing: dict[str, str] = {}
        """The operations that were requested and have not ended yet, by job."""
        self.hidden: frozenset[str] = frozenset()
        """Columns hidden by the user; `wanted` are those shown although they would not fit."""
        self.wanted: frozenset[str] = frozenset()
        self.window = RowWindow()
        self.empty: Sequence[Sequence[tuple[str, str]]] = ()
        """Lines of text and role for a list without rows."""
        self._cursor: str | None = None
        self._cursor_row: Row | None = None
        self._columns: tuple[tuple[job_rows.Column, int], ...] = ()
        self._widest_id = 4
        self._strips: dict[object, Strip] = {}
        self._painted: dict[int, object] = {}
        self._base: Style | None = None

    @property
    def _app(self) -> ConsoleApp:
        return self.app  # type: ignore[return-value]  # the only app

    @property
    def paint(self) -> Paint:
        """The styles of the current theme."""
        return self._app.paint

    @property
    def _width(self) -> int:
        """The width without the scrollbar, in cells."""
        return self.scrollable_content_region.width

    @property
    def _height(self) -> int:
        """Number of rows on the screen, below the titles."""
        return max(self.size.height - 1, 1)

    @property
    def _first(self) -> int:
        """The index of the row at the top of the screen."""
        return self.scroll_offset.y

    def _cursor_line(self) -> int | None:
        """Return the screen line of the cursor."""
        index = self.window.index(self._cursor)
        if index is None or not 0 <= index - self._first < self._height:
            return None
        return index - self._first

    def _set_height(self) -> None:
        size = Size(self.size.width, self.window.total + 1)
        if size != self.virtual_size:
            # Bypass the reactive, which lays out the whole screen again: only the scrollbar depends on it.
            self.set_reactive(ScrollView.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
            self.vertical_scrollbar.window_size = self.size.height

    def _scroll(self, first: int) -> None:
        y = max(min(first, self.window.total + 1 - self.size.height), 0)
        if y != self.scroll_offset.y:
            # Bypass the watcher, which repaints everything: `_refresh_lines` repaints only lines that differ.
            self.set_scroll(None, y)
            self.set_reactive(ScrollView.scroll_target_y, float(y))
            self.vertical_scrollbar.position = y

    def _keep_in_sight(self) -> None:
        index = self.window.index(self._cursor)
        if index is None:
            return
        if index < self._first:
            self._scroll(index)
        elif index >= self._first + self._height:
            self._scroll(index - self._height + 1)

    def _lay_out(self) -> None:
        columns = job_rows.layout(self._width, self.hidden, self.wanted, self._widest_id)
        if columns != self._columns:
            self._columns = columns
            self._strips.clear()
            self._painted.clear()
            self.refresh()

    def relayout(self) -> None:
        """Apply another choice of columns."""
        self._lay_out()

    def notify_style_update(self) -> None:
        """Discard all cached lines: the styles have changed."""
        super().notify_style_update()
        self._base = None
        self._strips.clear()
        self._painted.clear()

    def on_focus(self) -> None:
        """Repaint the cursor, which is styled by focus."""
        self._refresh_lines()

    def on_blur(self) -> None:
        """Repaint the cursor, which is styled by focus."""
        self._refresh_lines()

    def tick(self) -> None:
        """Update ages and run times each second, without reading anything."""
        self._refresh_lines()

    def _line_key(self, y: int) -> object:
        index = self._first + y - 1
        row = self.window.row(index)
        if row is None:
            return index < self.window.total
        kind = (row.id == self._cursor, row.id in self.marks, row.id == self.window.ghost, self.has_focus)
        return job_rows.cells(row, self._columns, self._app.clock.now(), self.paint, self._note(row)), kind

    def _note(self, row: Row) -> Note:
        pace, doing, watched = self.paces.get(row.id), self.doing.get(row.id, ""), row.id in self._app.watching.ids
        if pace is not None and pace.started_at != row.started_at:
            pace = None  # of a previous attempt
        return Note(pace=pace, doing=doing, watched=watched) if pace or doing or watched else NOTHING_NOTED

    def _refresh_lines(self) -> None:
        """Repaint the lines that differ from the screen, and no others."""
        width = self._width
        if not self.window.rows:
            self._painted.clear()
            self.refresh()
            return
        for y in range(1, self.size.height):
            if self._painted.get(y, self) != self._line_key(y):
                self.refresh(Region(0, y, width, 1))

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen, from the loaded rows."""
        width = self._width
        if y == 0:
            return self._titles(width)
        if not self.window.rows:
            return self._empty_line(y, width)
        key = self._line_key(y)
        self._painted[y] = key
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) > _CACHED:
                self._strips.clear()
            strip = self._strips[key] = self._made(key, width)
        return strip

    def _under(self) -> Style:
        """Return the widget's own style, below all others; cached, as it is computed for every line otherwise."""
        if self._base is None:
            self._base = self.rich_style
        return self._base

    def _made(self, key: object, width: int) -> Strip:
        if not isinstance(key, tuple):
            text = " " * GUTTER + self.paint.glyph("·") * 3 if key else ""
            return Strip([Segment(text, self.paint("faint"))]).adjust_cell_length(width).apply_style(self._under())
        values, (cursor, marked, ghost, focus) = key
        paint = self.paint
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
        paint = self.paint
        style = paint("dim")
        cells = [Cell(column.title, style) for column, _ in self._columns]
        made = job_rows.segments(cells, self._columns, (" " * GUTTER, style), Style.null(), paint)
        return Strip(made).adjust_cell_length(width).apply_style(self._under())

    def _empty_line(self, y: int, width: int) -> Strip:
        place = y - 2
        line = self.empty[place] if 0 <= place < len(self.empty) else ()
        made = [Segment("  ")]
        made += [Segment("".join(map(self.paint.glyph, text)), self.paint(role)) for text, role in line]
        return Strip(made).adjust_cell_length(width).apply_style(self._under())
