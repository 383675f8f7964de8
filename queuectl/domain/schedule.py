"""A schedule: when it enqueues its job, and what happens where that cannot be."""

from __future__ import annotations

from enum import StrEnum

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.queue_settings import Pause


class Overlap(StrEnum):
    """What a fire does while the job of the one before waits or runs."""

    SKIP = "skip"
    """It enqueues nothing."""
    ALLOW = "allow"
    """It enqueues another job."""
    REPLACE = "replace"
    """It cancels that job, and enqueues another once it has ended."""


class Missed(StrEnum):
    """What happens to times at which no pool ran."""

    ONCE = "once"
    """The job is enqueued once, for the last of them."""
    SKIP = "skip"
    """They are skipped."""
    ALL = "all"
    """The job is enqueued for each of them, up to `MOST_MISSED`."""


MOST_MISSED = 100
"""Missed times for which a job is enqueued, the newest ones."""
LATE_MS = 60_000
"""Milliseconds after its time from which a fire counts as missed."""


@record
class Timing:
    """When a schedule fires: by a cron expression in a time zone, or every so many milliseconds from a time on."""

    cron: str | None = None
    """Five fields, as typed; None for a schedule that fires at an interval."""
    every_ms: int | None = None
    zone: str | None = None
    """Name of the time zone of the cron expression."""
    since: int = 0
    """The time from which intervals are counted, in milliseconds since the epoch."""


@record
class Schedule:
    """A schedule as it is stored. Times are milliseconds since the epoch."""

    name: str
    """Its name."""
    timing: Timing
    overlap: Overlap = Overlap.SKIP
    """What a fire does while the job of the one before waits or runs."""
    missed: Missed = Missed.ONCE
    """What happens to times at which no pool ran."""
    jitter_ms: int = 0
    """Most milliseconds by which a job is due later than its planned time."""
    job: str
    """The job that it enqueues: the fields of a new job, as JSON."""
    environment: int | None = None
    """Number of the environment snapshot of its jobs; None: they have none."""
    created_at: int
    """When it was added."""
    created_by: str
    """Who added it: `user@host`."""
    pause: Pause | None = None
    """Its pause; None if it is not paused."""
    next_at: int | None
    """When it fires next; None if never again."""
    last_at: int | None = None
    """The last planned time that it has fired or skipped; no time up to it fires again."""


@record
class Fire:
    """A planned time of a schedule, and what was enqueued for it."""

    schedule: str
    planned_at: int
    """When the job was planned to be enqueued."""
    at: int
    """When it was enqueued, or skipped."""
    job: str | None
    """The ID of the job; None where none was enqueued."""
    skipped: str | None
    """Why no job was enqueued: `missed` or `overlap`; None where one was."""
