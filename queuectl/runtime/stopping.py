"""Ending the pools of a store from another process."""

from __future__ import annotations

import os
import signal
import time

from queuectl.domain.errors import TimedOut
from queuectl.runtime import host, locks
from queuectl.runtime.census import lives, living_pools
from queuectl.runtime.doorbell import bell_of_pool, ring
from queuectl.runtime.reaper import write_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.clock import Clock
    from queuectl.domain.worker import WorkerInfo
    from queuectl.runtime.place import Place
    from queuectl.store.store import Store

_PAUSE = 0.02


def stop_all(store: Store, place: Place, clock: Clock, *, now: bool, timeout: float | None) -> tuple[int, int]:
    """End every pool of the store and wait until all are gone; how many pools and workers there were.

    `now` ends the running jobs and puts them back; otherwise they are finished first. Raises TimedOut after `timeout`
    seconds; what was ordered stays ordered.
    """
    store.fleet.order_stop("now" if now else "drain", now=clock.now())
    pools = living_pools(store, place)
    ring(place, *(bell_of_pool(pool.id) for pool in pools))
    supervised = {pool.id for pool in pools}
    workers = [worker for worker in store.fleet.running_workers() if lives(worker, place)]
    for worker in workers:
        if worker.pool not in supervised:
            # Its supervisor is dead, so nobody passes the order on.
            _signal(worker, signal.SIGQUIT if now else signal.SIGTERM)
    watched = [os.path.join(place.pools, pool.id) for pool in pools]
    watched += [os.path.join(place.workers, worker.id) for worker in workers]
    deadline = None if timeout is None else clock.monotonic() + timeout
    while watched := [path for path in watched if not locks.is_free(path)]:
        if deadline is not None and clock.monotonic() > deadline:
            raise TimedOut(
                f"{len(watched)} processes are still there after {timeout:g} s",
                hint="they go on ending; --now ends running jobs and puts them back",
            )
        time.sleep(_PAUSE)
    for pool in store.fleet.running_pools():
        if pool.host == os.uname().nodename:
            # A supervisor that was killed could not write it down.
            write_off(pool, store, place, now=clock.now())
    return len(pools), len(workers)


def _signal(worker: WorkerInfo, number: int) -> None:
    if worker.pid_start is not None:
        host.send(worker.pid, worker.pid_start, number)
