"""Supervisor of a pool: the process that starts workers, replaces dead ones and ends them.

The supervisor forks, so it never holds a connection to the store: its steward does. Where forking is not safe (macOS)
workers are spawned.
"""

from __future__ import annotations

import gc
import os
import signal
from contextlib import closing
from multiprocessing.connection import wait as wait_for_any

from queuectl.config import settings_from
from queuectl.domain.clock import Clock
from queuectl.domain.errors import MachineUnfit, StoreError
from queuectl.domain.phrases import plural
from queuectl.domain.worker import PoolInfo
from queuectl.runtime import entrypoints, locks, tree
from queuectl.runtime.assignment import Stop
from queuectl.runtime.doorbell import bell_of_pool, quiet, ring
from queuectl.runtime.forks import how, reap_adopted
from queuectl.runtime.ids import new_name
from queuectl.runtime.launcher import FORKS, Launcher
from queuectl.runtime.log import Log
from queuectl.runtime.run_dir import remove
from queuectl.runtime.signals import signal_pipe
from queuectl.runtime.steward_handle import StewardHandle
from queuectl.runtime.worker_set import WorkerSet
from queuectl.store.location import is_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.domain.errors import StoreLost
    from queuectl.runtime.assignment import PoolParams
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store

_LONGEST_WAIT = 5.0
"""Seconds."""


