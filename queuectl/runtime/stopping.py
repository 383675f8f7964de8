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
    from collections.abc import Callable

    from queuectl.domain.clock import Clock
    from queuectl.domain.worker import WorkerInfo
    from queuectl.runtime.place import Place
    from queuectl.store.store import Store

_PAUSE = 0.02
_PAUSE_AFAR = 0.1
_SILENT = 1.0
"""Seconds after which processes that run no job are worth a line too."""
_NAMED = 5


def stop_all(
    store: Store,
    place: Place,
    clock: Clock,
    *,
    now: bool,
    timeout: float | None,
    on: str | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> tuple[int, int]:
    """End every pool of the store, or of the host `on`, and wait until all are gone; how many pools and workers.

    `now` ends the running jobs and puts them back; otherwise they are finished first. `say` is told what is waited for.
    Raises TimedOut after `timeout` seconds; what was ordered stays ordered.
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
    started = clock.monotonic()
    told = False
    try:
        while True:
            watched = [path for path in watched if not locks.is_free(path)]
            afar = _alive(store, place, on) & afar if afar else afar
            if not watched and not afar:
                break
            passed = clock.monotonic() - started
            if timeout is not None and passed > timeout:
                raise TimedOut(
                    f"not stopped after {timeout:g} s: {_left(store, place, on)}",
                    hint="they go on ending; --now ends running jobs and puts them back",
                )
            # Idle workers are gone within milliseconds, and are not worth a line.
            if not told and (_busy(store, place, on) or passed > _SILENT):
                told = True
                say(f"{'ending' if now else 'waiting for'} {_left(store, place, on)}")
            time.sleep(_PAUSE_AFAR if afar else _PAUSE)
    except KeyboardInterrupt:
        say("no longer waiting; the workers go on stopping")
        raise
    for pool in store.fleet.running_pools(on):
        if is_here(pool, place.pools) and not pool_lives(pool, place):
            # A supervisor that was killed could not write it down.
            write_off(pool, store, place, now=clock.now())
    return len(pools), len(workers)


def _busy(store: Store, place: Place, host: str | None) -> list[WorkerInfo]:
    return [each for each in store.fleet.running_workers(host) if each.job is not None and lives(each, place)]


def _left(store: Store, place: Place, host: str | None) -> str:
    """What still runs: the jobs, or where there are none the processes."""
    busy = _busy(store, place, host)
    if busy:
        what = "job" if len(busy) == 1 else f"{len(busy)} jobs:"
        names = [f"{each.job} (worker {each.id} on {each.host})" for each in busy]
    else:
        names = sorted(_alive(store, place, host))
        what = "process" if len(names) == 1 else f"{len(names)} processes:"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{what} {', '.join(names[:_NAMED])}{more}" if names else "the last process"


def _alive(store: Store, place: Place, host: str | None) -> set[str]:
    pools = {pool.id for pool in living_pools(store, place, host)}
    return pools | {worker.id for worker in store.fleet.running_workers(host) if lives(worker, place)}


def _signal(worker: WorkerInfo, number: int) -> None:
    if worker.pid_start is not None:
        host.send(worker.pid, worker.pid_start, number)
