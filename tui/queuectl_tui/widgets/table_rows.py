"""The loaded rows of the job table: when to read which, and how rows and cursor are placed on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from queuectl.domain.filter import Filter
from queuectl.domain.record import replace
from queuectl.store.job_pages import Sort
from queuectl_tui.duration_estimates import DurationEstimates
from queuectl_tui.widgets.row_source import Counter, Wanted, read
from queuectl_tui.widgets.table_lines import TableLines

if TYPE_CHECKING:
    from queuectl.domain.errors import QueuectlError
    from queuectl.operations.context import Context
    from queuectl.store.job_pages import Row
    from queuectl_tui.duration_estimates import Pace
    from queuectl_tui.widgets.row_source import Found

_SETTLE = 0.15
"""Seconds for which a row that has just changed under the cursor ignores keys."""
_PACED = 0.9
"""Seconds between two reads of the progress of running jobs."""
_AGAIN = 0.5
"""Seconds after which a failed read of rows is repeated."""
_DEAR = 10
"""A slow read is repeated only after this multiple of its duration."""


class TableRows(TableLines):
    """Requests rows near the screen from the reader, and keeps the cursor on its job when they arrive."""

    class CursorMoved(Message):
        """Another job has the cursor, or the same one has changed."""

        def __init__(self, row: Row | None) -> None:
            super().__init__()
            self.row = row

    class Changed(Message):
        """The rows of the list, or the marks, have changed."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.filter = Filter()
        self.sort = Sort.NEWEST
        self.reverse = False
        """For the orders without pages; newest and oldest are each other's reverse."""
        self.more = False
        """Whether there are more rows than were counted."""
        self._range: Row | None = None
        """The row where a range of marks has begun."""
        self._changed_at = float("-inf")
        self._generation = 0
        self._adopted = -1
        self._counter = Counter()
        self.estimates = DurationEstimates()
        """Used by the reader's thread only."""
        self._asked: Wanted | None = None
        self._moving: Wanted | None = None
        """The request that moves the cursor once it is answered."""
        self._not_before = 0.0
        self._late = False
        self._paced_at = float("-inf")
        self._marking = -1
        """The generation for which ids are being read to mark them; -1 for none."""

    @property
    def rows_ready(self) -> bool:
        """Whether the rows are those of the current filter and order, with cursor and marks in place.

        Also true before the first rows: there is nothing yet that a key could act on.
        """
        return self._adopted in {-1, self._generation} and self._moving is None and not self.marking

    @property
    def marking(self) -> bool:
        """Whether ids are being read to mark them."""
        return self._marking == self._generation

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor."""
        return self._cursor_row if self._cursor is not None else None

    @property
    def is_ghost(self) -> bool:
        """Whether the row under the cursor has left the list."""
        return self._cursor is not None and self.window.ghost == self._cursor

    @property
    def settled(self) -> bool:
        """Whether a key may act on the row under the cursor: it has not changed in the last moment."""
        return self._app.clock.monotonic() - self._changed_at >= _SETTLE

    @property
    def position(self) -> int | None:
        """Position of the cursor in the list, from 1."""
        index = self.window.index(self._cursor)
        return None if index is None else index + 1

    def choose(self, chosen: Filter, sort: Sort | None = None, *, reverse: bool = False) -> None:
        """Show other jobs, or the same in another order."""
        self.filter = chosen
        if sort is not None:
            self.sort, self.reverse = sort, reverse and not sort.paged
        self._generation += 1
        self._not_before = 0.0
        self._range = self._moving = None
        self._ask(self._top())

    def refresh_rows(self) -> None:
        """Read the rows near the screen again: the store has changed."""
        if self._app.clock.monotonic() < self._not_before:
            # This filter or order is slow to read; it is read a little later.
            if not self._late:
                self._late = True
                self.set_timer(self._not_before - self._app.clock.monotonic() + 0.01, self._read_late)
            return
        self._ask(self._here())

    def _read_late(self) -> None:
        self._late = False
        self._ask(self._here())

    def _wanted(self) -> Wanted:
        return Wanted(
            filter=self.filter,
            sort=self.sort,
            reverse=self.reverse,
            generation=self._generation,
            above=self._height * 2,
            below=self._height * 3,
            cursor=self._cursor,
        )

    def _top(self) -> Wanted:
        return replace(self._wanted(), below=self._height * 4)

    def _here(self) -> Wanted:
        """Return a request for the rows on the screen, anchored at the row under the cursor or else at the top one.

        While the cursor is about to move, that request: another one would replace it.
        """
        if self._moving is not None:
            return self._moving
        window = self.window
        if not window.rows or (self._first == 0 and window.at_top and self._cursor_line() is not None):
            return self._top()
        line = self._cursor_line()
        index = window.index(self._cursor)
        if line is None or index is None:
            index = min(max(self._first, window.start), window.start + len(window.rows) - 1)
            line = index - self._first
        row = window.row(index)
        return self._top() if row is None else replace(self._wanted(), around=row.seq, line=line, index=index)

    def _go(self, index: int) -> None:
        """Put the cursor on the row at `index`: at once if it is loaded, else on the nearest one until it is."""
        window = self.window
        self._moving = None
        if not window.rows:
            return
        low, high = window.start, window.start + len(window.rows) - 1
        near = min(max(index, low), high)
        row = window.row(near)
        if row is None:
            return
        if window.ghost is not None and row.id != window.ghost:
            window.drop_departed_row()
            self._set_height()
        if row.id != self._cursor:
            self._cursor, self._cursor_row = row.id, row
            self._changed_at = float("-inf")
            self.post_message(self.CursorMoved(row))
        self._keep_in_sight()
        self._refresh_lines()
        if not window.covers(index, index) and self.sort.paged:
            self._move(replace(self._here(), step=index - near))

    def _from_cursor(self, by: int) -> None:
        """Move the cursor by some rows; a cursor out of view is read first."""
        index = self.window.index(self._cursor)
        if index is not None:
            self._go(index + by)
        elif self._cursor_row is not None and self.sort.paged and not self.window.covers(self._first, self._first):
            self._move(replace(self._wanted(), around=self._cursor_row.seq, line=self._height // 2, step=by))
        else:
            self._go(self._first)

    def _move(self, wanted: Wanted) -> None:
        """Request the rows that the cursor is to move to."""
        self._moving = wanted
        self._ask(wanted)

    def _ask(self, wanted: Wanted) -> None:
        self._asked = wanted
        reader, counter, estimates = self._app.reader, self._counter, self.estimates

        def request(context: Context) -> Found:
            return read(context, wanted, counter, estimates, reader.check)

        reader.ask(request, self._arrived, f"rows-{self.id}", self._failed)

    def _failed(self, error: QueuectlError | None) -> None:
        """Repeat the request after an error: the store may become readable without a change."""
        if error is not None and self.is_attached and not self.rows_ready and not self._late:
            self._late = True
            self.set_timer(_AGAIN, self._read_late)

    def _ask_once(self, wanted: Wanted) -> None:
        if self._asked != wanted:
            self._ask(wanted)

    def ask_paces(self) -> None:
        """Read the progress of the running jobs on the screen, at most once a second."""
        now = self._app.clock.monotonic()
        if self._app.live and now - self._paced_at < _PACED:
            return
        self._paced_at = now
        rows = [row for row in map(self.window.row, range(self._first, self._first + self._height)) if row is not None]
        running = [row for row in rows if row.state == "processing"]
        estimates = self.estimates
        if running:
            self._app.reader.ask(
                lambda context: estimates.paces(context, running), self._take_paces, f"paces-{self.id}"
            )
        elif self.paces:
            self.paces = {}

    def _take_paces(self, paces: dict[str, Pace]) -> None:
        if self.is_attached and paces != self.paces:
            self.paces = paces
            self._refresh_lines()

    def _arrived(self, found: Found) -> None:
        if found.wanted.generation != self._generation or not self.is_attached:
            return
        moves = found.wanted is self._moving
        if found.wanted.moves and not moves:
            # The cursor was moved elsewhere meanwhile.
            return
        with self._app.batch_update():
            if moves:
                self._moving = None
            self._adopt(found)
            if found.wanted.step and self.window.index(self._cursor) is not None:
                self._from_cursor(found.wanted.step)

    def _adopt(self, found: Found) -> None:
        wanted, window = found.wanted, self.window
        is_other = wanted.generation != self._adopted
        self._adopted = wanted.generation
        before = (self._cursor_row, self.is_ghost, window.total, self.more)
        old_index = window.index(self._cursor)
        if not self.sort.paged or found.took > 0.02:
            self._not_before = self._app.clock.monotonic() + min(found.took * _DEAR, 5.0)
        window.adopt(found.window, total=found.total, guess=wanted.index - found.earlier)
        self.more = found.more
        self._place_cursor(found, old_index, keep_cursor=not is_other)
        self._widest_id = max((len(row.id) for row in window.rows), default=4)
        self._lay_out()
        self._set_height()
        self._restore_scroll(found)
        self._refresh_lines()
        self.ask_paces()
        if (self._cursor_row, self.is_ghost) != before[:2]:
            self.post_message(self.CursorMoved(self.cursor_row))
        if (window.total, self.more) != before[2:] or is_other:
            self.post_message(self.Changed())

    def _place_cursor(self, found: Found, old_index: int | None, *, keep_cursor: bool) -> None:
        """Place the cursor on its row again: in the list, or as a ghost."""
        window = self.window
        if (found.wanted.end or found.wanted.top) and window.rows:
            self._cursor = window.rows[-1 if found.wanted.end else 0].id
        place = window.place(self._cursor)
        if place is not None:
            row = window.rows[place]
            if self._cursor_row is not None and self._cursor_row.id == row.id and self._cursor_row.state != row.state:
                self._changed_at = self._app.clock.monotonic()
            self._cursor_row = row
            return
        if self._cursor is not None and keep_cursor and self._cursor_row is not None:
            was_there = old_index is not None
            ghost = found.cursor if found.cursor is not None and found.cursor.id == self._cursor else self._cursor_row
            if was_there and window.keep_departed_row(ghost, self.sort, index=old_index):
                self._changed_at = self._app.clock.monotonic()
                self._cursor_row = ghost
                return
            if not was_there or window.rows:
                # Out of view: it is found again by its seq at the next move.
                self._cursor_row = ghost
                return
        first = window.rows[0] if window.rows else None
        self._cursor, self._cursor_row = (None, None) if first is None else (first.id, first)

    def _restore_scroll(self, found: Found) -> None:
        """Scroll so that the row which the rows were read around keeps its line."""
        wanted, window = found.wanted, self.window
        if wanted.end:
            self._scroll(window.total)
            return
        if found.around is None or not window.rows:
            # From the top, new rows push the others down, but never the cursor's row out of view.
            self._scroll(0 if wanted.around is None and wanted.share is None else self._first)
            self._keep_in_sight()
            return
        index = window.index(self._cursor) if self._asked_by_cursor(wanted) else None
        if index is None:
            index = window.start + window.nearest(found.around, self.sort) if self.sort.paged else wanted.index
        self._scroll(index - wanted.line)

    def _asked_by_cursor(self, wanted: Wanted) -> bool:
        return self._cursor_row is not None and self._cursor_row.seq == wanted.around

    def _fetch(self) -> None:
        """Request rows if the screen is near the end of the loaded ones."""
        window, first = self.window, self._first
        if not window.loaded or not window.rows or not self.sort.paged or self._moving is not None:
            return
        last = first + self._height
        if window.covers(first - self._height // 2, last + self._height // 2):
            return
        inside = window.start <= first < window.start + len(window.rows) or window.covers(last - 1, last - 1)
        if inside:
            index = min(max(first, window.start), window.start + len(window.rows) - 1)
            row = window.row(index)
            if row is not None:
                wanted = replace(self._wanted(), around=row.seq, line=index - first, index=index)
                self._ask_once(wanted)
                return
        share = first / max(window.total - 1, 1)
        self._ask_once(replace(self._wanted(), share=share, index=first))

    def watch_scroll_y(self, old: float, new: float) -> None:
        """Request missing rows: the view has scrolled."""
        super().watch_scroll_y(old, new)
        if round(old) != round(new):
            self._fetch()

    def on_resize(self) -> None:
        """Lay out for the new size: other columns, and more or fewer rows."""
        self._lay_out()
        self._strips.clear()
        self._painted.clear()
        self._set_height()
        if self._cursor_line() is None and self.window.index(self._cursor) is not None:
            self._keep_in_sight()
        self._fetch()
