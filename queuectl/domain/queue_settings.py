"""Settings of a queue, and its pause."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.record import record

ALL = ""
"""In place of a name: all queues, also those that do not exist yet. It has a pause and no settings."""
MAX_WEIGHT = 1000
MAX_RUNNING = 1_000_000


@record
class Pause:
    """A pause of a queue: none of its jobs is started. It lasts until the queue is resumed, also over restarts."""

    at: int
    """When the queue was paused, in milliseconds since the epoch."""
    by: str
    """Who paused it: `user@host`."""
    reason: str | None = None


@record
class QueueSettings:
    """Settings of a queue; those that are None are not set."""

    name: str
    limit: int | None = None
    """Jobs that may run at a time; None: any number."""
    weight: int = 1
    """Of due jobs of equal priority, one of the queue with the fewest running jobs for its weight is started first."""
    max_retries: int | None = None
    """Retries of jobs that are enqueued without a number of retries; None: the setting of the configuration."""
    timeout_ms: int | None = None
    """Time limit of attempts of jobs without one; None: the setting of the configuration."""
    priority: int | None = None
    """Priority of jobs that are enqueued without one; None: 0."""
    pause: Pause | None = None


def is_unset(settings: QueueSettings) -> bool:
    """Return whether nothing is set, so that there is nothing to store."""
    return settings == QueueSettings(name=settings.name)


def check_limit(value: int) -> int:
    """Return a number of jobs that may run at a time. Raises UsageError."""
    if value < 1:
        raise UsageError("limit must be at least 1", hint="to start none of its jobs: queuectl queue pause NAME")
    if value > MAX_RUNNING:
        raise UsageError(f"limit must be at most {MAX_RUNNING:,}", hint="for no limit: --limit none")
    return value


def check_weight(value: int) -> int:
    """Return a weight. Raises UsageError."""
    if not 1 <= value <= MAX_WEIGHT:
        raise UsageError(f"weight must be from 1 to {MAX_WEIGHT}")
    return value
