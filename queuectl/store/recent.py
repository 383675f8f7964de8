"""Recently ended attempts: durations, and bursts of failures with one error. Every query reads a bounded number."""

from __future__ import annotations

from queuectl.domain.attempt import FAILURES
from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database

_READ_AT_MOST = 400
"""Jobs of either state that a query for a burst of failures reads."""


@record
class Took:
    """A completed job and the duration of its last attempt."""

    seq: int
    queue: str
    command: str
    """Its first 500 characters."""
    duration_ms: int


@record
class FailureBurst:
    """A burst of failures: jobs of one queue that failed within a short time with the same error."""

    signature: str
    text: str
    queue: str
    jobs: int


class Recent:
    """Reader of recently ended attempts."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    def took(self, *, below: int | None = None, limit: int) -> list[Took]:
        """Return the newest `limit` completed jobs, of those numbered below `below`."""
        rows = self._database.rows("took", below=below, limit=limit)
        return [
            Took(seq=seq, queue=queue, command=command, duration_ms=duration) for seq, queue, command, duration in rows
        ]

    def failure_burst(self, *, since: int, least: int) -> FailureBurst | None:
        """Return the error with which most jobs of one queue have failed since then; None for fewer than `least`.

        The statistics by minute decide whether a full query is worthwhile, so that a quiet queue costs one short read.
        """
        failures = sum(
            n for _, measure, n in self._database.rows("stats_by_minute", minute=since // 60_000) if measure in FAILURES
        )
        if failures < least:
            return None
        rows = self._database.rows("failed_lately", since=since, among=_READ_AT_MOST, least=least)
        if not rows:
            return None
        signature, queue, jobs, text = rows[0]
        return FailureBurst(
            signature=signature, text=text or "an error that is no longer stored", queue=queue, jobs=jobs
        )
