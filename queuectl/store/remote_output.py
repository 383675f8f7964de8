"""The output of running jobs on its way to somebody on another host: sent only while there is somebody.

Whoever looks says so, for a few seconds at a time; the worker sends the newest bytes of each stream, each time in the
place of what it sent before. What was printed in between is not on its way: it comes with the result.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database

_STREAMS = {"out": 1, "err": 2}
WATCHED_MS = 5000
"""For how long somebody counts as looking."""
_SAID_FOR = 2.0


class RemoteOutput:
    """Live output over the store."""

    def __init__(self, database: Database) -> None:
        """Send it through `database`."""
        self._database = database
        self._said: dict[int, float] = {}

    def watch(self, job: int) -> str | None:
        """Say that somebody looks at this job, from now on for a few seconds; the worker that must be told.

        None where it was told a moment ago, and for a job that does not run. So one may ask with each look.
        """
        now = time.monotonic()
        if now < self._said.get(job, 0.0):
            return None
        self._said = {each: until for each, until in self._said.items() if now < until}
        self._said[job] = now + _SAID_FOR
        rows = self._database.rows("watch", job=job, **{"for": WATCHED_MS})
        return rows[0][0] if rows else None

    def send(self, job: int, fence: int, stream: str, total: int, tail: bytes) -> bool:
        """Send the newest bytes of a stream, `out` or `err`, of which there were `total`; False if nobody looks."""
        return bool(
            self._database.run("send_output", job=job, fence=fence, stream=_STREAMS[stream], total=total, tail=tail)
        )

    def sent(self, job: int, fence: int, stream: str, *, known: int = -1) -> tuple[int, bytes] | None:
        """How many bytes of a stream there were, and the last of them; None where there are no more than `known`."""
        rows = self._database.rows("sent_output", job=job, fence=fence, stream=_STREAMS[stream], known=known)
        return (rows[0][0], bytes(rows[0][1])) if rows else None

    def discard(self, job: int, fence: int) -> None:
        """The result is there: what was sent is of no more use."""
        self._database.run("discard_output", job=job, fence=fence)

    def forget(self) -> None:
        """Take away what nobody came for."""
        self._database.run("forget_watches")
        self._database.run("forget_outputs")
