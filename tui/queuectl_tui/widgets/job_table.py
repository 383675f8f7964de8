"""The job table: of a million rows, those near the screen are loaded.

The cursor and the marks are job ids. When rows are added or removed, the row under the cursor keeps its line on the
screen; one that leaves the list while it has the cursor stays as a ghost until the next move, so that no key acts on
its neighbour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.message import Message

from queuectl.domain.record import replace
from queuectl_tui.keymap import bindings, of_scope
from queuectl_tui.widgets.row_source import MARKED
from queuectl_tui.widgets.table_rows import TableRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.binding import BindingType

    from queuectl.domain.errors import QueuectlError
    from queuectl.operations.context import Context
    from queuectl.store.job_pages import Row

MOVES = frozenset({"down", "up", "page_down", "page_up", "top", "end", "open", "mark", "range"})
"""The bindings of the scope `list` that the table handles."""


class JobTable(TableRows, can_focus=True):
    """Rows of jobs, read page by page: moving the cursor, and marking."""

    DEFAULT_CSS = """
    JobTable { height: 1fr; width: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1;
        scrollbar-background: $background; scrollbar-background-hover: $background;
        scrollbar-background-active: $background; scrollbar-color: $foreground 25%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(
        "list", but=frozenset(each.id for each in of_scope("list") if each.id.partition(".")[2] not in MOVES)
    )

    class Opened(Message):
        """A row was opened, by enter or a double click."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self._from_cursor(by)

    def action_page(self, by: int) -> None:
        """Move the cursor by screens."""
        self._from_cursor(by * max(self._height - 1, 1))

    def action_top(self) -> None:
        """Move to the first row."""
        if self.window.at_top and self.window.start == 0:
            self._go(0)
            return
        self._move(replace(self._top(), top=True))

    def action_end(self) -> None:
        """Move to the last row."""
        if self.window.at_end:
            self._go(self.window.total - 1)
            return
        self._move(replace(self._wanted(), end=True, below=self._height * 4))

    def action_open(self) -> None:
        """Open the job under the cursor."""
        if self.cursor_row is not None:
            self.post_message(self.Opened(self.cursor_row))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked row; open it on a double click."""
        if event.y == 0:
            return
        index = self._first + event.y - 1
        if self.window.row(index) is None:
            return
        self._go(index)
        if event.chain == 2:
            self.action_open()

    def action_mark(self) -> None:
        """Mark or unmark the row, and move to the next."""
        if self._cursor is None or self.is_ghost:
            return
        if self._cursor in self.marks:
            del self.marks[self._cursor]
        else:
            self.marks[self._cursor] = None
        self.post_message(self.Changed())
        self._from_cursor(1)
        self._refresh_lines()

    def action_range(self) -> None:
        """Begin a range here, or mark all rows from its beginning to here."""
        start, here = self._range, self._cursor_row
        if start is None or here is None:
            self._range = None if start is not None else here
            self.post_message(self.Changed())
            return
        first, last = self.window.place(start.id), self.window.place(here.id)
        self._range = None
        if first is not None and last is not None:
            low, high = sorted((first, last))
            self.mark([row.id for row in self.window.rows[low : high + 1] if row.id != self.window.ghost])
        elif self.sort.paged:
            self._mark_between(*sorted((start.seq, here.seq)))
        else:
            self.app.bell()
            self.post_message(self.Changed())

    def _mark_between(self, low: int, high: int) -> None:
        """Mark a range of seqs: most of these rows are not loaded."""
        self._mark_matching((low, high))

    def mark_all(self) -> None:
        """Mark all jobs of the filter, and no others."""
        self._mark_matching(None)

    def _mark_matching(self, between: tuple[int, int] | None) -> None:
        """Read the ids of the filter and mark them, unless the filter has changed by then."""
        chosen, reader, generation = self.filter, self._app.reader, self._generation

        def request(context: Context) -> list[str]:
            return context.store.job_pages.ids(chosen, limit=MARKED, between=between, stop=reader.check)

        def answer(ids: list[str]) -> None:
            if generation != self._generation:
                return
            self._marking = -1
            self.mark(ids, only=between is None)
            if len(ids) >= MARKED:
                self._app.say(f"marked the newest {MARKED:,}; no more can be marked at once")

        def failed(error: QueuectlError | None) -> None:
            if error is not None and generation == self._generation:
                self._marking = -1
                self._app.refuse(f"nothing was marked: {error.message}")

        self._marking = generation
        reader.ask(request, answer, "mark", failed)

    @property
    def in_range(self) -> bool:
        """Whether a range has begun."""
        return self._range is not None

    def mark(self, ids: Sequence[str], *, only: bool = False) -> None:
        """Mark jobs, in addition or (`only`) exclusively."""
        if only:
            self.marks.clear()
        self.marks.update(dict.fromkeys(ids))
        self._refresh_lines()
        self.post_message(self.Changed())

    def reset(self) -> None:
        """Start over at the first row, without marks: the rows are of another store."""
        self.clear_marks()
        self._cursor = self._cursor_row = None
        self.choose(self.filter)

    def clear_marks(self) -> bool:
        """Clear all marks; return False if there were none."""
        had = bool(self.marks) or self._range is not None
        self.marks.clear()
        self._range = None
        if had:
            self._refresh_lines()
            self.post_message(self.Changed())
        return had
