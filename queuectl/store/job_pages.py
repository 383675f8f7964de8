"""Pages of jobs, for a table over a million of them.

By number (newest or oldest first) every page costs the same, wherever it is. Other orders have no index: they sort
only the newest jobs, up to `BEST`, and the console labels them so.
"""

from __future__ import annotations

import json
from enum import StrEnum
from heapq import merge
from itertools import islice
from typing import NamedTuple

from queuectl.domain.job import READY, JobState
from queuectl.domain.record import record, replace
from queuectl.store.criteria import criteria

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from queuectl.domain.filter import Filter
    from queuectl.store.database import Database

BEST = 2000
"""Number of jobs that an order without an index reads."""
_FIRST_STRETCH, _LONGEST_STRETCH = 4_000, 64_000
"""Numbers that one statement scans: growing, because a filter without early matches has few matches."""
_LEVELS = 100


class Sort(StrEnum):
    """Orders of the table."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NEXT_RUN = "next run"
    DURATION = "duration"
    ATTEMPTS = "attempts"
    LATE = "late"

    @property
    def paged(self) -> bool:
        """Whether the order covers all jobs, page by page."""
        return self in {Sort.NEWEST, Sort.OLDEST}


class Row(NamedTuple):
    """A job in the table; compared and hashed by all of its values."""

    seq: int
    id: str
    command: str
    """Its first 500 characters."""
    queue: str
    state: str
    priority: int
    attempts: int
    max_retries: int
    run_at: int
    created_at: int
    finished_at: int | None
    cancel_requested: int
    fence: int
    worker: str | None
    """Of the latest attempt, as are the following fields."""
    started_at: int | None
    duration_ms: int | None
    outcome: str | None
    exit_code: int | None
    signal: int | None


@record
class Window:
    """Consecutive rows in order."""

    rows: tuple[Row, ...]
    at_top: bool
    """No row precedes them."""
    at_end: bool
    """No row follows them."""
    above: int | None = None
    """Number of preceding rows, where counting is cheap."""


class JobPages:
    """Reader of pages. `stop` is called between the steps of a long read, and raises to end it."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    def window(
        self,
        chosen: Filter,
        sort: Sort,
        *,
        around: int | None,
        above: int,
        below: int,
        cap: int = 0,
        stop: Callable[[], None] = lambda: None,
    ) -> Window:
        """Return `above` rows before and `below` rows from number `around` on; from the top for None.

        `cap`: count the preceding rows, up to this number.
        """
        if not sort.paged:
            rows = tuple(self.best(chosen, sort, stop=stop))
            return Window(rows=rows, at_top=True, at_end=True, above=0)
        newest = sort is Sort.NEWEST
        if around is None:
            rows = tuple(self.page(chosen, newest=newest, after=None, limit=below + 1, stop=stop))
            return Window(rows=rows[:below], at_top=True, at_end=len(rows) <= below, above=0)
        before = around - 1 if not newest else around + 1
        # The page that follows `before` begins with `around` itself.
        later = self.page(chosen, newest=newest, after=before, limit=below + 1, stop=stop)
        limit = above + max(below - len(later), 0)
        earlier = self.page(chosen, newest=not newest, after=around, limit=limit + 1, stop=stop)
        at_top, at_end = len(earlier) <= limit, len(later) <= below
        rows = (*reversed(earlier[:limit]), *later[:below])
        counted: int | None = 0 if at_top else None
        if not at_top and cap and rows:
            counted = self.rank(chosen, rows[0].seq, newest=newest, cap=cap, stop=stop)
        return Window(rows=rows, at_top=at_top, at_end=at_end, above=counted)

    def end(self, chosen: Filter, sort: Sort, *, limit: int, stop: Callable[[], None] = lambda: None) -> Window:
        """Return the last `limit` rows."""
        if not sort.paged:
            return self.window(chosen, sort, around=None, above=0, below=0, stop=stop)
        rows = self.page(chosen, newest=sort is Sort.OLDEST, after=None, limit=limit + 1, stop=stop)
        at_top = len(rows) <= limit
        return Window(rows=tuple(reversed(rows[:limit])), at_top=at_top, at_end=True, above=0 if at_top else None)

    def page(
        self,
        chosen: Filter,
        *,
        newest: bool,
        after: int | None,
        limit: int,
        stop: Callable[[], None] = lambda: None,
    ) -> list[Row]:
        """Return the next `limit` rows after number `after`, downwards for `newest`, else upwards."""
        name = "browse_newest" if newest else "browse_oldest"
        return [Row(*row) for row in self._walk(name, chosen, newest=newest, after=after, limit=limit, stop=stop)]

    def ids(
        self,
        chosen: Filter,
        *,
        limit: int,
        between: tuple[int, int] | None = None,
        stop: Callable[[], None] = lambda: None,
    ) -> list[str]:
        """Return the ids of the newest `limit` matches, newest first; `between`: only numbers in this range."""
        rows = self._walk("browse_ids", chosen, newest=True, after=None, limit=limit, stop=stop, between=between)
        return [id_ for _, id_ in rows]

    def these(self, ids: Sequence[str]) -> dict[str, Row]:
        """Return rows by id, of those jobs that exist."""
        rows = (Row(*row) for row in self._database.rows("browse_these", ids=json.dumps(list(ids))))
        return {row.id: row for row in rows}

    def best(self, chosen: Filter, sort: Sort, *, stop: Callable[[], None] = lambda: None) -> list[Row]:
        """Return up to `BEST` rows in an order that has no pages."""
        if sort is Sort.NEXT_RUN:
            return self._next(chosen, stop)
        if sort is Sort.LATE:
            return self._running_first(chosen, stop)
        rows = self.page(chosen, newest=True, after=None, limit=BEST, stop=stop)
        if sort is Sort.ATTEMPTS:
            return sorted(rows, key=lambda row: (-row.attempts, -row.fence, -row.seq))
        # A running job has no duration yet: its start time stands in, the longest first.
        return sorted(
            rows,
            key=lambda row: (
                row.state != JobState.PROCESSING,
                (row.started_at or 0) if row.state == JobState.PROCESSING else -(row.duration_ms or -1),
                -row.seq,
            ),
        )

    def _running_first(self, chosen: Filter, stop: Callable[[], None]) -> list[Row]:
        """Return running jobs, the longest first, then the newest: the store does not know how late a job is."""
        running: list[Row] = []
        if not chosen.states or JobState.PROCESSING in chosen.states:
            only = replace(chosen, states=(JobState.PROCESSING,))
            running = self.page(only, newest=False, after=None, limit=BEST, stop=stop)
        others = self.page(chosen, newest=True, after=None, limit=BEST, stop=stop)
        running.sort(key=lambda row: (row.started_at or 0, row.seq))
        return running + [row for row in others if row.state != JobState.PROCESSING][: BEST - len(running)]

    def _next(self, chosen: Filter, stop: Callable[[], None]) -> list[Row]:
        """Return running jobs, then waiting jobs in the order in which they will run, then all others.

        Of the waiting jobs, those that are due come by priority, the others by time.
        """
        wanted = set(chosen.states) or set(JobState)
        rows = []
        if JobState.PROCESSING in wanted:
            rows = self.page(replace(chosen, states=(JobState.PROCESSING,)), newest=False, after=None, limit=BEST)
        ready = [state for state in READY if state in wanted]
        if ready:
            rows += self._ready(chosen, None if len(ready) > 1 else ready[0])
        rest = tuple(state for state in JobState if state in wanted - READY - {JobState.PROCESSING})
        if rest and len(rows) < BEST:
            limit = BEST - len(rows)
            rows += self.page(replace(chosen, states=rest), newest=True, after=None, limit=limit, stop=stop)
        return rows[:BEST]

    def _ready(self, chosen: Filter, state: JobState | None) -> Iterator[Row]:
        """Return waiting jobs in the order in which they will run; only those in `state`, if it is given."""
        words = {**criteria(chosen, self._database), "state": state}
        levels = []
        for (priority,) in self._database.rows("ready_priorities", limit=_LEVELS):
            levels.append(self._database.rows("browse_next", priority=priority, limit=BEST, **words))
        for needs, queue, priority, _ in self._database.rows("heads_needing")[:_LEVELS]:
            if not chosen.queues or queue in chosen.queues:
                levels.append(
                    self._database.rows(
                        "browse_next_needing", needs=needs, of=queue, priority=priority, limit=BEST, **words
                    )
                )
        rows = (map(Row._make, level) for level in levels)
        return islice(merge(*rows, key=lambda row: (row.run_at, -row.priority, row.seq)), BEST)

    def count(self, chosen: Filter, *, cap: int, stop: Callable[[], None] = lambda: None) -> int:
        """Return the number of matches: exact where the counters have it, else up to `cap`."""
        if chosen.by_counters:
            states = {state.value for state in chosen.states}
            return sum(
                n
                for queue, state, n in self._database.rows("counts")
                if (not states or state in states) and (not chosen.queues or queue in chosen.queues)
            )
        return self._count(chosen, above=None, cap=cap, stop=stop)

    def rank(
        self, chosen: Filter, seq: int, *, newest: bool, cap: int, stop: Callable[[], None] = lambda: None
    ) -> int | None:
        """Return the number of matches before number `seq`; None for more than `cap`."""
        count = self._count(chosen, above=(seq, newest), cap=cap + 1, stop=stop)
        return None if count > cap else count

    def range_of(self, chosen: Filter) -> tuple[int, int]:
        """Return the lowest and the highest number that a match can have."""
        if not chosen.states:
            ((low, high),) = self._database.rows("seq_range")
            return low, high
        ranges = [self._database.rows("seq_range_in_state", state=state.value)[0] for state in chosen.states]
        non_empty = [each for each in ranges if each[1]]
        return (min(low for low, _ in non_empty), max(high for _, high in non_empty)) if non_empty else (0, 0)

    def rates(self, now: int) -> tuple[float, float]:
        """Return jobs enqueued and attempts ended per second, over the last minute."""
        minute, into = divmod(now, 60_000)
        enqueued = {minute: 0, minute - 1: 0}
        ended = dict(enqueued)
        for at, measure, n in self._database.rows("stats_by_minute", minute=minute - 1):
            if at in enqueued and measure != "wait":
                counts = enqueued if measure == "enqueued" else ended
                counts[at] += n
        # Weight of the previous minute: the part of it that is less than a minute ago.
        part = 1 - into / 60_000
        per_second = [(each[minute - 1] * part + each[minute]) / 60 for each in (enqueued, ended)]
        return per_second[0], per_second[1]

    def finished(self, minute: int, minutes: int) -> tuple[int, ...]:
        """Return the number of attempts that ended in each of the last `minutes`, the oldest first."""
        series = [0] * minutes
        first = minute - minutes + 1
        for at, measure, n in self._database.rows("stats_by_minute", minute=first):
            if measure not in {"enqueued", "wait"} and 0 <= at - first < minutes:
                series[at - first] += n
        return tuple(series)

    def _count(self, chosen: Filter, *, above: tuple[int, bool] | None, cap: int, stop: Callable[[], None]) -> int:
        low, high = self.range_of(chosen)
        if above is not None:
            seq, newest = above
            low, high = (seq + 1, high) if newest else (low, seq - 1)
        words = criteria(chosen, self._database)
        total = 0
        for from_, to in _stretches(chosen, low, high, newest=True):
            for state in chosen.states or (None,):
                name, state_is = _statement("browse_count", state)
                limit = cap - total
                ((n,),) = self._database.rows(name, **{"from": from_}, to=to, limit=limit, **state_is, **words)
                total += int(n)
                if total >= cap:
                    return total
            stop()
        return total

    def _walk(
        self,
        name: str,
        chosen: Filter,
        *,
        newest: bool,
        after: int | None,
        limit: int,
        stop: Callable[[], None],
        between: tuple[int, int] | None = None,
    ) -> list[tuple[Any, ...]]:
        low, high = self.range_of(chosen)
        if between is not None:
            low, high = max(low, between[0]), min(high, between[1])
        if after is not None:
            low, high = (low, min(high, after - 1)) if newest else (max(low, after + 1), high)
        words = criteria(chosen, self._database)
        states = tuple(dict.fromkeys(chosen.states)) or (None,)
        rows: list[tuple[Any, ...]] = []
        for from_, to in _stretches(chosen, low, high, newest=newest):
            streams = []
            for state in states:
                statement, state_is = _statement(name, state)
                streams.append(
                    self._database.rows(
                        statement, **{"from": from_}, to=to, limit=limit - len(rows), **state_is, **words
                    )
                )
            if len(streams) == 1:
                rows += streams[0]
            else:
                merged = merge(*streams, key=lambda row: row[0], reverse=newest)
                rows += islice(merged, limit - len(rows))
            if len(rows) >= limit:
                break
            stop()
        return rows


def _stretches(chosen: Filter, low: int, high: int, *, newest: bool) -> Iterator[tuple[int, int]]:
    """Yield `low` to `high` in growing pieces, from the top for `newest`; in one if no row can be filtered out."""
    size = _FIRST_STRETCH if chosen.queues or not chosen.by_counters else high - low + 1
    while low <= high:
        if newest:
            yield max(high - size + 1, low), high
            high -= size
        else:
            yield low, min(low + size - 1, high)
            low += size
        size = min(size * 2, _LONGEST_STRETCH)


def _statement(name: str, state: JobState | None) -> tuple[str, dict[str, str]]:
    return (name, {}) if state is None else (f"{name}_in_state", {"state": state.value})
