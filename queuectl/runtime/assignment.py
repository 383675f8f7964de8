"""Start parameters of pools and workers, and the stop orders that a worker may receive."""

from __future__ import annotations

from enum import IntEnum

from queuectl.domain.record import record


class Stop(IntEnum):
    """A stop order."""

    NO = 0
    DRAIN = 1
    """Finish the running job, claim no other."""
    NOW = 2
    """End the running job and put it back."""


class StopOrder:
    """The strongest stop order that a worker has received."""

    def __init__(self) -> None:
        """Start with none."""
        self.level = Stop.NO

    def raise_to(self, level: Stop) -> None:
        """Receive a stop order. A weaker one changes nothing."""
        self.level = max(self.level, level)


@record
class Assignment:
    """Start parameters of one worker."""

    id: str
    pool: str
    queues: tuple[str, ...]
    """Empty: every queue."""
    labels: tuple[str, ...]
    """Labels of the worker: what it offers to jobs that need them."""
    drain: bool
    """Whether the worker exits when no job is left to run."""
    supervisor: int
    """Pid of the supervisor; without it the worker exits after its job."""


@record
class PoolParams:
    """Start parameters of a pool."""

    size: int
    queues: tuple[str, ...] = ()
    """Empty: every queue."""
    labels: tuple[str, ...] = ()
    """Labels of its workers: what they offer to jobs that need them."""
    drain: bool = False
    """Whether the pool ends when no job is left to run."""
    brief: bool = False
    """Whether the log leaves out what went well."""
    quiet: bool = False
    """Whether the log holds errors only: not even that the pool starts, stops or is scaled."""
    counts_dead: bool = False
    """Whether the jobs that died in its attempts are counted at its end."""
