"""Set of a pool's worker processes: as many as are wanted and as the machine allows."""

from __future__ import annotations

import os
import signal

from queuectl.runtime import entrypoints, machine
from queuectl.runtime.assignment import Assignment
from queuectl.runtime.doorbell import bells_for
from queuectl.runtime.forks import send
from queuectl.runtime.ids import new_name
from queuectl.runtime.restart_backoff import QUICK_DEATH, RestartBackoff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.process import BaseProcess

    from queuectl.domain.clock import Clock
    from queuectl.runtime.assignment import PoolParams
    from queuectl.runtime.launcher import Launcher

_WITHOUT_PAUSE = (0, entrypoints.DRAINED, entrypoints.WRITTEN_OFF, entrypoints.GONE, entrypoints.DAMAGED)
"""Exit codes of workers that are replaced at once, or not at all."""


class WorkerSet:
    """The workers of one pool, the oldest first."""

    def __init__(self, pool: str, params: PoolParams, launcher: Launcher, clock: Clock) -> None:
        """Start none yet."""
        self._pool = pool
        self._params = params
        self._launcher = launcher
        self._clock = clock
        self._backoff = RestartBackoff(clock)
        self._started: dict[str, tuple[BaseProcess, float]] = {}
        """Process and start time of each worker, by its id."""
        self.size = self._allowed = params.size
        """How many workers are wanted, and how many of them the limit of open files allows."""
        self._unable_at: float | None = None
        """When a worker last could not begin; None once a worker that was started later works."""

    def __len__(self) -> int:
        """Return how many there are, dead ones that were not reaped yet included."""
        return len(self._started)

    @property
    def pids(self) -> set[int]:
        """Their pids."""
        return {child.pid for child, _ in self._started.values() if child.pid is not None}

    @property
    def sentinels(self) -> list[int]:
        """Descriptors that become readable when a worker ends."""
        return [child.sentinel for child, _ in self._started.values()]

    @property
    def next_start(self) -> float | None:
        """Seconds until a missing worker may be started; None if none is missing."""
        return self._backoff.left if self._lacks_some else None

    @property
    def _lacks_some(self) -> bool:
        return len(self._started) < self._allowed

    @property
    def _bells(self) -> int:
        return len(bells_for(self._params.queues, self._params.labels))

    def prepare(self) -> None:
        """Raise the limit of open files for them. Raises MachineUnfit where no job, or not so many, can run."""
        machine.prepare(self.size, self._bells)

    def scale(self, size: int) -> int:
        """Want `size` workers from now on; return how many of them the limit of open files allows."""
        self.size = size
        self._allowed = machine.allow_open_files(size, self._bells)
        return self._allowed

    def fill(self, is_ending: Callable[[], bool]) -> None:
        """Start the workers that are missing unless the pool `is_ending`, end those that are too many."""
        while not is_ending() and self._lacks_some and self._backoff.left <= 0:
            self._start()
        if len(self._started) > self._allowed:
            for child, _ in list(self._started.values())[self._allowed :]:
                send(child, signal.SIGTERM)

    def send(self, number: int) -> None:
        """Send all of them a signal."""
        for child, _ in self._started.values():
            send(child, number)

    def reap(self) -> Iterator[tuple[str, BaseProcess]]:
        """Join the workers that have ended, and yield id and process of each; `fill` replaces them."""
        for id_, (child, started) in list(self._started.items()):
            now = self._clock.monotonic()
            quick = now - started < QUICK_DEATH
            if child.is_alive():
                if not quick and started > (self._unable_at or 0):
                    self._unable_at = None
                continue
            child.join()
            del self._started[id_]
            if child.exitcode not in _WITHOUT_PAUSE:
                if quick:
                    self._backoff.lengthen()
                else:
                    self._backoff.reset()
            if child.exitcode == entrypoints.UNABLE:
                self._unable_at = now
            yield id_, child

    def _start(self) -> None:
        assignment = Assignment(
            id=new_name("w"),
            pool=self._pool,
            queues=self._params.queues,
            labels=self._params.labels,
            drain=self._params.drain,
            supervisor=os.getpid(),
        )
        try:
            child = self._launcher.start(entrypoints.run_worker, assignment, again=self._unable_at is not None)
        except OSError as error:
            self._backoff.lengthen()
            self._launcher.refused("worker", error)
        else:
            self._started[assignment.id] = child, self._clock.monotonic()
