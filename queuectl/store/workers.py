"""Pools and workers, and the orders of operators to them."""

from __future__ import annotations

import json

from queuectl.domain.phrases import plural
from queuectl.domain.worker import PoolInfo, WorkerInfo, WorkerLife

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.store.database import Database
    from queuectl.store.events import Events

FIRST_LEASE_MS = 30_000
"""The default of the setting `lease`."""
_KEPT_MS = 86_400_000
"""How long a stopped worker stays in the table."""


class Workers:
    """The pools and workers of a store."""

    def __init__(self, database: Database, events: Events) -> None:
        """Work in `database`; record changes in `events`."""
        self._database = database
        self._events = events

    def add_pool(self, pool: PoolInfo, *, lease_ms: int = FIRST_LEASE_MS, now: int) -> None:
        """Record a pool that has started, and delete those that stopped more than a day ago.

        Where several hosts share the store, the pool counts as alive until the lease expires.
        """
        with self._database.transaction():
            self._database.run("forget_workers", before=now - _KEPT_MS)
            self._database.run("forget_pools", before=now - _KEPT_MS)
            self._database.run(
                "insert_pool",
                id=pool.id,
                host=pool.host,
                pid=pool.pid,
                queues=json.dumps(pool.queues),
                labels=json.dumps(pool.labels),
                size=pool.size,
                lease=lease_ms,
                now=now,
            )
            self._events.note(now, "start_pool", pool.id, f"{pool.size} {plural(pool.size, 'worker')}")

    def running_pools(self, host: str | None = None) -> list[PoolInfo]:
        """Return pools, of one host or all, that are not recorded as stopped; dead ones may be among them."""
        return [
            PoolInfo(
                id=id_,
                host=host_,
                pid=pid,
                queues=tuple(json.loads(queues)),
                labels=tuple(json.loads(labels)),
                size=size,
                stop=stop,
                started_at=at,
                lease_left_ms=left,
            )
            for id_, host_, pid, queues, labels, size, stop, at, left in self._database.rows("running_pools", host=host)
        ]

    def has_host(self, host: str) -> bool:
        """Return whether a pool runs on this host, or did during the last day."""
        return bool(self._database.rows("has_host", host=host)[0][0])

    def orders(self, pool: str) -> tuple[int, str | None] | None:
        """Return the ordered size and stop (`drain`, `now` or None); None for a pool that was written off."""
        rows = self._database.rows("orders_of_pool", id=pool)
        return rows[0] if rows else None

    def stop_ordered(self, pool: str) -> str | None:
        """Return the stop ordered of a pool (`drain`, `now`), even if it was written off since; None for none."""
        rows = self._database.rows("stop_of_pool", id=pool)
        return rows[0][0] if rows else None

    def order_stop(self, stop: str, *, host: str | None = None, now: int) -> list[str]:
        """Order every running pool, or those of one host, to stop (`drain` or `now`); return these pools.

        A `now` cannot be reverted to `drain`.
        """
        with self._database.transaction():
            pools = [id_ for (id_,) in self._database.rows("order_stop", stop=stop, host=host)]
            for pool in pools:
                self._events.note(now, "stop_pool", pool, stop)
        return pools

    def record_stop(self, pool: str, stop: str, *, wait: float) -> None:
        """Record that a signal has stopped a pool (`drain` or `now`): it shows, but is no event of an operator.

        Raises StoreBusy where the store is locked for `wait` seconds.
        """
        with self._database.transaction(wait=wait):
            self._database.run("record_stop", id=pool, stop=stop)

    def order_size(self, pool: str, size: int, *, now: int) -> bool:
        """Order another number of workers from a pool; False when the pool has stopped."""
        with self._database.transaction():
            found = bool(self._database.rows("order_size", id=pool, size=size))
            if found:
                self._events.note(now, "scale_pool", pool, f"{size} {plural(size, 'worker')}")
        return found

    def stop_pool(self, pool: str, *, now: int) -> bool:
        """Record that a pool has stopped; False when that was recorded before."""
        with self._database.transaction():
            found = bool(self._database.run("stop_pool", id=pool, now=now))
            if found:
                self._events.note(now, "pool_stopped", pool)
        return found

    def add_worker(self, worker: WorkerInfo, *, lease_ms: int = FIRST_LEASE_MS, now: int) -> None:
        """Record a worker that has started, with its first lease where several hosts share the store."""
        with self._database.transaction():
            self._database.run(
                "insert_worker",
                id=worker.id,
                pool=worker.pool,
                host=worker.host,
                boot_id=worker.boot_id,
                pid=worker.pid,
                pid_start=worker.pid_start,
                lease=lease_ms,
                now=now,
            )

    def running_workers(self, host: str | None = None) -> list[WorkerInfo]:
        """Return workers, of one host or all, that are not recorded as stopped; dead ones may be among them."""
        return [
            WorkerInfo(
                id=id_,
                pool=pool,
                host=host_,
                boot_id=boot_id,
                pid=pid,
                pid_start=pid_start,
                started_at=started_at,
                completed=completed,
                failed=failed,
                job=job,
                lease_left_ms=left,
                renewed_at=renewed_at,
            )
            for id_, pool, host_, boot_id, pid, pid_start, started_at, completed, failed, job, left, renewed_at in (
                self._database.rows("running_workers", host=host)
            )
        ]

    def lives(self) -> list[WorkerLife]:
        """Return the workers of the last day, stopped or not, in the order of their start."""
        return [
            WorkerLife(
                id=id_, pool=pool, queues=tuple(json.loads(queues)), started_at=started_at, stopped_at=stopped_at
            )
            for id_, pool, queues, started_at, stopped_at in self._database.rows("lives")
        ]

    def attempt_is_open(self, job: int, fence: int) -> bool:
        """Return whether this attempt has not ended yet."""
        return bool(self._database.rows("attempt_is_open", job=job, fence=fence))

    def attempt_is_over(self, worker: str, job: int, fence: int) -> bool:
        """Return whether this is an attempt of `worker` that has ended."""
        return bool(self._database.rows("attempt_is_over", worker=worker, job=job, fence=fence)[0][0])

    def tally(self, pool: str) -> tuple[int, int]:
        """Return how many attempts of a pool's workers succeeded, and how many failed."""
        ((completed, failed),) = self._database.rows("tally", pool=pool)
        return completed, failed

    def died(self, pool: str) -> int:
        """Return how many jobs are dead since an attempt of a pool's workers."""
        ((count,),) = self._database.rows("died_in_pool", pool=pool)
        return int(count)

    def stop_worker(self, worker: str, *, now: int, lost: Sequence[str] | None = None) -> bool:
        """Record that a worker has stopped; False when that was recorded before.

        `lost`: the jobs whose attempts died with it; None when it exited by itself.
        """
        with self._database.transaction():
            found = bool(self._database.run("stop_worker", id=worker, now=now))
            if found and lost is not None:
                self._events.note(now, "worker_died", worker, ", ".join(lost) or None)
        return found
