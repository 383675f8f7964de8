"""Who is there: what the store says of pools and workers, held against their locks."""

from __future__ import annotations

import os
from enum import StrEnum

from queuectl.domain.record import record
from queuectl.runtime import host, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.worker import PoolInfo, WorkerInfo
    from queuectl.runtime.place import Place
    from queuectl.store.store import Store

_STALE_MS = 5000


class WorkerState(StrEnum):
    """What a worker is up to."""

    IDLE = "idle"
    BUSY = "busy"
    STALE = "stale"
    """It holds its lock but has shown no sign of life for five seconds."""


@record
class WorkerSeen:
    """A living worker of this host, or one of another host that the store believes in."""

    info: WorkerInfo
    state: WorkerState
    cpu_seconds: float | None
    """Processor time it has used in all, without its jobs; None where it cannot be told."""
    memory_bytes: int | None
    last_beat_at: int | None
    """Milliseconds since the epoch."""


def living_workers(store: Store, place: Place, *, now: int) -> list[WorkerSeen]:
    """The workers that live, the oldest first. The dead that nobody has cleared up yet are left out."""
    seen = []
    for info in store.fleet.running_workers():
        if not lives(info, place):
            continue
        path = os.path.join(place.workers, info.id)
        beat_at = _modified(path)
        used = host.usage(info.pid)
        stale = beat_at is not None and now - beat_at > _STALE_MS
        busy = WorkerState.BUSY if info.job is not None else WorkerState.IDLE
        seen.append(
            WorkerSeen(
                info=info,
                state=WorkerState.STALE if stale else busy,
                cpu_seconds=None if used is None else used[0],
                memory_bytes=None if used is None else used[1],
                last_beat_at=beat_at,
            )
        )
    return seen


def lives(worker: WorkerInfo, place: Place) -> bool:
    """Whether a worker of this host is alive: its lock is held, and not by a steward that clears up after it."""
    return (
        worker.host == os.uname().nodename
        and not locks.is_free(os.path.join(place.workers, worker.id))
        and (worker.pid_start is None or host.is_same(worker.pid, worker.pid_start))
    )


def living_pools(store: Store, place: Place) -> list[PoolInfo]:
    """The pools of this host whose supervisor lives."""
    return [pool for pool in store.fleet.running_pools() if not locks.is_free(os.path.join(place.pools, pool.id))]


def has_ended(pool: PoolInfo, place: Place) -> bool:
    """Whether nobody holds the supervisor's lock; one that was taken away tells nothing of who held it."""
    path = os.path.join(place.pools, pool.id)
    return locks.is_free(path) if os.path.exists(path) else host.start_time(pool.pid) is None


def _modified(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns // 1_000_000
    except OSError:
        return None
