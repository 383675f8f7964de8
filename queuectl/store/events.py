"""What is remembered beside the jobs: who did what, and how much of it there was in each minute."""

from __future__ import annotations

import json
import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from queuectl.domain.event import Event
    from queuectl.store.database import Database

    class Keeping(Protocol):
        """An action that can be undone (store/undo.py)."""

        keeps: bool

        def before_by_id(self, ids: Sequence[str]) -> list[int]:
            """Keep these jobs as they are, and return their seqs."""

        def before(self, seqs: list[int], *, deleted: bool = False) -> list[int]:
            """Keep these jobs as they are, and return their seqs."""

        def after(self, seqs: list[int]) -> None:
            """Keep how the action has left these jobs."""

        def write_down(self) -> None:
            """Record the action, once, with its first event."""


class Events:
    """Events and per-minute statistics. What it writes belongs into a transaction."""

    def __init__(self, database: Database, actor: str) -> None:
        """Write as `actor`: `user@host`, or a worker's name."""
        self._database = database
        self.actor = actor
        self.command: str | None = None
        """The command line of what is being done, or what would have done it; front ends say it."""
        self.keeping: Keeping | None = None
        """What writes down how jobs were, while something is done that can be taken back (store/undo.py)."""
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
        """Add `n` to this minute's `measure` (`enqueued`, `wait` or an outcome) of `queue`; `write_down` writes it."""
        key = (now // 60_000, queue, measure, bucket(duration_ms))
        self._counted[key] = self._counted.get(key, 0) + n

    def write_down(self) -> None:
        """Write what has been counted. A worker does so about once a second: with each job it would cost a page."""
        if self._counted:
            self._database.run("count_stats", rows=self.counted())
            self.forget()

    def counted(self) -> str:
        """What has been counted and is not written yet, as JSON."""
        # In the order of the key: two who write the same rows must not wait for each other.
        return json.dumps([[*key, n] for key, n in sorted(self._counted.items())])

    def forget(self) -> None:
        """Begin to count anew: what was counted is written."""
        self._counted.clear()

    def since(self, minute: int) -> dict[str, int]:
        """How often each measure was counted from `minute` (since the epoch) on."""
        return dict(self._database.rows("stats_since", minute=minute))

    def events(self, *, limit: int, subject: str | None = None) -> list[Event]:
        """The newest `limit` events, newest last; of one subject, or of all.

        Of one subject without its enqueue, which no index knows: a job's own record has the time.
        """
        from queuectl.domain.event import Event

        if subject is None:
            rows = self._database.rows("newest_events", limit=limit)
        else:
            rows = self._database.rows("newest_events_of", subject=subject, limit=limit)
        return [
            Event(seq=seq, at=at, actor=actor, verb=verb, subject=about, detail=detail, command=command)
            for seq, at, actor, verb, about, detail, command in reversed(rows)
        ]


def bucket(duration_ms: int) -> int:
    """The histogram bucket of a duration: four for each doubling, so that a percentile is right within a fifth."""
    return int(4 * math.log2(max(duration_ms, 0) + 1))
