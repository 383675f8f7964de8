"""What is remembered beside the jobs: who did what, and how much of it there was in each minute."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database


class Journal:
    """Events and per-minute statistics. What it writes belongs into a transaction."""

    def __init__(self, database: Database, actor: str) -> None:
        """Write as `actor`: `user@host`, or a worker's name."""
        self._database = database
        self._actor = actor
        self._counted: dict[tuple[int, str, str, int], int] = {}

    def note(self, now: int, verb: str, subject: str | None = None, detail: str | None = None) -> None:
        """Record that the actor did `verb` to `subject`."""
        self._database.run("insert_event", at=now, actor=self._actor, verb=verb, subject=subject, detail=detail)

    def count(self, now: int, queue: str, measure: str, n: int = 1, *, duration_ms: int = 0) -> None:
        """Add `n` to this minute's `measure` (`enqueued`, `wait` or an outcome) of `queue`; `write_down` writes it."""
        key = (now // 60_000, queue, measure, bucket(duration_ms))
        self._counted[key] = self._counted.get(key, 0) + n

    def write_down(self) -> None:
        """Write what has been counted. A worker does so about once a second: with each job it would cost a page."""
        for (minute, queue, measure, bucket_), n in self._counted.items():
            self._database.run("count_stat", minute=minute, queue=queue, measure=measure, bucket=bucket_, n=n)
        self._counted.clear()

    def since(self, minute: int) -> dict[str, int]:
        """How often each measure was counted from `minute` (since the epoch) on."""
        return dict(self._database.rows("stats_since", minute=minute))


def bucket(duration_ms: int) -> int:
    """The histogram bucket of a duration: four for each doubling, so that a percentile is right within a fifth."""
    return int(4 * math.log2(max(duration_ms, 0) + 1))
