"""Which rows the table shows, and when it reads which of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.filter import Filter
from queuectl.domain.record import replace
from queuectl.store.job_pages import Sort
from queuectl_tui.console import console_of
from queuectl_tui.widgets.row_source import MARKED, Counter, Wanted, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.widget import Widget

    from queuectl.domain.errors import QueuectlError
    from queuectl.operations.context import Context
    from queuectl_tui.console import Console
    from queuectl_tui.duration_estimates import DurationEstimates
    from queuectl_tui.widgets.row_cursor import RowCursor
    from queuectl_tui.widgets.row_source import Found
    from queuectl_tui.widgets.viewport import Viewport

_AGAIN = 0.5
"""Seconds after which a failed read of rows is repeated."""
_DEAR = 10
"""A slow read is repeated only after this multiple of its duration."""


class RowLoader:
    """Requests the rows near the screen from the reader.

    A request belongs to a generation, which changes with filter and order: answers to older ones are dropped. A request
    that moves the cursor is not replaced by one that does not.
    """

    def __init__(
        self,
        table: Widget,
        viewport: Viewport,
        cursor: RowCursor,
        estimates: DurationEstimates,
        take: Callable[[Found, bool], None],
    ) -> None:
        """Load all jobs, the newest first, once `refresh` is called.

        `take` receives the rows that were read, and whether they are the first of another filter or order.
        """
        self._table = table
        self._window = viewport.window
        self._viewport = viewport
        self._take = take
        self._cursor = cursor
        self._estimates = estimates
        self.filter = Filter()
        self.sort = Sort.NEWEST
        self.reverse = False
        """For the orders without pages; newest and oldest are each other's reverse."""
        self._generation = 0
        self._adopted = -1
        self._counter = Counter()
        self._asked: Wanted | None = None
        self._moving: Wanted | None = None
        """The request that moves the cursor once it is answered."""
        self._not_before = 0.0
        self._late = False
        self._reading_ids = -1
        """The generation for which ids are being read; -1 for none."""

    @property
    def _console(self) -> Console:
        return console_of(self._table)

    @property
    def is_done(self) -> bool:
        """Whether the rows are those of the current filter and order, with cursor and marks in place.

        Also true before the first rows: there is nothing yet that a key could act on.
        """
        return self._adopted in {-1, self._generation} and self._moving is None and not self.is_reading_ids

    @property
    def is_reading_ids(self) -> bool:
        """Whether the ids of the filter are being read."""
        return self._reading_ids == self._generation

    # Requests --------------------------------------------------------------------------------------------------------

    def choose(self, chosen: Filter, sort: Sort | None = None, *, reverse: bool = False) -> None:
        """Load other jobs, or the same in another order."""
        self.filter = chosen
        if sort is not None:
            self.sort, self.reverse = sort, reverse and not sort.paged
        self._generation += 1
        self._not_before = 0.0
        self._moving = None
        self._ask(self._top())

    def refresh(self) -> None:
        """Read the rows near the screen again: the store has changed."""
        wait = self._not_before - self._console.clock.monotonic()
        if wait <= 0:
            self._ask(self._here())
        elif not self._late:
            # This filter or order is slow to read; it is read a little later.
            self._late = True
            self._table.set_timer(wait + 0.01, self._read_late)

    def drop_move(self) -> None:
        """Drop the request that moves the cursor: it has moved elsewhere."""
        self._moving = None

    def move_to_top(self) -> None:
        """Move the cursor to the first row."""
        self._move(replace(self._top(), top=True))

    def move_to_end(self) -> None:
        """Move the cursor to the last row."""
        self._move(replace(self._wanted(), end=True, below=self._viewport.height * 4))

    def move_on(self, step: int) -> None:
        """Move the cursor by some rows, which are not loaded yet."""
        self._move(replace(self._here(), step=step))

    def move_from(self, seq: int, step: int) -> None:
        """Move the cursor by some rows from the row at `seq`, which is not loaded any more."""
        self._move(replace(self._wanted(), around=seq, line=self._viewport.height // 2, step=step))

    def fetch(self) -> None:
        """Request rows if the screen is near the end of the loaded ones."""
        window, first = self._window, self._viewport.first
        if not window.loaded or not window.rows or not self.sort.paged or self._moving is not None:
            return
        last = first + self._viewport.height
        margin = self._viewport.height // 2
        if window.covers(first - margin, last + margin):
            return
        inside = window.start <= first < window.start + len(window.rows) or window.covers(last - 1, last - 1)
        if inside:
            index = min(max(first, window.start), window.start + len(window.rows) - 1)
            row = window.row(index)
            if row is not None:
                self._ask_once(replace(self._wanted(), around=row.seq, line=index - first, index=index))
                return
        share = first / max(window.total - 1, 1)
        self._ask_once(replace(self._wanted(), share=share, index=first))

    def ask_ids(self, between: tuple[int, int] | None, take: Callable[[list[str]], None]) -> None:
        """Read the ids of the filter, or those of a range of seqs; they are dropped if the filter changes meanwhile."""
        chosen, reader, generation = self.filter, self._console.reader, self._generation

        def request(context: Context) -> list[str]:
            return context.store.job_pages.ids(chosen, limit=MARKED, between=between, stop=reader.check)

        def answer(ids: list[str]) -> None:
            if generation == self._generation:
                self._reading_ids = -1
                take(ids)

        def failed(error: QueuectlError | None) -> None:
            if error is not None and generation == self._generation:
                self._reading_ids = -1
                self._console.refuse(f"nothing was marked: {error.message}")

        self._reading_ids = generation
        reader.ask(request, answer, "mark", failed)

    # What to read ----------------------------------------------------------------------------------------------------

    def _wanted(self) -> Wanted:
        return Wanted(
            filter=self.filter,
            sort=self.sort,
            reverse=self.reverse,
            generation=self._generation,
            above=self._viewport.height * 2,
            below=self._viewport.height * 3,
            cursor=self._cursor.id,
        )

    def _top(self) -> Wanted:
        return replace(self._wanted(), below=self._viewport.height * 4)

    def _here(self) -> Wanted:
        """Return a request for the rows on the screen, anchored at the row under the cursor or else at the top one.

        While the cursor is about to move, that request: another one would replace it.
        """
        if self._moving is not None:
            return self._moving
        window, first = self._window, self._viewport.first
        index = self._cursor.index
        line = self._viewport.line_of(index)
        if not window.rows or (first == 0 and window.at_top and line is not None):
            return self._top()
        if line is None or index is None:
            index = min(max(first, window.start), window.start + len(window.rows) - 1)
            line = index - first
        row = window.row(index)
        return self._top() if row is None else replace(self._wanted(), around=row.seq, line=line, index=index)

    # Asking ----------------------------------------------------------------------------------------------------------

    def _move(self, wanted: Wanted) -> None:
        """Request the rows that the cursor is to move to."""
        self._moving = wanted
        self._ask(wanted)

    def _ask_once(self, wanted: Wanted) -> None:
        if self._asked != wanted:
            self._ask(wanted)

    def _ask(self, wanted: Wanted) -> None:
        self._asked = wanted
        reader, counter, estimates = self._console.reader, self._counter, self._estimates

        def request(context: Context) -> Found:
            return read(context, wanted, counter, estimates, reader.check)

        reader.ask(request, self._arrived, f"rows-{self._table.id}", self._failed)

    def _read_late(self) -> None:
        self._late = False
        self._ask(self._here())

    def _failed(self, error: QueuectlError | None) -> None:
        """Repeat the request after an error: the store may become readable without a change."""
        if error is not None and self._table.is_attached and not self.is_done and not self._late:
            self._late = True
            self._table.set_timer(_AGAIN, self._read_late)

    def _arrived(self, found: Found) -> None:
        wanted = found.wanted
        if wanted.generation != self._generation or not self._table.is_attached:
            return
        moves = wanted is self._moving
        if wanted.moves and not moves:
            # The cursor was moved elsewhere meanwhile.
            return
        if moves:
            self._moving = None
        is_other = wanted.generation != self._adopted
        self._adopted = wanted.generation
        if not self.sort.paged or found.took > 0.02:
            self._not_before = self._console.clock.monotonic() + min(found.took * _DEAR, 5.0)
        self._take(found, is_other)
