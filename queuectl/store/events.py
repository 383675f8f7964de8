"""The audit log, and statistics by minute."""

from __future__ import annotations

import json
import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any, Protocol

    from queuectl.domain.event import Event
    from queuectl.store.database import Database

    class Keeping(Protocol):
        """Recorder of jobs' states for an action that can be undone (store/undo.py)."""

        keeps: bool

        def before_by_id(self, ids: Sequence[str]) -> list[int]:
            """Record these jobs as they are; return their seqs."""

        def before(self, seqs: list[int], *, deleted: bool = False) -> list[int]:
            """Record these jobs as they are; return their seqs."""

        def states(self, seqs: Sequence[int]) -> None:
            """Record state and priority of these jobs of a selection."""

        def after(self, seqs: list[int]) -> None:
            """Record these jobs as the action left them."""

        def row(self, kind: str, name: str, before: str | None, after: str | None) -> None:
            """Record a row of another table than jobs, as JSON, as the action found and left it; None for no row."""

        def write_down(self) -> None:
            """Record the action, once, with its first event."""


_PAGE = 1000


class Events:
    """Audit events and statistics by minute. Its writes belong into a transaction of the caller."""

    def __init__(self, database: Database, actor: str) -> None:
        """Record events as `actor`: `user@host`, or a worker's name."""
        self._database = database
        self.actor = actor
        self.command: str | None = None
        """The command line of the current action, or an equivalent one; set by front ends."""
        self.keeping: Keeping | None = None
        """Recorder of jobs' previous states, set during an action that can be undone (store/undo.py)."""
        self._counted: dict[tuple[int, str, str, int], int] = {}

    def note(self, now: int, verb: str, subject: str | None = None, detail: str | None = None) -> None:
        """Record that the actor did `verb` to `subject`."""
        self._database.run(
            "insert_event",
            at=now,
            actor=self.actor,
            verb=verb,
            subject=subject,
            detail=detail,
            command=self.command,
        )
        if self.keeping is not None:
            self.keeping.write_down()

    def count(self, now: int, queue: str, measure: str, n: int = 1, *, duration_ms: int = 0) -> None:
        """Add `n` to this minute's `measure` (`enqueued`, `wait` or an outcome) of `queue`; `write_down` stores it."""
        key = (now // 60_000, queue, measure, bucket(duration_ms))
        self._counted[key] = self._counted.get(key, 0) + n

    def write_down(self) -> None:
        """Store the counts. A worker does so about once a second: once per job would cost a page each."""
        if self._counted:
            self._database.run("count_stats", rows=self.counted())
            self.forget()

    def counted(self) -> str:
        """Return the counts that are not stored yet, as JSON."""
        # Sorted by key: two writers that lock the same rows in different order would deadlock.
        return json.dumps([[*key, n] for key, n in sorted(self._counted.items())])

    def forget(self) -> None:
        """Reset the counts, after they were stored."""
        self._counted.clear()

    def since(self, minute: int) -> dict[str, int]:
        """Return the count of each measure from `minute` (since the epoch) on."""
        return dict(self._database.rows("stats_since", minute=minute))

    def since_by_queue(self, minute: int) -> dict[str, dict[str, int]]:
        """Return the same for each queue."""
        found: dict[str, dict[str, int]] = {}
        for queue, measure, n in self._database.rows("stats_by_queue_since", minute=minute):
            found.setdefault(queue, {})[measure] = n
        return found

    def events(self, *, limit: int, subject: str | None = None) -> list[Event]:
        """Return the newest `limit` events, newest last; of one subject, or of all.

        The events of one subject do not include its enqueue, which no index covers: a job's own record has the time.
        """
        if subject is None:
            rows = self._database.rows("newest_events", limit=limit)
        else:
            rows = self._database.rows("newest_events_of", subject=subject, limit=limit)
        return list(_events(reversed(rows)))

    def listing(self, *, limit: int, subject: str | None = None) -> Iterator[Event]:
        """Yield the same events, 0 for all, page by page: a million take no more memory than a thousand."""
        of = "" if subject is None else "_of"
        words = {} if subject is None else {"subject": subject}
        newest = self._database.rows("event_back" + of, back=0, **words)
        if not newest:
            return
        ((last,),) = newest
        before = self._database.rows("event_back" + of, back=limit, **words) if limit else ()
        after = before[0][0] if before else 0
        while rows := self._database.rows(f"events{of}_in_order", after=after, last=last, limit=_PAGE, **words):
            yield from _events(rows)
            after = rows[-1][0]


def _events(rows: Iterable[Any]) -> Iterator[Event]:
    from queuectl.domain.event import Event

    for seq, at, actor, verb, subject, detail, command in rows:
        yield Event(seq=seq, at=at, actor=actor, verb=verb, subject=subject, detail=detail, command=command)


def bucket(duration_ms: int) -> int:
    """Return the histogram bucket of a duration: four per doubling, so that a percentile is accurate to a fifth."""
    return int(4 * math.log2(max(duration_ms, 0) + 1))
