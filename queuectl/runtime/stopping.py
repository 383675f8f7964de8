"""Stop of the pools of a store from another process: order, wait, and record the end of dead pools."""

from __future__ import annotations

import os
import signal
import time

from queuectl.domain.errors import TimedOut
from queuectl.domain.units import format_age
from queuectl.runtime import locks, system
from queuectl.runtime.doorbell import bell_of_pool, ring_everywhere
from queuectl.runtime.liveness import is_here, lives, living_pools, pool_lives
from queuectl.runtime.reaper import write_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from queuectl.domain.clock import Clock
    from queuectl.domain.worker import PoolInfo, WorkerInfo
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store

_PAUSE = 0.02
_REMOTE_PAUSE = 0.1
_QUIET = 1.0
"""Seconds after which processes that run no job are reported too."""
_EVERY = 1.0
"""Seconds between two reports to a person."""
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
    note: Callable[[str], None] | None = None,
) -> tuple[int, int]:
    """End every pool of the store, or of the host `on`, and wait until all have ended.

    `now` ends the running jobs and puts them back; otherwise they are finished first. `say` receives the line about
    what is waited for, or `note`, each second anew. Returns the number of pools and of workers. Raises TimedOut after
    `timeout` seconds; the order stays in force.
    """
    # Listed before the order is given: idle workers exit within a millisecond of it, and would not be counted.
    workers = [worker for worker in store.workers.running_workers(on) if lives(worker, run_dir)]
    pools = _order(store, run_dir, workers, now=now, on=on, at=clock.now())
    wait = _Wait(store, run_dir, clock, pools, workers, on=on)
    try:
        wait.until_ended(timeout=timeout, now=now, say=say, note=note)
    except KeyboardInterrupt:
        say("no longer waiting; the workers keep the order to stop")
        raise
    for pool in store.workers.running_pools(on):
        if is_here(pool, run_dir.pools) and not pool_lives(pool, run_dir):
            # A supervisor that was killed could not record its end.
            write_off(pool, store, run_dir, now=clock.now())
    return len(pools), len(workers)


def _order(
    store: Store, run_dir: RunDir, workers: Iterable[WorkerInfo], *, now: bool, on: str | None, at: int
) -> list[PoolInfo]:
    """Record the stop order at `at`, ring for it, and signal workers without a supervisor; return the ordered pools."""
    before = living_pools(store, run_dir, on)
    store.workers.order_stop("now" if now else "drain", host=on, now=at)
    pools = list({pool.id: pool for pool in (*before, *living_pools(store, run_dir, on))}.values())
    ring_everywhere(store, run_dir, *(bell_of_pool(pool.id) for pool in pools))
    supervised = {pool.id for pool in pools}
    for worker in workers:
        if worker.pool not in supervised and is_here(worker, run_dir.workers):
            # Its supervisor is dead and cannot pass the order on.
            _signal(worker, signal.SIGQUIT if now else signal.SIGTERM)
    return pools


class _Wait:
    """The wait for the end of pools and workers: by their locks on this host, by their leases on others."""

    def __init__(
        self,
        store: Store,
        run_dir: RunDir,
        clock: Clock,
        pools: Iterable[PoolInfo],
        workers: Iterable[WorkerInfo],
        *,
        on: str | None,
    ) -> None:
        self._store = store
        self._run_dir = run_dir
        self._clock = clock
        self._host = on
        self._locks: list[str] = []
        self._remote: set[str] = set()
        for directory, processes in ((run_dir.pools, pools), (run_dir.workers, workers)):
            for each in processes:
                if is_here(each, directory):
                    self._locks.append(os.path.join(directory, each.id))
                else:
                    self._remote.add(each.id)

    def until_ended(
        self,
        *,
        timeout: float | None,
        now: bool,
        say: Callable[[str], None],
        note: Callable[[str], None] | None,
    ) -> None:
        """Wait until all have ended; report what is waited for, to `note` each second or to `say` once.

        Raises TimedOut.
        """
        verb = "ending" if now else "waiting for"
        started = self._clock.monotonic()
        report_at = 0.0
        while not self._has_ended():
            passed = self._clock.monotonic() - started
            if timeout is not None and passed > timeout:
                more = (
                    "to see them: queuectl worker list" if now else "to end their jobs now: queuectl worker stop --now"
                )
                raise TimedOut(
                    f"the workers have not stopped after {timeout:g} s: {verb} {self._still_running()}",
                    hint=f"the workers keep the order to stop; {more}",
                )
            # Idle workers exit within milliseconds: they are reported only if they do not.
            if passed >= report_at and (_busy(self._store, self._run_dir, self._host) or passed > _QUIET):
                report_at = float("inf") if note is None else passed + _EVERY
                (note or say)(f"{verb} {self._still_running()}")
            time.sleep(_REMOTE_PAUSE if self._remote else _PAUSE)

    def _has_ended(self) -> bool:
        self._locks = [path for path in self._locks if not locks.is_free(path)]
        if self._remote:
            self._remote &= _alive(self._store, self._run_dir, self._host)
        return not self._locks and not self._remote

    def _still_running(self) -> str:
        """Describe what still runs: the jobs, or where there are none the processes."""
        busy = _busy(self._store, self._run_dir, self._host)
        if busy:
            what, names = "job", self._jobs_of(busy)
        else:
            what, names = "process", sorted(_alive(self._store, self._run_dir, self._host))
        if not names:
            return "the last process"
        count = f"1 {what}" if len(names) == 1 else f"{len(names)} {what}{'es' if what == 'process' else 's'}"
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"{count}: {', '.join(names[:_NAMED])}{more}"

    def _jobs_of(self, busy: Sequence[WorkerInfo]) -> list[str]:
        """Describe the jobs of workers: for how long they have run, and where if that is another host."""
        here, now = os.uname().nodename, self._clock.now()
        found = self._store.jobs.these([each.job for each in busy if each.job is not None])
        names = []
        for each in busy:
            job = found.get(each.job or "")
            since = None if job is None or job.latest is None else job.latest.started_at
            details = [] if since is None else [f"running for {format_age(now - since)}"]
            details += [] if each.host == here else [f"on {each.host}"]
            names.append(f"{each.job} ({', '.join(details)})" if details else f"{each.job}")
        return names


def _busy(store: Store, run_dir: RunDir, host: str | None) -> list[WorkerInfo]:
    return [each for each in store.workers.running_workers(host) if each.job is not None and lives(each, run_dir)]


def _alive(store: Store, run_dir: RunDir, host: str | None) -> set[str]:
    pools = {pool.id for pool in living_pools(store, run_dir, host)}
    return pools | {worker.id for worker in store.workers.running_workers(host) if lives(worker, run_dir)}


def _signal(worker: WorkerInfo, number: int) -> None:
    if worker.pid_start is not None:
        system.send(worker.pid, worker.pid_start, number)
