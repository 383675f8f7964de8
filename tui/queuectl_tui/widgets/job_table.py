"""The job table: of a million rows, those near the screen are loaded.

The cursor and the marks are job ids. When rows are added or removed, the row under the cursor keeps its line on the
screen; one that leaves the list while it has the cursor stays as a ghost until the next move, so that no key acts on
its neighbour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.message import Message
from textual.scroll_view import ScrollView

from queuectl_tui.console import console_of
from queuectl_tui.keymap import bindings, of_scope
from queuectl_tui.widgets.job_rows import NOTHING_NOTED, Note
from queuectl_tui.widgets.row_cursor import RowCursor
from queuectl_tui.widgets.row_loader import RowLoader
from queuectl_tui.widgets.row_marks import RowMarks
from queuectl_tui.widgets.row_paces import RowPaces
from queuectl_tui.widgets.row_source import MARKED
from queuectl_tui.widgets.row_window import RowWindow
from queuectl_tui.widgets.table_lines import TableLines
from queuectl_tui.widgets.viewport import Viewport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual import events
    from textual.binding import BindingType
    from textual.strip import Strip

    from queuectl.domain.filter import Filter
    from queuectl.store.job_pages import Row, Sort
    from queuectl_tui.console import Console
    from queuectl_tui.widgets.row_source import Found

MOVES = frozenset({"down", "up", "page_down", "page_up", "top", "end", "open", "mark", "range"})
"""The bindings of the scope `list` that the table handles."""


class JobTable(ScrollView, can_focus=True):
    """Rows of jobs, read page by page: moving the cursor, and marking."""

    DEFAULT_CSS = """
    JobTable { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1;
        scrollbar-background: $background; scrollbar-background-hover: $background;
        scrollbar-background-active: $background; scrollbar-color: $foreground 25%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(
        "list", but=frozenset(each.id for each in of_scope("list") if each.id.partition(".")[2] not in MOVES)
    )

    class CursorMoved(Message):
        """Another job has the cursor, or the same one has changed."""

        def __init__(self, row: Row | None) -> None:
            super().__init__()
            self.row = row

    class Changed(Message):
        """The rows of the list, or the marks, have changed."""

    class Opened(Message):
        """A row was opened, by enter or a double click."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str | None = None) -> None:
        """Create a table of all jobs, without rows yet."""
        super().__init__(id=id)
        self.window = RowWindow()
        self.viewport = Viewport(self, self.window)
        self.cursor = RowCursor(self.window)
        self.marks = RowMarks()
        self.paces = RowPaces(self, self.tick)
        self.doing: dict[str, str] = {}
        """The operations that were requested and have not ended yet, by job."""
        self.lines = TableLines(self, self.viewport, self.cursor, self.marks, self._note)
        self.loader = RowLoader(self, self.viewport, self.cursor, self.paces.estimates, self._take)
        self.more = False
        """Whether there are more rows than were counted."""

    @property
    def console(self) -> Console:
        """The console that shows the table."""
        return console_of(self)

    @property
    def filter(self) -> Filter:
        """The filter of the jobs."""
        return self.loader.filter

    @property
    def sort(self) -> Sort:
        """The order of the rows."""
        return self.loader.sort

    @property
    def reverse(self) -> bool:
        """Whether the order is reversed."""
        return self.loader.reverse

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor."""
        return self.cursor.row

    @property
    def is_ghost(self) -> bool:
        """Whether the row under the cursor has left the list."""
        return self.cursor.is_ghost

    @property
    def position(self) -> int | None:
        """Position of the cursor in the list, from 1."""
        index = self.cursor.index
        return None if index is None else index + 1

    @property
    def rows_ready(self) -> bool:
        """Whether the rows are those of the current filter and order, with cursor and marks in place."""
        return self.loader.is_done

    @property
    def settled(self) -> bool:
        """Whether a key may act on the row under the cursor: it has not changed in the last moment."""
        return self.cursor.has_settled(self.console.clock.monotonic())

    @property
    def marking(self) -> bool:
        """Whether ids are being read to mark them."""
        return self.loader.is_reading_ids

    # Rows ------------------------------------------------------------------------------------------------------------

    def choose(self, chosen: Filter, sort: Sort | None = None, *, reverse: bool = False) -> None:
        """Show other jobs, or the same in another order."""
        self.marks.began = None
        self.loader.choose(chosen, sort, reverse=reverse)

    def refresh_rows(self) -> None:
        """Read the rows near the screen again: the store has changed."""
        self.loader.refresh()

    def reset(self) -> None:
        """Start over at the first row, without marks: the rows are of another store."""
        self.clear_marks()
        self.cursor.row = None
        self.choose(self.filter)

    def tick(self) -> None:
        """Update ages and run times each second, without reading anything."""
        self.lines.refresh()

    def ask_paces(self) -> None:
        """Read the progress of the running jobs on the screen, at most once a second."""
        self.paces.ask(self.viewport.rows())

    def choose_columns(self, hidden: Iterable[str], wanted: Iterable[str]) -> None:
        """Leave out the `hidden` columns, and show the `wanted` ones although they would not fit."""
        self.lines.hidden, self.lines.wanted = frozenset(hidden), frozenset(wanted)
        self.lines.lay_out()

    def _note(self, row: Row) -> Note:
        pace, doing, watched = self.paces.of(row), self.doing.get(row.id, ""), row.id in self.console.watching.ids
        return Note(pace=pace, doing=doing, watched=watched) if pace or doing or watched else NOTHING_NOTED

    def _take(self, found: Found, is_other: bool) -> None:  # noqa: FBT001 - as `RowLoader` calls it
        with self.app.batch_update():
            self._adopt(found, is_other=is_other)
            if found.wanted.step and self.cursor.index is not None:
                self._from_cursor(found.wanted.step)

    def _adopt(self, found: Found, *, is_other: bool) -> None:
        window, cursor = self.window, self.cursor
        before = (cursor.row, cursor.is_ghost, window.total, self.more)
        was_at = cursor.index
        window.adopt(found.window, total=found.total, guess=found.wanted.index - found.earlier)
        self.more = found.more
        cursor.follow(found, was_at=was_at, keep=not is_other, now=self.console.clock.monotonic())
        self.lines.lay_out()
        self.viewport.fit()
        self._restore_scroll(found)
        self.lines.refresh()
        self.ask_paces()
        if (cursor.row, cursor.is_ghost) != before[:2]:
            self.post_message(self.CursorMoved(cursor.row))
        if (window.total, self.more) != before[2:] or is_other:
            self.post_message(self.Changed())

    def _restore_scroll(self, found: Found) -> None:
        """Scroll so that the row which the rows were read around keeps its line."""
        wanted, window, viewport, cursor = found.wanted, self.window, self.viewport, self.cursor
        if wanted.end:
            viewport.scroll(window.total)
            return
        if found.around is None or not window.rows:
            # From the top, new rows push the others down, but never the cursor's row out of view.
            viewport.scroll(0 if wanted.around is None and wanted.share is None else viewport.first)
            viewport.keep_in_sight(cursor.index)
            return
        index = cursor.index if cursor.row is not None and cursor.row.seq == wanted.around else None
        if index is None:
            index = window.start + window.nearest(found.around, self.sort) if self.sort.paged else wanted.index
        viewport.scroll(index - wanted.line)

    # The cursor ------------------------------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self._from_cursor(by)

    def action_page(self, by: int) -> None:
        """Move the cursor by screens."""
        self._from_cursor(by * max(self.viewport.height - 1, 1))

    def action_top(self) -> None:
        """Move to the first row."""
        if self.window.at_top and self.window.start == 0:
            self._go(0)
        else:
            self.loader.move_to_top()

    def action_end(self) -> None:
        """Move to the last row."""
        if self.window.at_end:
            self._go(self.window.total - 1)
        else:
            self.loader.move_to_end()

    def action_open(self) -> None:
        """Open the job under the cursor."""
        if self.cursor.row is not None:
            self.post_message(self.Opened(self.cursor.row))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked row; open it on a double click."""
        if event.y == 0:
            return
        index = self.viewport.first + event.y - 1
        if self.window.row(index) is None:
            return
        self._go(index)
        if event.chain == 2:
            self.action_open()

    def _from_cursor(self, by: int) -> None:
        """Move the cursor by some rows; a cursor out of view is read first."""
        index, first = self.cursor.index, self.viewport.first
        if index is not None:
            self._go(index + by)
        elif self.cursor.row is not None and self.sort.paged and not self.window.covers(first, first):
            self.loader.move_from(self.cursor.row.seq, by)
        else:
            self._go(first)

    def _go(self, index: int) -> None:
        """Put the cursor on the row at `index`: at once if it is loaded, else on the nearest one until it is."""
        window = self.window
        self.loader.drop_move()
        if not window.rows:
            return
        low, high = window.start, window.start + len(window.rows) - 1
        near = min(max(index, low), high)
        row = window.row(near)
        if row is None:
            return
        if window.ghost is not None and row.id != window.ghost:
            window.drop_departed_row()
            self.viewport.fit()
        if self.cursor.put(row):
            self.post_message(self.CursorMoved(row))
        self.viewport.keep_in_sight(self.cursor.index)
        self.lines.refresh()
        if not window.covers(index, index) and self.sort.paged:
            self.loader.move_on(index - near)

    # Marks -----------------------------------------------------------------------------------------------------------

    @property
    def in_range(self) -> bool:
        """Whether a range has begun."""
        return self.marks.began is not None

    def action_mark(self) -> None:
        """Mark or unmark the row, and move to the next."""
        row = self.cursor.row
        if row is None or self.cursor.is_ghost:
            return
        self.marks.toggle(row.id)
        self.post_message(self.Changed())
        self._from_cursor(1)
        self.lines.refresh()

    def action_range(self) -> None:
        """Begin a range here, or mark all rows from its beginning to here."""
        start, here = self.marks.began, self.cursor.row
        if start is None or here is None:
            self.marks.began = None if start is not None else here
            self.post_message(self.Changed())
            return
        first, last = self.window.place(start.id), self.window.place(here.id)
        self.marks.began = None
        if first is not None and last is not None:
            low, high = sorted((first, last))
            self.mark(row.id for row in self.window.rows[low : high + 1] if row.id != self.window.ghost)
        elif self.sort.paged:
            # Most of these rows are not loaded.
            low, high = sorted((start.seq, here.seq))
            self.loader.ask_ids((low, high), self._mark_found)
        else:
            self.app.bell()
            self.post_message(self.Changed())

    def toggle_all(self) -> None:
        """Mark all jobs of the filter, and no others; if all are marked, clear the marks."""
        if self.marks and len(self.marks) >= min(self.window.total, MARKED):
            self.clear_marks()
        else:
            self.loader.ask_ids(None, self._mark_only)

    def mark(self, ids: Iterable[str]) -> None:
        """Mark jobs, in addition."""
        self.marks.add(ids)
        self._marks_changed()

    def clear_marks(self) -> bool:
        """Clear all marks; return False if there were none."""
        had = self.marks.clear()
        if had:
            self._marks_changed()
        return had

    def _mark_only(self, ids: list[str]) -> None:
        self.marks.replace(())
        self._mark_found(ids)

    def _mark_found(self, ids: list[str]) -> None:
        self.mark(ids)
        if len(ids) >= MARKED:
            self.console.say(f"marked the newest {MARKED:,}; no more can be marked at once")

    def _marks_changed(self) -> None:
        self.lines.refresh()
        self.post_message(self.Changed())

    # What Textual calls ----------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen, from the loaded rows."""
        return self.lines.render(y)

    def notify_style_update(self) -> None:
        """Discard all cached lines: the styles have changed."""
        super().notify_style_update()
        self.lines.forget_styles()

    def on_focus(self) -> None:
        """Repaint the cursor, which is styled by focus."""
        self.lines.refresh()

    def on_blur(self) -> None:
        """Repaint the cursor, which is styled by focus."""
        self.lines.refresh()

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Request missing rows: the view has scrolled."""
        super().watch_scroll_y(old, new)
        if round(old) != round(new):
            self.loader.fetch()

    def on_resize(self) -> None:
        """Lay out for the new size: other columns, and more or fewer rows."""
        self.lines.lay_out()
        self.lines.forget()
        self.viewport.fit()
        index = self.cursor.index
        if self.viewport.line_of(index) is None:
            self.viewport.keep_in_sight(index)
        self.loader.fetch()
