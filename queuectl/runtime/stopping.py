"""Ending the pools of a store from another process."""

from __future__ import annotations

import os
import signal
import time

from queuectl.domain.errors import TimedOut
from queuectl.runtime import locks, system
from queuectl.runtime.doorbell import bell_of_pool, ring_everywhere
from queuectl.runtime.liveness import is_here, lives, living_pools, pool_lives
from queuectl.runtime.reaper import write_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.domain.clock import Clock
    from queuectl.domain.worker import WorkerInfo
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store

_PAUSE = 0.02
_PAUSE_AFAR = 0.1
_SILENT = 1.0
"""Seconds after which processes that run no job are worth a line too."""
_NAMED = 5


def stop_all(
    store: Store,
    run_dir: RunDir,
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
    workers = [worker for worker in store.workers.running_workers(on) if lives(worker, run_dir)]
    before = living_pools(store, run_dir, on)
    store.workers.order_stop("now" if now else "drain", host=on, now=clock.now())
    pools = list({pool.id: pool for pool in (*before, *living_pools(store, run_dir, on))}.values())
    ring_everywhere(store, run_dir, *(bell_of_pool(pool.id) for pool in pools))
    supervised = {pool.id for pool in pools}
    for worker in workers:
        if worker.pool not in supervised and is_here(worker, run_dir.workers):
            # Its supervisor is dead, so nobody passes the order on.
            _signal(worker, signal.SIGQUIT if now else signal.SIGTERM)
    watched = [os.path.join(run_dir.pools, pool.id) for pool in pools if is_here(pool, run_dir.pools)]
    watched += [os.path.join(run_dir.workers, worker.id) for worker in workers if is_here(worker, run_dir.workers)]
    remote_output = {pool.id for pool in pools if not is_here(pool, run_dir.pools)}
    remote_output |= {worker.id for worker in workers if not is_here(worker, run_dir.workers)}
    started = clock.monotonic()
    told = False
    try:
        while True:
            watched = [path for path in watched if not locks.is_free(path)]
            remote_output = _alive(store, run_dir, on) & remote_output if remote_output else remote_output
            if not watched and not remote_output:
                break
            passed = clock.monotonic() - started
            if timeout is not None and passed > timeout:
                raise TimedOut(
                    f"not stopped after {timeout:g} s: {_left(store, run_dir, on)}",
                    hint="they go on ending; --now ends running jobs and puts them back",
                )
            # Idle workers are gone within milliseconds, and are not worth a line.
            if not told and (_busy(store, run_dir, on) or passed > _SILENT):
                told = True
                say(f"{'ending' if now else 'waiting for'} {_left(store, run_dir, on)}")
            time.sleep(_PAUSE_AFAR if remote_output else _PAUSE)
    except KeyboardInterrupt:
        say("no longer waiting; the workers go on stopping")
        raise
    for pool in store.workers.running_pools(on):
        if is_here(pool, run_dir.pools) and not pool_lives(pool, run_dir):
            # A supervisor that was killed could not write it down.
            write_off(pool, store, run_dir, now=clock.now())
    return len(pools), len(workers)


def _busy(store: Store, run_dir: RunDir, host: str | None) -> list[WorkerInfo]:
    return [each for each in store.workers.running_workers(host) if each.job is not None and lives(each, run_dir)]


def _left(store: Store, run_dir: RunDir, host: str | None) -> str:
    """What still runs: the jobs, or where there are none the processes."""
    busy = _busy(store, run_dir, host)
    if busy:
        what = "job" if len(busy) == 1 else f"{len(busy)} jobs:"
        names = [f"{each.job} (worker {each.id} on {each.host})" for each in busy]
    else:
        names = sorted(_alive(store, run_dir, host))
        what = "process" if len(names) == 1 else f"{len(names)} processes:"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{what} {', '.join(names[:_NAMED])}{more}" if names else "the last process"


def _alive(store: Store, run_dir: RunDir, host: str | None) -> set[str]:
    pools = {pool.id for pool in living_pools(store, run_dir, host)}
    return pools | {worker.id for worker in store.workers.running_workers(host) if lives(worker, run_dir)}


def _signal(worker: WorkerInfo, number: int) -> None:
    if worker.pid_start is not None:
        system.send(worker.pid, worker.pid_start, number)
