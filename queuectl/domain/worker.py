"""Workers and pools, as the store records them."""

from __future__ import annotations

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_OF_JOB = "job\t"
"""With a control character, which no queue has in its name."""


def queue_of_job(seq: int) -> str:
    """Return the queue, in which nothing is ever enqueued, of workers that run this one job and no other."""
    return f"{_OF_JOB}{seq}"


def job_of_queues(queues: Sequence[str]) -> int | None:
    """Return the number of the only job that workers of these queues run; None for workers of ordinary queues."""
    if len(queues) == 1 and queues[0].startswith(_OF_JOB):
        return int(queues[0].removeprefix(_OF_JOB))
    return None


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

    @property
    def only_job(self) -> int | None:
        """The number of the only job that it runs, for the pool of a `run --local`."""
        return job_of_queues(self.queues)


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
