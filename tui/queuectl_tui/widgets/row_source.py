"""Reading the rows of the table: this runs in the reader's thread."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from queuectl.domain.record import record, replace
from queuectl.store.job_pages import Sort

if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.domain.filter import Filter
    from queuectl.operations.context import Context
    from queuectl.store.job_pages import Row, Window
    from queuectl_tui.duration_estimates import DurationEstimates, Pace

COUNTED = 10_000
"""Maximum count of matches of a text; beyond it, "10,000+" is shown."""
MARKED = 100_000
"""Maximum number of jobs that can be marked."""
_RANKED = 3000
_RARELY = 20
"""A slow count is repeated only after this multiple of its duration."""


@record
class Wanted:
    """A request for rows."""

    filter: Filter
    sort: Sort
    reverse: bool
    generation: int
    """Changes with filter and sort order; results of an older one are dropped."""
    around: int | None = None
    """The seq to read around; None for the top."""
    end: bool = False
    """Whether the cursor goes to the last row."""
    top: bool = False
    """Whether the cursor goes to the first row."""
    step: int = 0
    """By how many rows the cursor moves once they are loaded."""
    share: float | None = None
    """A position without a known seq: 0 is the top, 1 the end."""
    above: int = 0
    below: int = 0
    cursor: str | None = None
    """The job whose row is read too, whether it is still in the list or not."""
    line: int = 0
    """The screen line on which `around` is to be shown."""
    index: int = 0
    """The expected index of `around` in the list."""

    @property
    def moves(self) -> bool:
        """Whether the cursor moves to another row once the rows are loaded."""
        return self.end or self.top or self.step != 0


@record
class Found:
    """The rows that were read."""

    wanted: Wanted
    window: Window
    total: int
    more: bool
    """Whether there are more than `total`."""
    cursor: Row | None
    around: int | None
    """The seq that the rows were read around."""
    earlier: int
    """Number of rows before that one."""
    took: float
    """Duration of the read in seconds."""


class Counter:
    """Counts matches, and caches slow counts for a while. Used in the reader's thread only."""

    def __init__(self) -> None:
        """Start without a count."""
        self._of: Filter | None = None
        self._known = 0
        self._until = 0.0

    def count(self, context: Context, chosen: Filter, stop: Callable[[], None]) -> int:
        """Return the number of matches."""
        started = time.monotonic()
        if chosen == self._of and started < self._until and not chosen.by_counters:
            return self._known
        self._known = context.store.job_pages.count(chosen, cap=COUNTED, stop=stop)
        self._of = chosen
        ended = time.monotonic()
        self._until = ended + min((ended - started) * _RARELY, 10.0)
        return self._known


def read(
    context: Context, wanted: Wanted, counter: Counter, estimates: DurationEstimates, stop: Callable[[], None]
) -> Found:
    """Read the rows around a position, their total number, and the row under the cursor."""
    started = time.monotonic()
    browse = context.store.job_pages
    around = wanted.around
    if wanted.share is not None and wanted.sort.paged:
        low, high = browse.range_of(wanted.filter)
        share = wanted.share if wanted.sort is Sort.OLDEST else 1 - wanted.share
        around = low + round((high - low) * share)
    if wanted.end:
        window = browse.end(wanted.filter, wanted.sort, limit=wanted.below, stop=stop)
    else:
        window = browse.window(
            wanted.filter,
            wanted.sort,
            around=around,
            above=wanted.above,
            below=wanted.below,
            cap=_RANKED,
            stop=stop,
        )
    if wanted.sort is Sort.LATE:
        window = _late_first(window, estimates.paces(context, window.rows, with_progress=False), context.now())
    if wanted.reverse and not wanted.sort.paged:
        window = _reversed(window)
    total = counter.count(context, wanted.filter, stop) if wanted.sort.paged else len(window.rows)
    known = {row.id: row for row in window.rows}
    cursor = known.get(wanted.cursor) if wanted.cursor else None
    if cursor is None and wanted.cursor is not None:
        cursor = browse.these([wanted.cursor]).get(wanted.cursor)
    earlier = 0
    if around is not None and wanted.sort.paged:
        newest = wanted.sort is Sort.NEWEST
        earlier = sum((row.seq > around) if newest else (row.seq < around) for row in window.rows)
    return Found(
        wanted=wanted,
        window=window,
        total=total,
        more=not wanted.filter.by_counters and wanted.sort.paged and total >= COUNTED,
        cursor=cursor,
        around=around,
        earlier=earlier,
        took=time.monotonic() - started,
    )


def _reversed(window: Window) -> Window:
    from queuectl.store.job_pages import Window as Made

    return Made(rows=window.rows[::-1], at_top=window.at_end, at_end=window.at_top, above=window.above)


def _late_first(window: Window, paces: dict[str, Pace], now: int) -> Window:
    """Sort running jobs by lateness; the others keep their order."""

    def place(row: Row) -> float:
        return -paces[row.id].lateness(now) if row.id in paces else 1.0

    return replace(window, rows=tuple(sorted(window.rows, key=place)))
