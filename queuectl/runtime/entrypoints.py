"""The processes of a pool besides its supervisor: what each does first and last."""

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
from queuectl.domain.worker import WorkerInfo
from queuectl.runtime import system
from queuectl.runtime.log import Log
from queuectl.runtime.signals import take_orders
from queuectl.runtime.steward import Steward
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
"""The store loads these when asked for; loaded here, before the fork, they are loaded once and not by each worker."""
FAILED = 1
"""The exit code of a child that must be replaced. Any signal means the same."""
GONE = StoreGone.exit_code
"""The exit code of a child whose store has been taken away: no other child would find it again."""
DAMAGED = 12
"""The exit code of a child that met damage in the store: any other child would meet it too."""
DRAINED = 10
"""The exit code of a worker that found nothing left to run."""
WRITTEN_OFF = 11
"""The exit code of a worker that other hosts have taken for dead: another must take its place."""

UNABLE = 13
"""The exit code of a child that could not begin, because of the store or the machine. It holds no job."""


@record
class ChildSpec:
    """What every process of a pool is given."""

    pool: str
    queues: tuple[str, ...]
    """Empty: every queue."""
    labels: tuple[str, ...]
    """What its workers have that jobs may need."""
    open_store: Callable[..., Store]
    run_dir: RunDir
    location: str
    """The store, as jobs may name it."""
    file: tuple[int, int] | None
    """The store's file as the pool has found it, by `file_of`."""
    brief: bool
    """Log only what a person should see."""
    again: bool
    """Whether the last one could not begin: why is said once."""
    inherited_lock: int | None
    """The supervisor's lock, where children are forked: it must be free once the supervisor is dead."""


def file_of(location: str) -> tuple[int, int] | None:
    """Which file a store is, whatever may come under its name later; None for a server's, or where there is none."""
    try:
        status = os.stat(location)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def lost(exitcode: int | None, location: str) -> StoreLost | None:
    """Why no child can go on with the store, by how one has ended; None where that was another reason."""
    if exitcode == GONE:
        return gone(location, ": the pool has ended")
    if exitcode == DAMAGED:
        return StoreDamaged(
            f"the store {location} is damaged: the pool has ended",
            hint="queuectl doctor --check names the damage; restore the store from a backup",
        )
    return None


def _open(given: ChildSpec, actor: str) -> Store:
    """Open the pool's store, and not one that has come in its place, or would be made now. Raises StoreError."""
    if file_of(given.location) != given.file:
        raise gone(given.location)
    return given.open_store(actor=actor, durable=False)


def run_worker(given: ChildSpec, assignment: Assignment) -> None:
    """Be a worker."""
    log = Log(assignment.id, brief=given.brief)
    with _Child(given, log) as child:
        given.run_dir.make()  # somebody may have taken it away since the pool was started
        system.adopt_orphans()
        store = _open(given, assignment.id)
        clock = Clock(store.database)
        lease = settings_from(store.config()).lease
        worker = Worker(
            assignment,
            store,
            given.run_dir,
            log=log,
            clock=clock,
            rng=_rng(),
            location=given.location,
            lease=lease,
        )
        take_orders()
        pid = os.getpid()
        info = WorkerInfo(
            id=assignment.id,
            pool=given.pool,
            host=os.uname().nodename,
            boot_id=system.boot_id(),
            pid=pid,
            pid_start=system.start_time(pid),
        )
        try:
            store.workers.add_worker(info, lease_ms=round(lease * 1000), now=clock.now())
        except StoreError:
            # Nobody will ever look for the files of a worker that the store does not know.
            worker.take_away()
            raise
        child.has_begun = True
        drained = worker.run()
    sys.exit(WRITTEN_OFF if worker.is_written_off else DRAINED if drained else 0)


def run_steward(given: ChildSpec, supervisor: Connection) -> None:
    """Be the steward."""
    log = Log(given.pool, brief=given.brief)
    with _Child(given, log) as child:
        given.run_dir.make()
        store = _open(given, given.pool)
        steward = Steward(
            given.pool,
            store,
            given.run_dir,
            supervisor,
            queues=given.queues,
            labels=given.labels,
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
    """What goes for all of them."""

    def __init__(self, given: ChildSpec, log: Log) -> None:
        self._log = log
        self._again = given.again
        self.has_begun = False
        if given.inherited_lock is not None:
            os.close(given.inherited_lock)
        # A job makes a few hundred objects and no cycles: look for those every thousand jobs, not every three.
        gc.set_threshold(100_000, 20, 100)
        # Ctrl+C and a hangup go to a terminal's whole session, also to a job in the moment before it has its own. They
        # are for the supervisor, which says what they mean.
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def __enter__(self) -> _Child:  # noqa: PYI034 - Self is in typing, which takes 3 ms to load
        """Give what is told when the work begins."""
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Tell in one line what went wrong, and leave the rest to whoever replaces us."""
        if error is None:
            return
        if isinstance(error, StoreLost):
            os._exit(GONE if isinstance(error, StoreGone) else DAMAGED)  # the supervisor says it, once for all of us
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
