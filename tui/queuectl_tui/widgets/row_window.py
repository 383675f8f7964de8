"""The loaded rows of the table, and their position in the whole list. No painting, no store access."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from queuectl.store.job_pages import Row, Sort, Window


class RowWindow:
    """A contiguous range of rows, and the ghost of one that disappeared while it had the cursor."""

    def __init__(self) -> None:
        """Create an empty window."""
        self.rows: list[Row] = []
        self.start = 0
        """Number of rows before the first loaded one; an estimate where they were not counted."""
        self.total = 0
        self.at_top = self.at_end = True
        self.loaded = False
        """Whether anything has been loaded yet."""
        self.ghost: str | None = None
        """The id of the row that is kept although it has left the list."""
        self._places: dict[str, int] = {}

    def adopt(self, window: Window, *, total: int, guess: int) -> None:
        """Replace the rows; `guess` is the number of rows before them, if that was not counted."""
        self.rows = list(window.rows)
        self.ghost = None
        self.at_top, self.at_end, self.loaded = window.at_top, window.at_end, True
        count = len(self.rows)
        if window.above is not None:
            self.start = window.above
        elif window.at_end:
            self.start = max(total - count, 1)
        else:
            self.start = max(min(guess, total - count - 1), 1)
        self.total = self.start + count if window.at_end else max(total, self.start + count + 1)
        self._index()

    def keep_departed_row(self, row: Row, sort: Sort, *, index: int | None) -> bool:
        """Keep `row` at its sorted place, or at its old `index`; False if that is outside the loaded rows."""
        if sort.paged:
            numbers = [each.seq for each in self.rows]
            newest = sort.value == "newest"
            place = bisect_left([-n for n in numbers], -row.seq) if newest else bisect_left(numbers, row.seq)
            outside = (place == 0 and not self.at_top) or (place == len(numbers) and not self.at_end)
        else:
            place = min(max((index or 0) - self.start, 0), len(self.rows))
            outside = False
        if outside:
            return False
        self.rows.insert(place, row)
        self.total += 1
        self.ghost = row.id
        self._index()
        return True

    def drop_departed_row(self) -> None:
        """Remove the ghost."""
        if self.ghost is not None:
            place = self._places.get(self.ghost)
            self.ghost = None
            if place is not None:
                del self.rows[place]
                self.total -= 1
                self._index()

    def place(self, id_: str | None) -> int | None:
        """Return the index of a job among the loaded rows."""
        return None if id_ is None else self._places.get(id_)

    def index(self, id_: str | None) -> int | None:
        """Return the index of a job in the whole list."""
        place = self.place(id_)
        return None if place is None else self.start + place

    def row(self, index: int) -> Row | None:
        """Return the row at an index of the whole list, if it is loaded."""
        place = index - self.start
        return self.rows[place] if 0 <= place < len(self.rows) else None

    def covers(self, first: int, last: int) -> bool:
        """Return whether all existing rows from `first` to `last` are loaded."""
        low_enough = first >= self.start or self.at_top
        return low_enough and (last < self.start + len(self.rows) or self.at_end)

    def nearest(self, seq: int, sort: Sort) -> int:
        """Return the index among the loaded rows of the first row at or after `seq`, for an order by seq."""
        if sort.value == "newest":
            return min(bisect_left([-row.seq for row in self.rows], -seq), len(self.rows) - 1)
        return min(bisect_left([row.seq for row in self.rows], seq), len(self.rows) - 1)

    def _index(self) -> None:
        self._places = {row.id: place for place, row in enumerate(self.rows)}