class Supervisor:
    """The supervisor's loop."""

    def __init__(
        self,
        params: PoolParams,
        open_store: Callable[..., Store],
        run_dir: RunDir,
        *,
        location: str,
        left: Callable[[int], None],
        owner: int | None = None,
    ) -> None:
        """Call `left` with the number of jobs that are not final yet, whenever that changes.

        The pool stops now when the descriptor `owner`, of a pipe to which nothing is written, reaches its end.
        """
        self.id = new_name("p")
        self.dead: int | None = None
        """Number of jobs that died in the pool's attempts, once it has ended; None unless it is to be counted."""
        self._params = params
        self._open_store = open_store
        self._run_dir = run_dir
        self._location = location
        self._left = left
        self._owner = [] if owner is None else [owner]
        self._log = Log(self.id, brief=params.brief, quiet=params.quiet)
        clock = Clock()
        launcher = Launcher(self._child_spec, self._log)
        self._workers = WorkerSet(self.id, params, launcher, clock)
        self._steward = StewardHandle(launcher, clock, self._log)
        self._stop = Stop.NO
        self._signals = self._handled = 0
        """How many signals were received, and how many of them were handled in the loop."""
        self._drained = False
        self._lost: StoreLost | None = None

    def run(self) -> tuple[int, int]:
        """Run the pool until it is stopped or has drained; return how many attempts succeeded and failed.

        Raises:
            StoreError: the pool cannot start because of the store.
            MachineUnfit: the pool cannot start on this machine.
            StoreLost: the store is gone or damaged.
        """
        self._workers.prepare()
        tree.spare_descendants()
        # From here on signals end the pool in order: nothing is left behind.
        signals = signal_pipe()
        signal.signal(signal.SIGTERM, self._signalled)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(signal.SIGHUP, self._signalled)
        if not is_url(self._location):
            signal.signal(signal.SIGINT, self._signalled)
        # On a server SIGINT keeps its default handler until here, as connecting may take long: Ctrl+C aborts it.
        self._register()
        signal.signal(signal.SIGINT, self._signalled)
        # Objects created so far are shared with every forked worker: exempt them from garbage collection.
        gc.freeze()
        # The steward first: if descriptors run out, workers must be missing and not the steward.
        self._keep_steward()
        self._workers.fill(self._is_ending)
        size = self._workers.size
        self._log.notice(f"pool started: {size} {plural(size, 'worker')}, pid {os.getpid()}")
        while self._workers or not self._is_ending():
            self._workers.fill(self._is_ending)
            sources = [signals, *self._owner, *self._workers.sentinels, *self._steward.sources]
            ready = wait_for_any(sources, timeout=self._timeout())
            if self._owner and self._owner[0] in ready:
                self._owner.clear()
                self._end(Stop.NOW)
            quiet(signals)
            self._read_orders()
            self._reap_workers()
            self._keep_steward()
            self._pass_on_signals()
        self._end_steward()
        try:
            if self._lost is not None:
                raise self._lost
            done = self._tally()
        finally:
            # Last: a process that waits for the end of the pool may copy the store, which must not be open then.
            self._release_lock()
        self._log.notice("pool stopped")
        return done

    def _register(self) -> None:
        self._run_dir.make()
        self._lock_path = os.path.join(self._run_dir.pools, self.id)
        try:
            self._lock = locks.hold(self._lock_path)
        except OSError as error:
            raise MachineUnfit(f"{self._lock_path} cannot be locked: {error.strerror}") from None
        try:
            self._record_start()
        except BaseException:
            self._release_lock()
            raise

    def _record_start(self) -> None:
        store = self._open_store(actor=self.id, durable=False)
        try:
            info = PoolInfo(
                id=self.id,
                host=os.uname().nodename,
                pid=os.getpid(),
                queues=self._params.queues,
                labels=self._params.labels,
                size=self._workers.size,
            )
            lease = settings_from(store.config()).lease
            self._file = entrypoints.file_of(self._location)
            # The first queries of every worker: damage there is found before any worker is started.
            claims = store.claims(self._params.queues, self._params.labels)
            claims.next_due()
            claims.left_to_run()
            store.workers.add_pool(info, lease_ms=round(lease * 1000), now=Clock(store.database).now())
        finally:
            store.close()

    def _end_steward(self) -> None:
        self._steward.end()
        self._read_orders()
        code = self._steward.exitcode
        if not self._detect_lost_store(code) and self._lost is None and code != 0:
            self._record_end()

    def _record_end(self) -> None:
        """Record the end of the pool in place of a steward that was ended before it could. No fork follows."""
        try:
            with closing(self._open_store(actor=self.id, durable=False)) as store:
                store.workers.stop_pool(self.id, now=Clock(store.database).now())
        except StoreError as error:
            self._log.event(f"the end of the pool could not be recorded: {error.message}")

    def _tally(self) -> tuple[int, int]:
        with closing(self._open_store(actor=self.id, durable=False)) as store:
            if self._params.counts_dead:
                self.dead = store.workers.died(self.id)
            return store.workers.tally(self.id)

    def _release_lock(self) -> None:
        # The file may be left where the disk is read-only by now: a free lock means the same.
        remove(self._lock_path)
        os.close(self._lock)

    def _timeout(self) -> float:
        next_start = self._workers.next_start
        if next_start is not None and not self._stop and not self._drained:
            return max(0.01, next_start)
        # Everything else that it waits for wakes it.
        return _LONGEST_WAIT

    def _child_spec(self, *, again: bool) -> entrypoints.ChildSpec:
        return entrypoints.ChildSpec(
            pool=self.id,
            supervisor=os.getpid(),
            queues=self._params.queues,
            labels=self._params.labels,
            open_store=self._open_store,
            run_dir=self._run_dir,
            location=self._location,
            file=self._file,
            brief=self._params.brief,
            again=again,
            inherited_lock=self._lock if FORKS else None,
        )

    def _keep_steward(self) -> None:
        if not self._detect_lost_store(self._steward.exitcode) and self._lost is None:
            self._steward.keep()

    def _read_orders(self) -> None:
        for order in self._steward.received():
            self._left(order.left)
            if order.size != self._workers.size:
                self._scale(order.size)
            if order.stop is not None:
                self._end(Stop.NOW if order.stop == "now" else Stop.DRAIN)

    def _scale(self, size: int) -> None:
        before = self._workers.size
        allowed = self._workers.scale(size)
        limit = "" if allowed == size else f": the limit of open files allows {allowed} of them"
        self._log.notice(f"scaled from {before} to {size} {plural(size, 'worker')}{limit}")

    def _reap_workers(self) -> None:
        """Judge how workers have ended; dead ones are recovered by the steward."""
        reap_adopted(self._children())
        for id_, child in self._workers.reap():
            if child.exitcode in {0, entrypoints.DRAINED}:
                self._drained = self._drained or child.exitcode == entrypoints.DRAINED
                continue
            if self._detect_lost_store(child.exitcode):
                continue
            self._drained = False
            if child.exitcode in {entrypoints.WRITTEN_OFF, entrypoints.UNABLE}:
                continue  # it has logged the reason
            # Descendants without the cookie can only be found as adopted children of this process.
            tree.end_strays(self._children())
            ring(self._run_dir, bell_of_pool(self.id))
            self._log.event(f"worker {id_} (pid {child.pid}) died: {how(child.exitcode)}")

    def _children(self) -> set[int]:
        steward = self._steward.pid
        return self._workers.pids if steward is None else self._workers.pids | {steward}

    def _signalled(self, *_: object) -> None:
        # Only counted here and handled in the loop: a signal may arrive between the start or the end of a worker and
        # the line that registers it.
        self._signals += 1

    def _pass_on_signals(self) -> None:
        """Let the steward record a stop that came as a signal, while jobs still run: other commands show it then."""
        if self._handled and self._workers:
            stop = "now" if self._stop is Stop.NOW else "drain"
            if self._steward.tell(stop):
                ring(self._run_dir, bell_of_pool(self.id))

    def _is_ending(self) -> bool:
        """Handle the signals received; return whether no more workers are to be started."""
        while self._handled < self._signals:
            self._handled += 1
            self._end(Stop.NOW if self._stop else Stop.DRAIN)
        return bool(self._stop) or self._drained

    def _detect_lost_store(self, exitcode: int | None) -> bool:
        """Return whether a child has ended because the store is lost; then end all of them, as none can go on."""
        error = entrypoints.lost(exitcode, self._location)
        if error is not None and self._lost is None:
            self._lost = error
            what = (
                "is damaged" if exitcode == entrypoints.DAMAGED else "has been deleted or replaced while it was in use"
            )
            self._log.event(f"the store {what}: running jobs are ended")
            self._end(Stop.NOW)
        return error is not None

    def _end(self, stop: Stop) -> None:
        if stop <= self._stop:
            return
        self._stop = stop
        count = len(self._workers)
        if stop is Stop.DRAIN:
            self._log.notice(
                f"stopping: waiting for {count} {plural(count, 'worker')}"
                " (to end their jobs now: Ctrl+C again, or queuectl worker stop --now)"
            )
        elif self._lost is None:
            self._log.notice("stopping now: running jobs are ended and put back")
        self._workers.send(signal.SIGTERM if stop is Stop.DRAIN else signal.SIGQUIT)
