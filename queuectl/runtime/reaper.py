"""Recovery of dead workers: their process trees are ended, then their jobs are put back."""

from __future__ import annotations

import os
import signal

from queuectl.domain.attempt import Outcome, Result
from queuectl.domain.errors import StoreBusy
from queuectl.domain.phrases import plural
from queuectl.runtime import live, locks, process, system, tree
from queuectl.runtime.doorbell import bell_of_pool, bell_of_worker, bells_of_queues, ring_everywhere
from queuectl.runtime.liveness import has_ended, is_here, works_elsewhere
from queuectl.runtime.run_dir import age_ms, remove
from queuectl.runtime.silences import Silences

TYPE_CHECKING = False
if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Sequence

    from queuectl.config import Settings
    from queuectl.domain.clock import Clock
    from queuectl.domain.worker import PoolInfo, WorkerInfo
    from queuectl.runtime.log import Log
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.rows import Claim
    from queuectl.store.store import Store


_SWEEP = "reap"
_SWEEP_EVERY_MS = 1000
_YOUNG_MS = 3000


class Reaper:
    """Finds dead workers of this host, and clears up after them.

    Workers of other hosts are only written off when their leases have expired.
    """

    def __init__(self, store: Store, run_dir: RunDir, *, log: Log, clock: Clock, rng: random.Random) -> None:
        """Recover jobs of `store` whose workers kept their locks in `run_dir`."""
        self._store = store
        self._claims = store.claims()
        self._run_dir = run_dir
        self._log = log
        self._clock = clock
        self._random = rng
        self._silences = Silences(clock)
        self._locked: set[str] = set()
        """Dead workers whose jobs another session has locked, and which the log has named."""
        self._host, self._boot = os.uname().nodename, system.boot_id()

    def reap(self, settings: Settings) -> int:
        """Check every worker once; return how many were recovered."""
        recovered = 0
        known = {}
        self._silences.begin_poll()
        for worker in self._store.workers.running_workers(self._host):
            if not is_here(worker, self._run_dir.workers):
                continue
            known[worker.id] = worker
            if self._is_dead(worker, settings.lease) and self._recovers(worker, settings):
                recovered += 1
        self._silences.keep(known)
        for pool in self._store.workers.running_pools(self._host):
            ended = is_here(pool, self._run_dir.pools) and has_ended(pool, self._run_dir)
            if ended and write_off(pool, self._store, self._run_dir, now=self._clock.now()):
                self._log.event(f"reaped pool {pool.id}: its supervisor (pid {pool.pid}) died")
        self._clear_up_after_unknown(known)
        if self._store.database.remote:
            recovered += self._sweep(settings, known)
        else:
            self._store.database.compact()
        return recovered

    def _sweep(self, settings: Settings, here: Collection[str]) -> int:
        """Write off workers whose leases have expired, and put their jobs back; return how many workers.

        Workers of this host (`here`) are spared for a while after the steward itself was stopped: where a pool was
        suspended as a whole, its workers may renew their leases a moment later than the steward polls. And they are
        spared unless they beat: one that beats has ended its job in time by itself, and the processes of any other
        must be ended before its job is put back.
        """
        leases = self._store.leases
        if not leases.take_chore(_SWEEP, every_ms=_SWEEP_EVERY_MS):
            return 0
        count = 0
        for worker in leases.expired():
            is_young = self._silences.watched_for <= settings.lease / 2
            if worker in here and (is_young or not self._silences.is_beating(worker)):
                continue
            gone = leases.write_off(
                worker, self._claims, backoff=settings.backoff, random=self._random, now=self._clock.now()
            )
            if gone is not None:
                count += 1
                ring_everywhere(self._store, self._run_dir, *bells_of_queues(gone.queues))
                self._log.event(
                    f"worker {gone.worker} of host {gone.host} was written off: its lease expired{_put_back(gone.jobs)}"
                )
        self._store.remote_output.forget()
        self._store.database.compact()
        return count

    def _clear_up_after_unknown(self, known: Collection[str]) -> None:
        """End processes and remove files of dead workers of this host that the store does not list as running.

        Another host has written them off, or they were killed before they had recorded their start.
        """
        for name in os.listdir(self._run_dir.workers):
            path = os.path.join(self._run_dir.workers, name)
            # A worker creates its lock file a moment before it locks it.
            if name in known or (age_ms(path) or 0) <= _YOUNG_MS or not locks.is_free(path):
                continue
            attempts = locks.attempt_locks(os.path.join(self._run_dir.attempts, name))
            for note in filter(None, map(locks.read_note, attempts)):
                if tree.end_tree(self._cookie(name, note.seq, note.fence), attempts, pid_hint=note.pid):
                    return  # a process that cannot be killed now may end later
                live.discard(self._run_dir.live, note.seq, note.fence)
            self._clear(name, path)

    def _is_dead(self, worker: WorkerInfo, lease: float) -> bool:
        """Return whether the worker's lock is free; a worker without a heartbeat for its lease is killed first."""
        path = os.path.join(self._run_dir.workers, worker.id)
        if not os.path.exists(path):
            # Either the lock file was removed, by hand or with its directory, and a living worker is killed first.
            # Or this store is a copy, and the worker is the original's.
            return not self._lives(worker) or self._kill(worker, "its lock file is gone")
        if locks.is_free(path):
            return True
        silence = self._silences.of(worker.id, locks.read_beat(path))
        # With leases before the lease expires, after which others may run its job beside its processes.
        if silence > (lease if worker.lease_left_ms is None else lease / 2):
            self._kill(worker, f"no sign of life for {silence:.0f} s")
        return False

    def _lives(self, worker: WorkerInfo) -> bool:
        """Return whether the process that started as this worker lives, and works on this store's file.

        A recycled pid has another start time. A worker of the store that this one is a copy of has another file open.
        Where open files cannot be seen, the process is another user's. Only the owner of a store works on it, so that
        process works on the original of a copy and must not be killed.
        """
        file = self._store.database.file
        return (
            worker.boot_id == self._boot
            and worker.pid_start is not None
            and system.is_same(worker.pid, worker.pid_start)
            and (file is None or system.has_open(worker.pid, file) is True)
        )

    def _kill(self, worker: WorkerInfo, why: str) -> bool:
        if worker.pid_start is not None and system.send(worker.pid, worker.pid_start, signal.SIGKILL):
            self._log.event(f"killed worker {worker.id} (pid {worker.pid}): {why}")
        # Its lock is free once it has ended: the next poll recovers it.
        return False

    def _recovers(self, worker: WorkerInfo, settings: Settings) -> bool:
        """Recover a worker, but not while another session has locked its job, so that other workers are recovered."""
        try:
            recovered = self._recover(worker, settings)
        except StoreBusy as error:
            if not self._store.database.remote:
                raise  # the whole store is locked
            if worker.id not in self._locked:
                self._locked.add(worker.id)
                self._log.event(f"worker {worker.id} cannot be reaped yet: {error.message}")
            return False
        self._locked.discard(worker.id)
        return recovered

    def _recover(self, worker: WorkerInfo, settings: Settings) -> bool:
        path = os.path.join(self._run_dir.workers, worker.id)
        try:
            lock = locks.try_lock(path)
        except FileNotFoundError:
            lock = -1
        if lock is None:
            return False  # another steward is recovering it
        try:
            put_back = self._put_back(worker, settings)
            if put_back is None:
                return False
            jobs, lost = put_back
            self._claims.write_down(worker.id, failed=len(lost))
            died = self._store.workers.stop_worker(worker.id, now=self._clock.now(), lost=lost)
            self._clear(worker.id, path)
        finally:
            if lock >= 0:
                os.close(lock)
        if not died and not jobs:
            return False  # it recorded its own end after this poll of the store had begun
        self._log.event(f"reaped worker {worker.id}{_put_back(jobs)}")
        return True

    def _put_back(self, worker: WorkerInfo, settings: Settings) -> tuple[list[str], list[str]] | None:
        """Put back the jobs of a dead worker; return the ids of all and of the lost ones.

        None while processes of one cannot be ended. Only the running job may have ended the worker and counts as lost.
        Where no note names it, each of them does.
        """
        # A server may still be executing a claim that the worker sent before it died.
        held = {(claim.seq, claim.fence): claim for claim in self._claims.take_stock(worker.id)}
        # After a crash of the machine a note may be older than the claims: it is not on disk before its attempt begins.
        paths = self._attempt_locks(worker.id) if worker.boot_id == self._boot else []
        notes = list(filter(None, map(locks.read_note, paths)))
        unstarted = {
            attempt
            for attempt in locks.unstarted(notes, held)
            if not system.carrying(self._cookie(worker.id, *attempt))
        }
        running = held.keys() & {(note.seq, note.fence) for note in notes}
        lost = (running or held.keys()) - unstarted
        if unstarted:
            self._withdraw([held[attempt] for attempt in unstarted], worker.id, settings)
        # The running one last: while it cannot be put back, the next poll must know it by its note again.
        for attempt in sorted(held.keys() - unstarted, key=lambda attempt: attempt in running):
            outcome = Outcome.LOST if attempt in lost else Outcome.RELEASED
            if not self._give_back(held[attempt], worker, settings, outcome):
                return None
        return [claim.id for claim in held.values()], [held[attempt].id for attempt in lost]

    def _withdraw(self, claims: list[Claim], worker: str, settings: Settings) -> None:
        """Undo the claims of jobs that the worker had not started."""
        self._claims.exchange(
            (), worker, withdrawn=claims, most=0, backoff=settings.backoff, random=self._random, now=self._clock.now()
        )
        ring_everywhere(self._store, self._run_dir, *bells_of_queues(claim.queue for claim in claims))

    def _give_back(self, claim: Claim, worker: WorkerInfo, settings: Settings, outcome: Outcome) -> bool:
        """End what is left of an attempt, and record it as lost, or as released if it had ended unrecorded.

        False while something of it cannot be ended.
        """
        attempts = self._attempt_locks(worker.id)
        attempt = (claim.seq, claim.fence)
        pids = [note.pid for path in attempts if (note := locks.read_note(path)) and (note.seq, note.fence) == attempt]
        alive = tree.end_tree(self._cookie(worker.id, *attempt), attempts, pid_hint=pids[0] if pids else None)
        if alive:
            self._log.event(
                f"job {claim.id} cannot be put back: processes {', '.join(map(str, alive))} cannot be killed"
            )
            return False
        now = self._clock.now()
        stdout, stderr = (
            live.recover(live.path_of(self._run_dir.live, claim.seq, claim.fence, stream)) for stream in live.STREAMS
        )
        result = Result(
            outcome=outcome,
            duration_ms=max(0, now - self._claims.started_at(claim)),
            error=f"worker {worker.id} (pid {worker.pid}) "
            + ("works on another file, of which this store is a copy" if works_elsewhere(worker) else "died")
            + (" before it recorded the result" if outcome is Outcome.RELEASED else ""),
            stdout=stdout,
            stderr=stderr,
        )
        self._claims.finish(claim, worker.id, result, backoff=settings.backoff, random=self._random, now=now)
        live.discard(self._run_dir.live, claim.seq, claim.fence)
        ring_everywhere(self._store, self._run_dir, *bells_of_queues([claim.queue]))
        return True

    def _attempt_locks(self, worker: str) -> list[str]:
        return locks.attempt_locks(os.path.join(self._run_dir.attempts, worker))

    def _cookie(self, worker: str, seq: int, fence: int) -> str:
        return process.cookie(worker, seq, fence, self._store.database.identity)

    def _clear(self, worker: str, path: str) -> None:
        remove(
            path,
            os.path.join(self._run_dir.bells, bell_of_worker(worker)),
            *self._attempt_locks(worker),
        )


def _put_back(jobs: Sequence[str]) -> str:
    """Return the jobs that were put back, as the end of a log line; empty for none."""
    return f": put back {plural(len(jobs), 'job')} {', '.join(jobs)}" if jobs else ""


def write_off(pool: PoolInfo, store: Store, run_dir: RunDir, *, now: int) -> bool:
    """Record the end of a pool that could not do so itself, and remove its files.

    Returns False if the pool had recorded its own end after all.
    """
    died = store.workers.stop_pool(pool.id, now=now)
    remove(os.path.join(run_dir.pools, pool.id), os.path.join(run_dir.bells, bell_of_pool(pool.id)))
    return died
