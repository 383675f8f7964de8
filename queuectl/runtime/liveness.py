"""Living pools and workers: the store's records checked against locks, or against leases on other hosts."""

from __future__ import annotations

import os
from enum import StrEnum

from queuectl.domain.record import record
from queuectl.runtime import locks, system
from queuectl.runtime.run_dir import age_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.worker import PoolInfo, WorkerInfo
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store

_STALE_MS = 5000


class WorkerState(StrEnum):
    """The state of a living worker."""

    IDLE = "idle"
    BUSY = "busy"
    STOPPING = "stopping"
    """It claims no more jobs, and exits once its running job, if any, has ended."""
    STALE = "stale"
    """It holds its lock but has shown no sign of life for five seconds."""


@record
class LiveWorker:
    """A living worker, its state and what it uses."""

    info: WorkerInfo
    state: WorkerState
    """What it does."""
    cpu_seconds: float | None
    """Processor time it has used in all, without its jobs; None where it cannot be measured."""
    memory_bytes: int | None
    """Memory that it uses, without its jobs; None where it cannot be measured."""
    last_beat_at: int | None
    """Milliseconds since the epoch."""
    stopping: bool = False
    """Whether it exits after its job, also where its state is `stale`."""


def living_workers(store: Store, run_dir: RunDir, *, now: int) -> list[LiveWorker]:
    """Return the living workers, the oldest first, without the dead ones that no steward has cleared up yet."""
    seen = []
    pools = {pool.id: pool for pool in living_pools(store, run_dir)}
    staying = dict.fromkeys(pools, 0)
    for info in store.workers.running_workers():
        if not lives(info, run_dir):
            continue
        pool = pools.get(info.pool)
        # Without its supervisor it exits too; of a pool that was scaled down, the youngest exit.
        stopping = pool is None or pool.stop is not None or staying[pool.id] >= pool.size
        if not stopping:
            staying[info.pool] += 1
        here = is_here(info, run_dir.workers)
        silent_for = age_ms(os.path.join(run_dir.workers, info.id)) if here else None
        used = system.usage(info.pid) if here else None
        stale = silent_for is not None and silent_for > _STALE_MS
        state = WorkerState.BUSY if info.job is not None else WorkerState.IDLE
        if stopping:
            state = WorkerState.STOPPING
        seen.append(
            LiveWorker(
                info=info,
                state=WorkerState.STALE if stale else state,
                cpu_seconds=None if used is None else used[0],
                memory_bytes=None if used is None else used[1],
                last_beat_at=now - silent_for if silent_for is not None else info.renewed_at,
                stopping=stopping,
            )
        )
    return seen


def is_here(info: WorkerInfo | PoolInfo, directory: str) -> bool:
    """Return whether its lock is in the lock `directory` of this host; else only its lease shows whether it lives.

    The name of the host is not enough where several share a store: two may have the same one.
    """
    return info.host == os.uname().nodename and (
        info.lease_left_ms is None or os.path.exists(os.path.join(directory, info.id))
    )


def lives(worker: WorkerInfo, run_dir: RunDir) -> bool:
    """Return whether a worker is alive: its lock is held, and not by a steward that clears up after it."""
    if not is_here(worker, run_dir.workers):
        return worker.lease_left_ms is not None and worker.lease_left_ms > 0
    return not locks.is_free(os.path.join(run_dir.workers, worker.id)) and (
        worker.pid_start is None or system.is_same(worker.pid, worker.pid_start)
    )


def works_elsewhere(worker: WorkerInfo) -> bool:
    """Return whether the worker lives, given that it does not work on this store.

    Then this store is a copy of the one it works on.
    """
    return (
        worker.boot_id == system.boot_id()
        and worker.pid_start is not None
        and system.is_same(worker.pid, worker.pid_start)
    )


def living_pools(store: Store, run_dir: RunDir, on: str | None = None) -> list[PoolInfo]:
    """Return the pools whose supervisor lives, of the host `on` or of all."""
    return [pool for pool in store.workers.running_pools(on) if pool_lives(pool, run_dir)]


def pool_lives(pool: PoolInfo, run_dir: RunDir) -> bool:
    """Return whether a pool's supervisor lives: its lock is held, or on another host its lease has not expired."""
    if not is_here(pool, run_dir.pools):
        return pool.lease_left_ms is not None and pool.lease_left_ms > 0
    return not locks.is_free(os.path.join(run_dir.pools, pool.id))


def has_ended(pool: PoolInfo, run_dir: RunDir) -> bool:
    """Return whether the supervisor's lock is free; if the lock file was deleted, whether its process has ended."""
    path = os.path.join(run_dir.pools, pool.id)
    return locks.is_free(path) if os.path.exists(path) else system.start_time(pool.pid) is None
