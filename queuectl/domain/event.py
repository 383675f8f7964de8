"""Somebody did something."""

from __future__ import annotations

from queuectl.domain.record import record


@record
class Event:
    """A row of who did what."""

    seq: int
    at: int
    actor: str
    """`user@host`, or a worker's name."""
    verb: str
    subject: str | None
    """A job, worker, pool or setting."""
    detail: str | None
    command: str | None
    """The command line that did it, or would have; None where it was no operator's doing."""
