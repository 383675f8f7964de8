"""Workers and pools, as the store records them."""

from __future__ import annotations

from queuectl.domain.record import record


@record
class PoolInfo:
    """A supervisor with its workers, and its orders."""

    id: str
    host: str
    pid: int
    queues: tuple[str, ...]
    """Empty: every queue."""
    size: int
    """Number of workers ordered."""
    labels: tuple[str, ...] = ()
    """Labels that its workers have and jobs may need."""
    stop: str | None = None
    """`drain` or `now` once an operator has ordered a stop."""
    started_at: int = 0
    lease_left_ms: int | None = None
    """Rest of the lease by the server's clock, where several hosts share the store; 0 or less: expired."""


@record
class WorkerInfo:
    """A process that runs one job at a time."""

    id: str
    """Its ID."""
    pool: str
    """The pool that it belongs to."""
    host: str
    """The host that it runs on."""
    boot_id: str
    pid: int
    """Its process, on that host."""
    pid_start: int | None
    """Start time of the process, as its kernel reports it: a recycled pid has another."""
    started_at: int = 0
    completed: int = 0
    """Attempts that succeeded."""
    failed: int = 0
    """Attempts that neither succeeded nor were ended by request."""
    job: str | None = None
    """Id of the job that it runs; None while it runs none."""
    lease_left_ms: int | None = None
    """As for a pool."""
    renewed_at: int | None = None
    """Time of its last lease renewal, in milliseconds since the epoch."""


@record
class WorkerLife:
    """The lifetime of a worker, and the queues that it served."""

    id: str
    pool: str
    queues: tuple[str, ...]
    """Empty: every queue."""
    started_at: int
    stopped_at: int | None
    """None while the worker lives."""
