"""Ending the pools of a store from another process."""

from __future__ import annotations

import os
import signal
import time

from queuectl.domain.errors import TimedOut
from queuectl.runtime import host, locks
from queuectl.runtime.census import is_here, lives, living_pools, pool_lives
from queuectl.runtime.doorbell import bell_of_pool, ring_everywhere
from queuectl.runtime.reaper import write_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.clock import Clock
    from queuectl.domain.worker import WorkerInfo
    from queuectl.runtime.place import Place
    from queuectl.store.store import Store

_PAUSE = 0.02
_PAUSE_AFAR = 0.1


def stop_all(
    store: Store, place: Place, clock: Clock, *, now: bool, timeout: float | None, on: str | None = None
) -> tuple[int, int]:
    """End every pool of the store, or of the host `on`, and wait until all are gone; how many pools and workers.

    `now` ends the running jobs and puts them back; otherwise they are finished first. Raises TimedOut after `timeout`
    seconds; what was ordered stays ordered.
    """
    # Looked at before anybody is told: idle workers are gone within a millisecond, and would not be counted.
    workers = [worker for worker in store.fleet.running_workers(on) if lives(worker, place)]
    before = living_pools(store, place, on)
    store.fleet.order_stop("now" if now else "drain", host=on, now=clock.now())
    pools = list({pool.id: pool for pool in (*before, *living_pools(store, place, on))}.values())
    ring_everywhere(store, place, *(bell_of_pool(pool.id) for pool in pools))
    supervised = {pool.id for pool in pools}
    for worker in workers:
        if worker.pool not in supervised and is_here(worker, place.workers):
            # Its supervisor is dead, so nobody passes the order on.
            _signal(worker, signal.SIGQUIT if now else signal.SIGTERM)
    watched = [os.path.join(place.pools, pool.id) for pool in pools if is_here(pool, place.pools)]
    watched += [os.path.join(place.workers, worker.id) for worker in workers if is_here(worker, place.workers)]
    afar = {pool.id for pool in pools if not is_here(pool, place.pools)}
    afar |= {worker.id for worker in workers if not is_here(worker, place.workers)}
    deadline = None if timeout is None else clock.monotonic() + timeout
    while True:
        watched = [path for path in watched if not locks.is_free(path)]
        afar = _alive(store, place, on) & afar if afar else afar
        if not watched and not afar:
            break
        if deadline is not None and clock.monotonic() > deadline:
            raise TimedOut(
                f"{len(watched) + len(afar)} processes are still there after {timeout:g} s",
                hint="they go on ending; --now ends running jobs and puts them back",
            )
        time.sleep(_PAUSE_AFAR if afar else _PAUSE)
    for pool in store.fleet.running_pools(on):
        if is_here(pool, place.pools) and not pool_lives(pool, place):
            # A supervisor that was killed could not write it down.
            write_off(pool, store, place, now=clock.now())
    return len(pools), len(workers)


def _alive(store: Store, place: Place, host: str | None) -> set[str]:
    pools = {pool.id for pool in living_pools(store, place, host)}
    return pools | {worker.id for worker in store.fleet.running_workers(host) if lives(worker, place)}


def _signal(worker: WorkerInfo, number: int) -> None:
    if worker.pid_start is not None:
        host.send(worker.pid, worker.pid_start, number)
