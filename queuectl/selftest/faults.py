"""Faults of a stress run: random processes, mostly workers, are killed with SIGKILL."""

from __future__ import annotations

import os
import signal
from enum import StrEnum

from queuectl.runtime import system
from queuectl.runtime.liveness import lives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from queuectl.domain.worker import WorkerInfo
    from queuectl.selftest.clients import Client
    from queuectl.selftest.sandbox import Sandbox
    from queuectl.store.store import Store


class Victim(StrEnum):
    """Kinds of processes that a strike kills."""

    WORKER = "worker"
    STEWARD = "steward"
    SUPERVISOR = "supervisor"
    ENQUEUER = "enqueuer"


_OF_A_HUNDRED = {Victim.WORKER: 85, Victim.STEWARD: 5, Victim.SUPERVISOR: 4, Victim.ENQUEUER: 6}
_SETTLED_MS = 1200
"""A worker that dies younger makes its supervisor wait before it starts the next one: few are killed so early."""
_SPARE_YOUNG = 0.9
_SPARE_IDLE = 0.7


class Faults:
    """The faults injected into one stress run, and their record."""

    def __init__(self, ground: Sandbox, store: Store, enqueuers: Sequence[Client], rng: Random) -> None:
        """Pick targets by `rng`."""
        self._ground = ground
        self._workers = store.workers
        self._enqueuers = enqueuers
        self._rng = rng
        self.kills = dict.fromkeys(Victim, 0)
        self.killed_at: dict[str, int] = {}
        """When each worker was killed, in milliseconds since the epoch."""

    def strike(self) -> None:
        """Kill one randomly chosen target, if there is one of its kind."""
        (victim,) = self._rng.choices(list(_OF_A_HUNDRED), list(_OF_A_HUNDRED.values()))
        match victim:
            case Victim.WORKER:
                hit = self._strike_worker()
            case Victim.STEWARD:
                hit = self._strike_steward()
            case Victim.SUPERVISOR:
                hit = self._ground.kill_supervisor()
            case Victim.ENQUEUER:
                hit = self._rng.choice(self._enqueuers).kill()
        self.kills[victim] += hit

    def _strike_worker(self) -> bool:
        now = self._ground.clock.now()
        workers = [worker for worker in self._workers.running_workers() if lives(worker, self._ground.run_dir)]
        if self._rng.random() < _SPARE_YOUNG:
            workers = [worker for worker in workers if now - worker.started_at >= _SETTLED_MS]
        if self._rng.random() < _SPARE_IDLE:
            workers = [worker for worker in workers if worker.job is not None] or workers
        if not workers:
            return False
        worker = self._rng.choice(workers)
        return worker.pid_start is not None and self._kill(worker, worker.pid_start)

    def _kill(self, worker: WorkerInfo, started: int) -> bool:
        # Before the kill: the worker may be recovered before it returns.
        self.killed_at[worker.id] = self._ground.clock.now()
        if system.send(worker.pid, started, signal.SIGKILL):
            return True
        del self.killed_at[worker.id]
        return False

    def _strike_steward(self) -> bool:
        """Kill the supervisor's child that is no worker; none while a new worker or a stray process looks like it."""
        workers = {worker.pid for worker in self._workers.running_workers()}
        children = {
            pid: process.started
            for pid, process in system.processes().items()
            if process.parent == self._ground.supervisor and pid not in workers and pid != os.getpid()
        }
        if len(children) != 1:
            return False
        ((pid, started),) = children.items()
        return system.send(pid, started, signal.SIGKILL)
