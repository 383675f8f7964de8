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
    """What was done."""
    subject: str | None
    """The job, worker, pool or setting that it was done to; None for an action on a selection of jobs."""
    detail: str | None
    """More about it, in words; None where there is no more."""
    command: str | None
    """The command line that did it, or an equivalent one; None where no operator was involved."""
