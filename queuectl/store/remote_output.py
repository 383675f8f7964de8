"""Output of running jobs for viewers on other hosts: sent only while it is being watched.

A viewer announces itself for a few seconds at a time. The worker sends the newest bytes of each stream, each time
replacing what it sent before. What was printed in between is not sent; it arrives with the result.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database

_STREAMS = {"out": 1, "err": 2}
WATCHED_MS = 5000
"""How long an announcement of a viewer is valid."""
_ANNOUNCE_EVERY = 2.0
"""Seconds."""


class RemoteOutput:
    """Live output by way of the store."""

    def __init__(self, database: Database) -> None:
        """Send output through `database`."""
        self._database = database
        self._announced: dict[int, float] = {}

    def watch(self, job: int) -> str | None:
        """Announce a viewer of this job's output, for a few seconds; return the worker that must be notified.

        None if it was announced a moment ago, and for a job that is not running; so it may be called before each read.
        """
        now = time.monotonic()
        if now < self._announced.get(job, 0.0):
            return None
        self._announced = {each: until for each, until in self._announced.items() if now < until}
        self._announced[job] = now + _ANNOUNCE_EVERY
        rows = self._database.rows("watch", job=job, **{"for": WATCHED_MS})
        return rows[0][0] if rows else None

    def send(self, job: int, fence: int, stream: str, total: int, tail: bytes) -> bool:
        """Send the newest bytes of a stream (`out` or `err`) of `total` so far; return False if it has no viewer."""
        return bool(
            self._database.run("send_output", job=job, fence=fence, stream=_STREAMS[stream], total=total, tail=tail)
        )

    def sent(self, job: int, fence: int, stream: str, *, known: int = -1) -> tuple[int, bytes] | None:
        """Return the total of a stream's bytes, and the last of them; None when the total is at most `known`."""
        rows = self._database.rows("sent_output", job=job, fence=fence, stream=_STREAMS[stream], known=known)
        return (rows[0][0], bytes(rows[0][1])) if rows else None

    def discard(self, job: int, fence: int) -> None:
        """Delete what was sent, once the result is recorded."""
        self._database.run("discard_output", job=job, fence=fence)

    def forget(self) -> None:
        """Delete output that has no viewer any more."""
        self._database.run("forget_watches")
        self._database.run("forget_outputs")
