"""The job under the cursor of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from queuectl.store.job_pages import Row, Sort
    from queuectl_tui.widgets.row_source import Found
    from queuectl_tui.widgets.row_window import RowWindow

_SETTLE = 0.15
"""Seconds for which a row that has just changed under the cursor ignores keys."""


class RowCursor:
    """The row under the cursor, as it was last read. The cursor is on a job, wherever its row moves."""

    def __init__(self, window: RowWindow) -> None:
        """Create a cursor on none of the rows of `window`."""
        self._window = window
        self.row: Row | None = None
        self._changed_at = float("-inf")

    @property
    def id(self) -> str | None:
        """The job's id."""
        return None if self.row is None else self.row.id

    @property
    def index(self) -> int | None:
        """The index of its row in the whole list; None if it is not among the loaded rows."""
        return self._window.index(self.id)

    @property
    def is_ghost(self) -> bool:
        """Whether the row has left the list."""
        return self.row is not None and self._window.ghost == self.row.id

    def has_settled(self, now: float) -> bool:
        """Return whether a key may act on the row: it has not changed in the last moment."""
        return now - self._changed_at >= _SETTLE

    def put(self, row: Row) -> bool:
        """Put the cursor on a row; return whether that is another job."""
        if row.id == self.id:
            return False
        self.row = row
        self._changed_at = float("-inf")
        return True

    def follow(self, found: Found, *, was_at: int | None, keep: bool, now: float) -> None:
        """Place the cursor on its row again among the rows that were read: in the list, or as a ghost.

        `was_at` is the row's index before; without `keep`, a cursor whose row has left goes to the first row.
        """
        window, before = self._window, self.row
        if (found.wanted.end or found.wanted.top) and window.rows:
            row: Row | None = window.rows[-1 if found.wanted.end else 0]
        else:
            place = window.place(self.id)
            row = None if place is None else window.rows[place]
        if row is not None:
            if before is not None and before.id == row.id and before.state != row.state:
                self._changed_at = now
            self.row = row
        elif before is None or not keep or not self._keep_absent(before, found, was_at, now):
            self.row = window.rows[0] if window.rows else None

    def _keep_absent(self, before: Row, found: Found, was_at: int | None, now: float) -> bool:
        """Keep the cursor on a row that is not among the loaded ones, if that is possible."""
        latest = found.cursor if found.cursor is not None and found.cursor.id == before.id else before
        sort: Sort = found.wanted.sort
        if was_at is not None and self._window.keep_departed_row(latest, sort, index=was_at):
            self._changed_at = now
        elif was_at is not None and not self._window.rows:
            return False
        # Else it is out of view: it is found again by its seq at the next move.
        self.row = latest
        return True
