"""Entry points of a pool's child processes, the workers and the steward: set-up and exit codes."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys

from queuectl.config import settings_from
from queuectl.domain.clock import Clock
from queuectl.domain.errors import QueuectlError, StoreDamaged, StoreError, StoreGone, StoreLost
from queuectl.domain.record import record
from queuectl.domain.worker import WorkerInfo, job_of_queues
from queuectl.runtime import system
from queuectl.runtime.log import Log
from queuectl.runtime.signals import take_orders
from queuectl.runtime.steward import Steward
from queuectl.runtime.store_access import StoreAccess
from queuectl.runtime.worker import Worker
from queuectl.store import claims, leases, workers
from queuectl.store.sqlite.files import gone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from queuectl.runtime.assignment import Assignment
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store

SHARED = (claims, workers, leases)
"""Modules that the store imports lazily; imported here, before the fork, once and not by each worker."""
FAILED = 1
"""The exit code of a child that must be replaced. Any signal means the same."""
GONE = StoreGone.exit_code
"""The exit code of a child whose store was deleted or replaced: no other child would find it again."""
DAMAGED = 12
"""The exit code of a child that met damage in the store: any other child would meet it too."""
DRAINED = 10
"""The exit code of a worker that found nothing left to run."""
WRITTEN_OFF = 11
"""The exit code of a worker that was written off: it must be replaced."""

UNABLE = 13
"""The exit code of a child that could not begin, because of the store or the machine. It holds no job."""


@record
class ChildSpec:
    """Parameters of every child process of a pool."""

    pool: str
    supervisor: int
    """Its pid. A child that asked for that of its parent could be an orphan already."""
    queues: tuple[str, ...]
    """Empty: every queue."""
    labels: tuple[str, ...]
    """Labels of its workers: what they offer to jobs that need them."""
    open_store: Callable[..., Store]
    run_dir: RunDir
    location: str
    """The store's location as jobs receive it."""
    file: tuple[int, int] | None
    """The store's file when the pool was started, by `file_of`."""
    brief: bool
    """Whether the log leaves out what went well."""
    again: bool
    """Whether the previous child could not begin, so that the reason is already logged."""
    inherited_lock: int | None
    """The supervisor's lock where children are forked: to be closed, since it must be free once the supervisor dies."""


def file_of(location: str) -> tuple[int, int] | None:
    """Return device and inode of a store's file, which identify it after a rename; None for a server or no file."""
    try:
        status = os.stat(location)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def lost(exitcode: int | None, location: str) -> StoreLost | None:
    """Return the error for which no child can go on with the store, by the exit code of one; None for other codes."""
    if exitcode == GONE:
        return gone(location, ": the pool has ended")
    if exitcode == DAMAGED:
        return StoreDamaged(
            f"the store {location} is damaged: the pool has ended",
            hint="queuectl doctor --check names the damage; restore the store from a backup",
        )
    return None


def _open(spec: ChildSpec, actor: str) -> Store:
    """Open the pool's store, and neither a replacement nor a new one. Raises StoreError."""
    if file_of(spec.location) != spec.file:
        raise gone(spec.location)
    return spec.open_store(actor=actor, durable=False)


def run_worker(spec: ChildSpec, assignment: Assignment) -> None:
    """Run a worker in this process, and exit with one of the codes above."""
    log = Log(assignment.id, brief=spec.brief, results=job_of_queues(spec.queues) is None)
    with _Child(spec, log) as child:
        spec.run_dir.make()  # it may have been removed since the pool was started
        system.adopt_orphans()
        store = _open(spec, assignment.id)
        clock = Clock(store.database)
        lease = settings_from(store.config()).lease
        access = StoreAccess(assignment, store, spec.run_dir, log=log, clock=clock, rng=_rng(), lease=lease)
        worker = Worker(assignment, access, spec.run_dir, log=log, clock=clock, location=spec.location)
        take_orders()
        pid = os.getpid()
        info = WorkerInfo(
            id=assignment.id,
            pool=spec.pool,
            host=os.uname().nodename,
            boot_id=system.boot_id(),
            pid=pid,
            pid_start=system.start_time(pid),
        )
        try:
            store.workers.add_worker(info, lease_ms=round(lease * 1000), now=clock.now())
        except StoreError:
            # No steward ever removes the files of a worker that is not in the store.
            worker.close()
            raise
        child.has_begun = True
        drained = worker.run()
    sys.exit(WRITTEN_OFF if worker.is_written_off else DRAINED if drained else 0)


def run_steward(spec: ChildSpec, supervisor: Connection) -> None:
    """Run the pool's steward in this process, connected to `supervisor`."""
    log = Log(spec.pool, brief=spec.brief)
    with _Child(spec, log) as child:
        spec.run_dir.make()
        store = _open(spec, spec.pool)
        steward = Steward(
            spec.pool,
            store,
            spec.run_dir,
            supervisor,
            parent=spec.supervisor,
            queues=spec.queues,
            labels=spec.labels,
            log=log,
            clock=Clock(store.database),
            rng=_rng(),
        )
        take_orders()
        child.has_begun = True
        steward.run()


def _rng() -> random.Random:
    return random.Random()  # noqa: S311 - for jitter, not for secrets


class _Child:
    """Common set-up and error handling of child processes."""

    def __init__(self, spec: ChildSpec, log: Log) -> None:
        self._log = log
        self._again = spec.again
        self.has_begun = False
        if spec.inherited_lock is not None:
            os.close(spec.inherited_lock)
        # A job makes a few hundred objects and no cycles: collect every thousand jobs, not every three.
        gc.set_threshold(100_000, 20, 100)
        # Ctrl+C and a hangup go to a terminal's whole session, also to a job in the moment before it has its own. Only
        # the supervisor receives them, and passes them on as orders.
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def __enter__(self) -> _Child:  # noqa: PYI034 - Self is in typing, which takes 3 ms to load
        """Return this object, whose `has_begun` is to be set when the work begins."""
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Log an error in one line, and exit with the code by which the supervisor replaces this process."""
        if error is None:
            return
        if isinstance(error, StoreLost):
            os._exit(GONE if isinstance(error, StoreGone) else DAMAGED)  # the supervisor logs it, once for all children
        if not self.has_begun and isinstance(error, QueuectlError | OSError):
            why = error.message if isinstance(error, QueuectlError) else f"{error.filename or ''}: {error.strerror}"
            if not self._again:
                self._log.event(f"cannot begin: {why.removeprefix(': ')}; trying again")
            os._exit(UNABLE)
        if isinstance(error, QueuectlError):
            self._log.event(error.message)
        else:
            self._log.event(f"internal error: {error!r}")
            if os.environ.get("QUEUECTL_DEBUG"):
                import traceback

                traceback.print_exception(error)
        os._exit(FAILED)
