"""The reader's results for the views: immutable, so that two threads can share them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.errors import QueuectlError
from queuectl.domain.job import JobState
from queuectl.domain.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuectl.domain.queue_settings import Pause
    from queuectl.domain.worker import PoolInfo
    from queuectl.runtime.liveness import LiveWorker
    from queuectl.store.job_pages import Row
    from queuectl.store.recent import FailureBurst


@record
class Snapshot:
    """The state of the whole queue. Its cost does not depend on the number of jobs."""

    at: int
    """When it was read, in milliseconds since the epoch."""
    counts: dict[str, int]
    """Number of jobs by state, including states without jobs."""
    total: int
    store: str = ""
    """Identity of the store, which differs for another file or server; empty before the first read."""
    workers: tuple[LiveWorker, ...] = ()
    pools: tuple[PoolInfo, ...] = ()
    in_rate: float = 0.0
    """Jobs enqueued per second, over the last minute."""
    out_rate: float = 0.0
    """Attempts that ended per second, over the last minute."""
    oldest_due_ms: int | None = None
    """How long the oldest due job has been due, in milliseconds; None if no job is due."""
    changed: int = 0
    """Differs from the last one if the store has changed since, or is another store."""
    error: str | None = None
    """Why the store could not be read; all other fields are those of the last successful read."""
    failure: QueuectlError | None = None
    """The same error, with its hint."""
    never: bool = False
    """Whether nothing has been read yet; `at` is then the time of the first try."""
    finished: tuple[int, ...] = ()
    """Attempts that ended in each minute of the last hour, the oldest first."""
    burst: FailureBurst | None = None
    """The current failure burst: many jobs of a queue that failed with the same error."""
    paused: tuple[str, ...] = ()
    """The queues that are paused by name."""
    pause_of_all: Pause | None = None
    """The pause of all queues, if they are paused together."""
    watched: Mapping[str, Row] | None = None
    """The watched jobs that exist; None if no job is watched."""
    asked: frozenset[str] = frozenset()
    """Ids of the jobs that were watched when it was read."""
    read_ms: float = 0.0
    """Duration of the read, in milliseconds."""

    @property
    def busy(self) -> int:
        """Number of workers that run a job."""
        return sum(worker.info.job is not None for worker in self.workers)

    @property
    def orphaned_workers(self) -> tuple[LiveWorker, ...]:
        """Workers whose supervisor has died; each exits when its job ends."""
        pools = {pool.id for pool in self.pools}
        return tuple(worker for worker in self.workers if worker.info.pool not in pools)

    @property
    def orphans_text(self) -> str:
        """What the orphaned workers do, in words."""
        busy = sum(worker.info.job is not None for worker in self.orphaned_workers)
        if not busy:
            return "its idle workers stop"
        return "1 worker finishes its job" if busy == 1 else f"{busy} workers finish their jobs"

    def is_paused(self, queue: str) -> bool:
        """Return whether no job of this queue is started before it is resumed."""
        return self.pause_of_all is not None or queue in self.paused

    @property
    def wanted(self) -> int:
        """Number of workers that the pools should have."""
        return sum(pool.size for pool in self.pools)


def internal_error(error: Exception) -> QueuectlError:
    """Wrap an unexpected exception as a one-line internal error, which ends neither a thread nor the console."""
    return QueuectlError(f"internal: {type(error).__name__}: {' '.join(str(error).split())[:200]}")


def empty_snapshot(at: int, failure: QueuectlError | None = None) -> Snapshot:
    """Return the snapshot that is shown before the first read."""
    counts = dict.fromkeys((state.value for state in JobState), 0)
    error = None if failure is None else failure.message
    return Snapshot(at=at, counts=counts, total=0, error=error, failure=failure, never=True)
