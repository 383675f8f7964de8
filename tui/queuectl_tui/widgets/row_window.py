"""Which rows the table has at hand, and where in the whole list they stand. No painting, no store."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from queuectl.store.job_pages import Row, Sort, Window


class RowWindow:
    """A stretch of rows without a gap, and the ghost of one that has left it while it had the cursor."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.rows: list[Row] = []
        self.start = 0
        """Rows before the first that is at hand; a guess where they were not counted."""
        self.total = 0
        self.at_top = self.at_end = True
        self.loaded = False
        """Whether anything has arrived yet."""
        self.ghost: str | None = None
        """The id of the row that stands here although it has left."""
        self._places: dict[str, int] = {}

    def adopt(self, window: Window, *, total: int, guess: int) -> None:
        """Take what was read; `guess` is how many rows come before it, if that was not counted."""
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

    def haunt(self, row: Row, sort: Sort, *, index: int | None) -> bool:
        """Keep `row` where it would stand, or at its old `index`; False when that is not among the rows at hand."""
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

    def lay_ghost(self) -> None:
        """Let the ghost go."""
        if self.ghost is not None:
            place = self._places.get(self.ghost)
            self.ghost = None
            if place is not None:
                del self.rows[place]
                self.total -= 1
                self._index()

    def place(self, id_: str | None) -> int | None:
        """Where a job stands among the rows at hand."""
        return None if id_ is None else self._places.get(id_)

    def index(self, id_: str | None) -> int | None:
        """Where a job stands in the whole list."""
        place = self.place(id_)
        return None if place is None else self.start + place

    def row(self, index: int) -> Row | None:
        """The row that stands there, if it is at hand."""
        place = index - self.start
        return self.rows[place] if 0 <= place < len(self.rows) else None

    def covers(self, first: int, last: int) -> bool:
        """Whether all rows from `first` to `last` that exist are at hand."""
        low_enough = first >= self.start or self.at_top
        return low_enough and (last < self.start + len(self.rows) or self.at_end)

    def nearest(self, seq: int, sort: Sort) -> int:
        """The place of the first row that stands at number `seq` or after it, for an order by number."""
        if sort.value == "newest":
            return min(bisect_left([-row.seq for row in self.rows], -seq), len(self.rows) - 1)
        return min(bisect_left([row.seq for row in self.rows], seq), len(self.rows) - 1)

    def _index(self) -> None:
        self._places = {row.id: place for place, row in enumerate(self.rows)}
