"""Workers and the pools that keep them, as they are written down."""

from __future__ import annotations

from queuectl.domain.record import record


@record
class PoolInfo:
    """A supervisor and what it was asked for."""

    id: str
    host: str
    pid: int
    queues: tuple[str, ...]
    """Empty: every queue."""
    size: int
    """Workers wanted."""
    labels: tuple[str, ...] = ()
    """What its workers have that jobs may need."""
    stop: str | None = None
    """`drain` or `now` once an operator has asked for the end."""
    started_at: int = 0
    lease_left_ms: int | None = None
    """By the server's clock, where several hosts share the store; not above 0: not heard of for too long."""


@record
class WorkerInfo:
    """A process that runs one job at a time."""

    id: str
    pool: str
    host: str
    boot_id: str
    pid: int
    pid_start: int | None
    """When the process started, by its kernel: a recycled pid has another."""
    started_at: int = 0
    completed: int = 0
    failed: int = 0
    """Attempts that neither succeeded nor were ended because somebody wanted it."""
    job: str | None = None
    """The id of the job that it runs."""
    lease_left_ms: int | None = None
    """As of a pool."""
    renewed_at: int | None = None
    """When it last renewed its lease, in milliseconds since the epoch."""


@record
class WorkerLife:
    """From when to when a worker was there, and which jobs it could have run."""

    id: str
    pool: str
    queues: tuple[str, ...]
    """Empty: every queue."""
    started_at: int
    stopped_at: int | None
    """None while it is there."""
