"""A job (one shell command) and its states."""

from __future__ import annotations

from enum import StrEnum

from queuectl.domain.record import record


class JobState(StrEnum):
    """The state of a job. `failed` waits for its retry, `held` for a release; `dead` is in the dead letter queue."""

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
"""The transition table. The schema's trigger holds the same rules; a test compares the two."""

TAKEN_BACK: dict[JobState, frozenset[JobState]] = {
    JobState.PENDING: frozenset({JobState.COMPLETED, JobState.FAILED, JobState.DEAD}),
    JobState.CANCELLED: frozenset({JobState.FAILED, JobState.HELD}),
}
"""Further transitions, allowed only for an undo: back to the state before a retry or a cancel."""

READY = frozenset({JobState.PENDING, JobState.FAILED})
"""States in which a job may be claimed once due."""
FINAL = frozenset({JobState.COMPLETED, JobState.DEAD, JobState.CANCELLED})
"""States that only an operator's action changes."""
WAITING = READY | {JobState.HELD}
"""States that are neither final nor running."""


@record
class NewJob:
    """A job to be enqueued. Times are milliseconds since the epoch, durations milliseconds."""

    command: str
    """Run through a shell, byte for byte; one that begins with `#!` as a script file would."""
    id: str | None = None
    """None: the job's number in the store becomes its id."""
    queue: str = "default"
    priority: int | None = None
    """Higher runs first; ties go to the job that has been due for longer. None: that of its queue, else 0."""
    max_retries: int | None = None
    """None: that of its queue, else the store's setting, at the time of the enqueue."""
    timeout_ms: int | None = None
    """None: that of its queue, else the store's setting, at the time of the attempt."""
    run_at: int | None = None
    """None: due at once."""
    delay_ms: int | None = None
    """Counted from the time of the enqueue; excludes `run_at`."""
    cwd: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    """Labels that a worker must have to run the job, sorted; empty: any worker."""
    shell: str | None = None
    """None: the store's setting at the time of the attempt."""
    schedule: str | None = None
    """The schedule that enqueues it."""
    scheduled_for: int | None = None
    """The planned time for which the schedule enqueues it."""


@record
class Job:
    """A job as it is stored. Times are milliseconds since the epoch, durations milliseconds."""

    seq: int
    """The job's number in the store: grows with every enqueue, never reused; files are named by it alone."""
    id: str
    """Its ID: the one that it was enqueued with, else its number."""
    command: str
    """What runs, byte for byte."""
    queue: str
    """The queue that it is in."""
    state: JobState
    """What it waits for, that it runs, or how it ended."""
    priority: int
    """Higher runs first; ties go to the job that has been due for longer."""
    attempts: int
    """Attempts that count against the budget: plus one at a claim, minus one after a loss or a release.

    A retry by hand sets it to 0.
    """
    max_retries: int
    """Retries after the first attempt: a job that always fails makes `max_retries + 1` attempts."""
    losses: int
    """Attempts lost with their worker since the last attempt that ended by itself."""
    timeout_ms: int | None
    run_at: int
    """The job is not claimed before this time. For a failed job, the time of its retry."""
    created_at: int
    """When it was enqueued."""
    updated_at: int
    """When it last changed."""
    finished_at: int | None
    """When it became final; None in every other state."""
    fence: int
    """Raised by every claim. An attempt's writes name its fence, so that a stale worker changes nothing."""
    owner: str | None
    """The worker that runs the job; set exactly while `processing`."""
    cancel_requested: int
    """The signal that a cancel asked for, 0 for none. The worker ends the process tree and records `cancelled`."""
    cwd: str | None
    """The directory that it runs in; None: that of its worker."""
    env: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]
    """Words that selectors find it by."""
    signature: str | None = None
    """Error signature of the last failed attempt; None while none has failed."""
    needs: tuple[str, ...] = ()
    """Labels that a worker must have to run the job, sorted; empty: any worker."""
    environment: int | None = None
    """Number of its environment snapshot, which other jobs may share; None: it has none."""
    shell: str | None = None
    """The shell that runs it; None: the setting."""
    enqueued_by: str | None = None
    """Who enqueued it, as `user@host`; None for a job of a version that did not record it."""
    schedule: str | None = None
    """The schedule that enqueued it; None if none did."""
    scheduled_for: int | None = None
    """The planned time for which the schedule enqueued it; None if none did."""
