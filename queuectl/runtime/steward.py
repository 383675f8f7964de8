"""Steward of a pool: its only process, besides the workers, with a connection to the store.

The supervisor forks workers and therefore never holds a connection. The steward reads orders for it, clears up after
dead workers and records the end of the pool.
"""

from __future__ import annotations

import os
import signal

from queuectl.config import settings_from
from queuectl.domain.errors import StoreError, StoreLost
from queuectl.domain.record import record
from queuectl.runtime.doorbell import Listener, bell_of_pool, ring
from queuectl.runtime.reaper import Reaper
from queuectl.runtime.schedule_firing import ScheduleFiring
from queuectl.runtime.signals import signal_pipe
from queuectl.runtime.store_retry import Outage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import random
    from multiprocessing.connection import Connection

    from queuectl.config import Settings
    from queuectl.domain.clock import Clock
    from queuectl.runtime.log import Log
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.environments import Walk
    from queuectl.store.store import Store

_INTERVAL = 1.0
_WALK_EVERY = 3600.0


@record
class Orders:
    """Orders of the store to a pool: its size, a stop (`drain`, `now` or None), and the number of jobs left to run."""

    size: int
    stop: str | None
    left: int


class Steward:
    """The loop of the steward's process."""

    def __init__(
        self,
        pool: str,
        store: Store,
        run_dir: RunDir,
        supervisor: Connection,
        *,
        parent: int,
        queues: tuple[str, ...],
        labels: tuple[str, ...],
        log: Log,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        """Send orders to `supervisor`, the process `parent`."""
        self._pool = pool
        self._store = store
        self._claims = store.claims(queues, labels)
        self._run_dir = run_dir
        self._supervisor = supervisor
        self._parent = parent
        self._clock = clock
        self._log = log
        self._reaper = Reaper(store, run_dir, log=log, clock=clock, rng=rng)
        self._schedules = ScheduleFiring(store, run_dir, log=log, clock=clock)
        self._listener = Listener(run_dir, own=bell_of_pool(pool))
        self._leaving = False
        self._outage = Outage(log)
        self._sent: Orders | None = None
        self._unrecorded: str | None = None
        """A stop that came as a signal and is not in the store yet: `drain` or `now`."""
        self._polled_connection = 0
        self._renew_at = 0.0
        self._walk: Walk | None = None
        self._walk_at = 0.0
        self._listener.also(signal_pipe())
        store.database.listen()
        signal.signal(signal.SIGTERM, self._leave)

    def run(self) -> None:
        """Poll once a second and at each ring until the supervisor ends this process, or exits."""
        try:
            while not self._leaving and os.getppid() == self._parent:
                self._poll()
                self._wait()
            if os.getppid() == self._parent:
                self._poll()
                self._record_end()
        finally:
            self._listener.close()
            self._store.close()

    def _wait(self) -> None:
        """Sleep until the next poll or ring, and ring on this host for the server's notifications."""
        database = self._store.database
        until = self._clock.monotonic() + self._schedules.seconds_left(_INTERVAL)
        rang = False
        while not rang and not self._leaving:
            if database.connections != self._polled_connection and database.fileno() >= 0:
                self._polled_connection = database.connections
                self._listener.until_readable(database.fileno())
            ring(self._run_dir, *dict.fromkeys(database.heard()))
            left = until - self._clock.monotonic()
            if left <= 0:
                return
            rang = self._listener.wait(left)

    def _record_end(self) -> None:
        try:
            self._store.workers.stop_pool(self._pool, now=self._clock.now())
        except StoreLost:
            raise
        except StoreError as error:
            self._log.event(f"the end of the pool could not be recorded: {error.message}")

    def _poll(self) -> None:
        try:
            self._store.changed()  # raises StoreLost if the store is gone
            settings = self._settings()
            self._renew(settings)
            self._record_stop()
            orders = self._store.workers.orders(self._pool)
            size, stop = orders or (0, "drain")
            self._send(Orders(size=size, stop=stop, left=self._claims.left_to_run()))
            self._reaper.reap(settings)
            self._schedules.fire(settings)
            self._sweep_environments()
        except StoreLost:
            raise
        except StoreError as error:
            self._outage.failed(error)
        else:
            self._outage.recovered()

    def _record_stop(self) -> None:
        """Record a stop that the supervisor received as a signal, so that others see it; until the store takes it."""
        try:
            while self._supervisor.poll():
                self._unrecorded = self._supervisor.recv()
        except (EOFError, OSError):
            return  # the supervisor is gone
        if self._unrecorded is None or self._leaving:
            return
        try:
            # It is for display: a locked store must not delay the rest of the poll.
            self._store.workers.record_stop(self._pool, self._unrecorded, wait=_INTERVAL)
        except StoreLost:
            raise
        except StoreError:
            return
        self._unrecorded = None

    def _sweep_environments(self) -> None:
        """Look for environment snapshots that nothing needs: every hour a walk over the jobs, a step in each poll."""
        if self._walk is not None:
            if self._walk.step():
                self._walk = None
            return
        if self._clock.monotonic() < self._walk_at:
            return
        self._walk_at = self._clock.monotonic() + _WALK_EVERY
        if not self._store.database.remote or self._store.leases.take_chore(
            "environments", every_ms=round(_WALK_EVERY * 1000)
        ):
            self._walk = self._store.environments.walk(now=self._clock.now())

    def _settings(self) -> Settings:
        settings = settings_from(self._store.config())
        if self._store.database.remote:
            # A job that another session has locked must not delay the rest of the poll.
            self._store.database.wait = min(settings.busy_timeout, _INTERVAL)
            self._store.database.patience = settings.lease / 2
        else:
            self._store.database.wait = settings.busy_timeout
        return settings

    def _renew(self, settings: Settings) -> None:
        """Renew the pool's lease, by which other hosts see that it lives."""
        if self._store.database.remote and self._clock.monotonic() >= self._renew_at:
            self._store.leases.renew_pool(self._pool, lease_ms=round(settings.lease * 1000))
            self._renew_at = self._clock.monotonic() + settings.lease / 6

    def _send(self, orders: Orders) -> None:
        if orders != self._sent:
            self._sent = orders
            try:
                self._supervisor.send(orders)
            except OSError:
                self._leaving = True

    def _leave(self, *_: object) -> None:
        self._leaving = True
