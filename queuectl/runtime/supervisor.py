"""Supervisor of a pool: the process that starts workers, replaces dead ones and ends them.

The supervisor forks, so it never holds a connection to the store: its steward does. Where forking is not safe (macOS)
workers are spawned.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
from contextlib import closing
from multiprocessing.connection import wait as wait_for_any

from queuectl.config import settings_from
from queuectl.domain.clock import Clock
from queuectl.domain.errors import MachineUnfit, StoreError
from queuectl.domain.worker import PoolInfo
from queuectl.runtime import entrypoints, locks, machine, tree
from queuectl.runtime.assignment import Assignment, Stop
from queuectl.runtime.doorbell import bell_of_pool, bells_for, quiet, ring
from queuectl.runtime.forks import how, reap_adopted, send, try_fork
from queuectl.runtime.ids import new_name
from queuectl.runtime.log import Log
from queuectl.runtime.signals import orders_held_back, signal_pipe
from queuectl.store.location import is_url
from queuectl.store.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from typing import Any

    from queuectl.domain.errors import StoreLost
    from queuectl.runtime.assignment import PoolParams
    from queuectl.runtime.run_dir import RunDir
    from queuectl.runtime.steward import Orders

START_METHOD = "fork" if sys.platform == "linux" else "spawn"
_QUICK_DEATH = 1.0
"""A worker that dies within this many seconds of its start is replaced more and more slowly."""
_LONGEST_PAUSE = 10.0


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
    ) -> None:
        """Call `left` with the number of jobs that are not final yet, whenever that changes."""
        self.id = new_name("p")
        self._params = params
        self._open_store = open_store
        self._run_dir = run_dir
        self._location = location
        self._left = left
        self._log = Log(self.id, brief=params.brief, quiet=params.quiet)
        self._context: Any = multiprocessing.get_context(START_METHOD)
        self._workers: dict[str, tuple[BaseProcess, float]] = {}
        self._size = self._allowed = params.size
        """How many workers are wanted, and how many of them the limit of open files allows."""
        self._steward: BaseProcess | None = None
        self._orders: Connection | None = None
        self._steward_started = -_QUICK_DEATH
        self._stop = Stop.NO
        self._signals = self._handled = 0
        """How many signals were received, and how many of them were handled in the loop."""
        self._drained = False
        self._lost: StoreLost | None = None
        self._clock = Clock()
        self._pause, self._not_before = 0.0, 0.0
        self._unable_at: float | None = None
        """When a worker last could not begin; None once a worker that was started later works."""
        self._short = False
        """Whether the machine refused the last process."""

    def run(self) -> tuple[int, int]:
        """Run the pool until it is stopped or has drained; return how many attempts succeeded and failed.

        Raises:
            StoreError: the pool cannot start because of the store.
            MachineUnfit: the pool cannot start on this machine.
            StoreLost: the store is gone or damaged.
        """
        machine.prepare(self._size, self._bells)
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
        self._fill()
        self._log.notice(f"pool started: {self._size} worker{'' if self._size == 1 else 's'}, pid {os.getpid()}")
        while self._workers or not self._is_ending():
            self._fill()
            wait_for_any([signals, *self._sources()], timeout=self._timeout())
            quiet(signals)
            self._heartbeat.beat()
            self._read_orders()
            self._reap_workers()
            self._keep_steward()
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
        self._heartbeat = locks.Heartbeat(self._lock)
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
                size=self._size,
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
        code = None
        if self._steward is not None:
            self._steward.terminate()
            self._steward.join()
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
            return store.workers.tally(self.id)

    def _release_lock(self) -> None:
        try:
            os.unlink(self._lock_path)
        except OSError:
            pass  # removed by another process, or the disk is read-only by now; a free lock means the same
        os.close(self._lock)

    def _sources(self) -> list[Any]:
        sentinels = [child.sentinel for child, _ in self._workers.values()]
        # A dead steward is not replaced at once, and its sentinel and pipe would end every wait at once.
        if self._steward is None or self._steward.exitcode is not None:
            return sentinels
        return [*sentinels, self._steward.sentinel, self._orders]

    @property
    def _bells(self) -> int:
        return len(bells_for(self._params.queues, self._params.labels))

    @property
    def _lacks_workers(self) -> bool:
        return len(self._workers) < self._allowed

    def _timeout(self) -> float:
        if self._lacks_workers and not self._stop and not self._drained:
            return max(0.01, self._not_before - self._clock.monotonic())
        return 1.0

    def _fill(self) -> None:
        """Start the workers that are missing, end those that are too many."""
        while not self._is_ending() and self._lacks_workers and self._clock.monotonic() >= self._not_before:
            self._start_worker()
        if len(self._workers) > self._allowed:
            for _, (child, _) in list(self._workers.items())[self._allowed :]:
                send(child, signal.SIGTERM)

    def _start_process(self, target: Callable[..., None], argument: object, *, again: bool) -> BaseProcess:
        forks = START_METHOD == "fork"
        if forks and Store.open:
            raise RuntimeError("a store is open: a connection must not cross a fork")
        if forks and self._short:
            # multiprocessing leaks pipes when its fork fails: let it fail only once.
            try_fork()
        spec = entrypoints.ChildSpec(
            pool=self.id,
            queues=self._params.queues,
            labels=self._params.labels,
            open_store=self._open_store,
            run_dir=self._run_dir,
            location=self._location,
            file=self._file,
            brief=self._params.brief,
            again=again,
            inherited_lock=self._lock if forks else None,
        )
        child: BaseProcess = self._context.Process(target=target, args=(spec, argument))
        with orders_held_back():
            child.start()
        return child

    def _start_worker(self) -> None:
        assignment = Assignment(
            id=new_name("w"),
            pool=self.id,
            queues=self._params.queues,
            labels=self._params.labels,
            drain=self._params.drain,
            supervisor=os.getpid(),
        )
        try:
            started = self._start_process(entrypoints.run_worker, assignment, again=self._unable_at is not None)
        except OSError as error:
            self._pause = min(max(self._pause * 2, 0.1), _LONGEST_PAUSE)
            self._not_before = self._clock.monotonic() + self._pause
            self._cannot_start("worker", error)
        else:
            self._short = False
            self._workers[assignment.id] = (started, self._clock.monotonic())

    def _start_steward(self) -> None:
        again = self._steward is not None and self._steward.exitcode == entrypoints.UNABLE
        orders, theirs = self._context.Pipe()
        try:
            self._steward = self._start_process(entrypoints.run_steward, theirs, again=again)
        except OSError:
            orders.close()
            raise
        finally:
            theirs.close()
        self._orders = orders
        self._steward_started = self._clock.monotonic()
        self._short = False

    def _cannot_start(self, what: str, error: OSError) -> None:
        """Log a refused start once: a shortage of processes or memory is usually transient."""
        if not self._short:
            self._log.event(f"no {what} can be started: {error.strerror}; trying again")
        self._short = True

    def _keep_steward(self) -> None:
        """Start a steward if there is none, or if it died; once a second at most."""
        died, orders = self._steward, self._orders
        if died is not None and (self._detect_lost_store(died.exitcode) or died.is_alive()):
            return
        if self._lost is not None:
            return
        if self._clock.monotonic() - self._steward_started < _QUICK_DEATH:
            return
        try:
            self._start_steward()
        except OSError as error:
            self._steward_started = self._clock.monotonic()
            self._cannot_start("steward", error)
            return
        if died is not None and orders is not None:
            if died.exitcode != entrypoints.UNABLE:  # it has logged the reason
                self._log.event(f"the steward (pid {died.pid}) died: {how(died.exitcode)}")
            orders.close()

    def _read_orders(self) -> None:
        try:
            while self._orders is not None and self._orders.poll():
                order: Orders = self._orders.recv()
                self._left(order.left)
                if order.size != self._size:
                    self._scale(order.size)
                if order.stop is not None:
                    self._end(Stop.NOW if order.stop == "now" else Stop.DRAIN)
        except (EOFError, OSError):
            return

    def _scale(self, size: int) -> None:
        before, self._size = self._size, size
        self._allowed = machine.allow_open_files(size, self._bells)
        limit = "" if self._allowed == size else f": the limit of open files allows {self._allowed} of them"
        self._log.notice(f"scaled from {before} to {size} workers{limit}")

    def _reap_workers(self) -> None:
        """Join the workers that have ended; dead ones are replaced here, and recovered by the steward."""
        reap_adopted(self._children())
        for id_, (child, started) in list(self._workers.items()):
            now = self._clock.monotonic()
            quick = now - started < _QUICK_DEATH
            if child.is_alive():
                if not quick and started > (self._unable_at or 0):
                    self._unable_at = None
                continue
            child.join()
            del self._workers[id_]
            if child.exitcode in {0, entrypoints.DRAINED}:
                self._drained = self._drained or child.exitcode == entrypoints.DRAINED
                continue
            if self._detect_lost_store(child.exitcode):
                continue
            self._drained = False
            if child.exitcode == entrypoints.WRITTEN_OFF:
                continue  # it has logged the reason
            self._pause = min(max(self._pause * 2, 0.1), _LONGEST_PAUSE) if quick else 0.0
            self._not_before = now + self._pause
            if child.exitcode == entrypoints.UNABLE:
                self._unable_at = now
                continue  # it has logged the reason
            # Descendants without the cookie can only be found as adopted children of this process.
            tree.end_strays(self._children())
            ring(self._run_dir, bell_of_pool(self.id))
            self._log.event(f"worker {id_} (pid {child.pid}) died: {how(child.exitcode)}")

    def _children(self) -> set[int]:
        children = [self._steward, *(child for child, _ in self._workers.values())]
        return {child.pid for child in children if child is not None and child.pid is not None}

    def _signalled(self, *_: object) -> None:
        # Only counted here and handled in the loop: a signal may arrive between the start or the end of a worker and
        # the line that registers it.
        self._signals += 1

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
                f"stopping: waiting for {count} worker{'' if count == 1 else 's'} (again to end their jobs now)"
            )
        elif self._lost is None:
            self._log.notice("stopping now: running jobs are ended and put back")
        for child, _ in self._workers.values():
            send(child, signal.SIGTERM if stop is Stop.DRAIN else signal.SIGQUIT)
