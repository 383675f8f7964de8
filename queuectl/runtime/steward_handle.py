"""Handle of a pool's steward process: its start and replacement, and the orders that it reads from the store."""

from __future__ import annotations

from queuectl.runtime import entrypoints
from queuectl.runtime.forks import how

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from typing import Any

    from queuectl.domain.clock import Clock
    from queuectl.runtime.launcher import Launcher
    from queuectl.runtime.log import Log
    from queuectl.runtime.steward import Orders

_START_EVERY = 1.0
"""Seconds between two starts of a steward, at the least."""


class StewardHandle:
    """The steward of one pool, as its supervisor has it."""

    def __init__(self, launcher: Launcher, clock: Clock, log: Log) -> None:
        """Start none yet."""
        self._launcher = launcher
        self._clock = clock
        self._log = log
        self._process: BaseProcess | None = None
        self._orders: Connection | None = None
        self._started_at = -_START_EVERY
        self._passed_on: str | None = None

    @property
    def pid(self) -> int | None:
        """Its pid, also after its end; None before the first start."""
        return None if self._process is None else self._process.pid

    @property
    def exitcode(self) -> int | None:
        """How it has ended; None while it runs, and before the first start."""
        return None if self._process is None else self._process.exitcode

    @property
    def sources(self) -> list[Any]:
        """What becomes ready when it ends or sends orders; empty once it has ended.

        A dead steward is not replaced at once, and its sentinel and pipe would end every wait at once.
        """
        if self._process is None or self._process.exitcode is not None:
            return []
        return [self._process.sentinel, self._orders]

    def keep(self) -> None:
        """Start a steward if there is none, or if it died; once a second at most."""
        died, orders = self._process, self._orders
        if died is not None and died.is_alive():
            return
        if self._clock.monotonic() - self._started_at < _START_EVERY:
            return
        try:
            self._start()
        except OSError as error:
            self._started_at = self._clock.monotonic()
            self._launcher.refused("steward", error)
            return
        if died is not None and orders is not None:
            if died.exitcode != entrypoints.UNABLE:  # it has logged the reason
                self._log.event(f"the steward (pid {died.pid}) died: {how(died.exitcode)}")
            orders.close()

    def received(self) -> Iterator[Orders]:
        """Yield the orders that have arrived."""
        try:
            while self._orders is not None and self._orders.poll():
                yield self._orders.recv()
        except (EOFError, OSError):
            return

    def tell(self, stop: str) -> bool:
        """Pass on a stop (`drain` or `now`) to be recorded; return whether it was not passed on before."""
        if self._orders is None or self._passed_on == stop:
            return False
        try:
            self._orders.send(stop)
        except OSError:
            return False  # it has died, and the next one gets it
        self._passed_on = stop
        return True

    def end(self) -> None:
        """End it, and wait until it has recorded the end of the pool."""
        if self._process is not None:
            self._process.terminate()
            self._process.join()

    def _start(self) -> None:
        again = self.exitcode == entrypoints.UNABLE
        orders, theirs = self._launcher.pipe()
        try:
            self._process = self._launcher.start(entrypoints.run_steward, theirs, again=again)
        except OSError:
            orders.close()
            raise
        finally:
            theirs.close()
        self._orders = orders
        self._passed_on = None
        self._started_at = self._clock.monotonic()
