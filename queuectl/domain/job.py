"""One shell command and what has become of it."""

from __future__ import annotations

from enum import StrEnum

from queuectl.domain.record import record


class JobState(StrEnum):
    """Where a job stands. `failed` waits for its retry, `held` for somebody to release it; `dead` is a dead letter."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"
    HELD = "held"


NEXT: dict[JobState, frozenset[JobState]] = {
    JobState.PENDING: frozenset({JobState.PROCESSING, JobState.CANCELLED, JobState.HELD}),
    JobState.PROCESSING: frozenset(
        {JobState.COMPLETED, JobState.FAILED, JobState.DEAD, JobState.PENDING, JobState.CANCELLED}
    ),
    JobState.FAILED: frozenset({JobState.PROCESSING, JobState.PENDING, JobState.CANCELLED, JobState.HELD}),
    JobState.COMPLETED: frozenset({JobState.PENDING}),
    JobState.DEAD: frozenset({JobState.PENDING}),
    JobState.CANCELLED: frozenset({JobState.PENDING}),
    JobState.HELD: frozenset({JobState.PENDING, JobState.FAILED, JobState.CANCELLED}),
}
"""The transition table. The schema's trigger says the same; a test holds the two together."""

TAKEN_BACK: dict[JobState, frozenset[JobState]] = {
    JobState.PENDING: frozenset({JobState.COMPLETED, JobState.FAILED, JobState.DEAD}),
    JobState.CANCELLED: frozenset({JobState.FAILED, JobState.HELD}),
}
"""What only an undo may do beside that: put a job back to where it was before a retry or a cancel."""

READY = frozenset({JobState.PENDING, JobState.FAILED})
"""May be claimed once due."""
FINAL = frozenset({JobState.COMPLETED, JobState.DEAD, JobState.CANCELLED})
"""Nothing happens to it any more unless somebody asks."""
WAITING = READY | {JobState.HELD}
"""Not final, and not running either."""


@record
class NewJob:
    """A job as it is asked for. Times are milliseconds since the epoch, durations milliseconds."""

    command: str
    """Runs through `/bin/sh -c`, byte for byte."""
    id: str | None = None
    """None: the job is called by its number in the store."""
    queue: str = "default"
    priority: int = 0
    """Higher runs first; ties go to the job that has been due for longer."""
    max_retries: int | None = None
    """None: what the store is configured to at the time of the enqueue."""
    timeout_ms: int | None = None
    """None: what the store is configured to at the time of the attempt."""
    run_at: int | None = None
    """None: at once."""
    delay_ms: int | None = None
    """From the time of the enqueue; not together with `run_at`."""
    cwd: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    """Labels that a worker must have to run it, sorted; empty: any worker will do."""


@record
class Job:
    """A job as it is stored. Times are milliseconds since the epoch, durations milliseconds."""

    seq: int
    """Its number in the store: grows with every enqueue, never reused, the only name that files are given."""
    id: str
    command: str
    queue: str
    state: JobState
    priority: int
    attempts: int
    """Attempts that count against the budget: raised by a claim, given back by a loss or a release.

    0 after a retry by hand.
    """
    max_retries: int
    """Retries after the first attempt, so a job that always fails makes `max_retries + 1` attempts."""
    losses: int
    """Attempts lost with their worker since the last one that ended by itself."""
    timeout_ms: int | None
    run_at: int
    """Not claimed before this. A failed job's is the time of its retry."""
    created_at: int
    updated_at: int
    finished_at: int | None
    """Set exactly in the final states."""
    fence: int
    """Raised by every claim. What an attempt writes carries its fence, so that a late worker changes nothing."""
    owner: str | None
    """The worker that runs it, exactly while `processing`."""
    cancel_requested: int
    """The signal that a cancel asked for, 0 for none. Its worker ends the tree and finishes it as cancelled."""
    cwd: str | None
    env: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]
    signature: str | None = None
    """Which error its last failed attempt ended with (domain/signature.py); None if none has failed yet."""
    needs: tuple[str, ...] = ()
    """Labels that a worker must have to run it, sorted; empty: any worker will do."""
