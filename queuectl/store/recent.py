"""What ended lately: how long it took, and whether much of it failed with one error. Each look at it is bounded."""

from __future__ import annotations

from queuectl.domain.attempt import FAILURES
from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database

_LOOKED_AT = 400
"""Jobs of either state that a look for a storm reads at most."""


@record
class Took:
    """A job that has completed, and how long its last attempt took."""

    seq: int
    queue: str
    command: str
    """The first 500 letters."""
    duration_ms: int


@record
class Storm:
    """Jobs of one queue that failed within a short time with the same error."""

    signature: str
    text: str
    queue: str
    jobs: int


class Recent:
    """Reads what has just ended."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    def took(self, *, below: int | None = None, limit: int) -> list[Took]:
        """The newest `limit` completed jobs, of those numbered below `below`."""
        rows = self._database.rows("took", below=below, limit=limit)
        return [
            Took(seq=seq, queue=queue, command=command, duration_ms=duration) for seq, queue, command, duration in rows
        ]

    def storm(self, *, since: int, least: int) -> Storm | None:
        """The error that most jobs of one queue have failed with since then; None for fewer than `least`.

        The figures of each minute tell whether it is worth a look, so that a quiet queue costs one short read.
        """
        failures = sum(
            n for _, measure, n in self._database.rows("stats_by_minute", minute=since // 60_000) if measure in FAILURES
        )
        if failures < least:
            return None
        rows = self._database.rows("failed_lately", since=since, among=_LOOKED_AT, least=least)
        if not rows:
            return None
        signature, queue, jobs, text = rows[0]
        return Storm(signature=signature, text=text or "an error that was not kept", queue=queue, jobs=jobs)
