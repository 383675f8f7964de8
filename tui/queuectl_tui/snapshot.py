"""What the reader hands to the views: frozen, so that two threads can look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.errors import QueuectlError
from queuectl.domain.job import JobState
from queuectl.domain.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuectl.domain.worker import PoolInfo
    from queuectl.runtime.liveness import LiveWorker
    from queuectl.store.job_pages import Row
    from queuectl.store.recent import Storm


@record
class Snapshot:
    """The whole queue at a glance. Its cost does not depend on how many jobs there are."""

    at: int
    """When it was read, in milliseconds since the epoch."""
    counts: dict[str, int]
    """Jobs by state; every state is there."""
    total: int
    store: str = ""
    """Which store it was: another file, or another server, has another one. Empty before anything was read."""
    workers: tuple[LiveWorker, ...] = ()
    pools: tuple[PoolInfo, ...] = ()
    in_rate: float = 0.0
    """Jobs enqueued a second, over the last minute."""
    out_rate: float = 0.0
    """Attempts that ended a second, over the last minute."""
    oldest_due_ms: int | None = None
    """For how long the job that has waited longest has been due; None if nothing waits."""
    changed: int = 0
    """Differs from the last one when the store has changed since, or another one is read."""
    error: str | None = None
    """Why the store could not be read: everything else is the last that was."""
    failure: QueuectlError | None = None
    """The same with its hint."""
    never: bool = False
    """Whether nothing has been read yet: `at` is then when that was first tried."""
    finished: tuple[int, ...] = ()
    """Attempts that ended in each minute of the last hour, the oldest first."""
    storm: Storm | None = None
    """Many jobs of a queue that failed just now with the same error."""
    watched: Mapping[str, Row] | None = None
    """The watched jobs that exist; None where none was asked for."""
    asked: frozenset[str] = frozenset()
    """The jobs that were watched when it was read."""
    read_ms: float = 0.0
    """What reading it took."""

    @property
    def busy(self) -> int:
        """Workers that run a job."""
        return sum(worker.info.job is not None for worker in self.workers)

    @property
    def left(self) -> tuple[LiveWorker, ...]:
        """Workers whose pool is gone: its supervisor was killed, and each ends with the job that it runs."""
        pools = {pool.id for pool in self.pools}
        return tuple(worker for worker in self.workers if worker.info.pool not in pools)

    @property
    def told_of_left(self) -> str:
        """What those workers do, in words."""
        busy = sum(worker.info.job is not None for worker in self.left)
        if not busy:
            return "its workers leave"
        return "1 worker finishes its job" if busy == 1 else f"{busy} workers finish their jobs"

    @property
    def wanted(self) -> int:
        """Workers that the pools were asked for."""
        return sum(pool.size for pool in self.pools)


def mistake(error: Exception) -> QueuectlError:
    """What is said of an error that is ours, in one line: it must take neither a thread nor the console down."""
    return QueuectlError(f"internal: {type(error).__name__}: {' '.join(str(error).split())[:200]}")


def nothing(at: int, failure: QueuectlError | None = None) -> Snapshot:
    """Before the first read."""
    counts = dict.fromkeys((state.value for state in JobState), 0)
    error = None if failure is None else failure.message
    return Snapshot(at=at, counts=counts, total=0, error=error, failure=failure, never=True)
