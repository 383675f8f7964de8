"""Audit events."""

from __future__ import annotations

from queuectl.domain.record import record


@record
class Event:
    """One row of the audit log: who did what, when."""

    seq: int
    at: int
    actor: str
    """`user@host`, or a worker's name."""
    verb: str
    subject: str | None
    """A job, worker, pool or setting."""
    detail: str | None
    command: str | None
    """The command line that did it, or an equivalent one; None where no operator was involved."""
