"""What a pool and a worker are started with, and what a worker may be told later."""

from __future__ import annotations

from enum import IntEnum

from queuectl.domain.record import record


class Stop(IntEnum):
    """What a worker was told to do."""

    NO = 0
    DRAIN = 1
    """Finish the running job, take no other."""
    NOW = 2
    """End the running job and put it back."""


@record
class Assignment:
    """What a worker is started with."""

    id: str
    pool: str
    queues: tuple[str, ...]
    """Empty: every queue."""
    labels: tuple[str, ...]
    """What it has that jobs may need."""
    drain: bool
    """Leave when nothing is left to run."""
    supervisor: int
    """The process that keeps the pool; without it the worker leaves after its job."""


@record
class PoolParams:
    """What a pool is asked for."""

    size: int
    queues: tuple[str, ...] = ()
    """Empty: every queue."""
    labels: tuple[str, ...] = ()
    """What its workers have that jobs may need."""
    drain: bool = False
    """End when nothing is left to run."""
    brief: bool = False
    """Log only what a person should see."""
    quiet: bool = False
    """Log only what went wrong: not even that the pool starts, stops or is scaled."""
