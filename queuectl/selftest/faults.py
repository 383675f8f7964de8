"""Who is killed, when, and what came of it: kill -9 at random, of workers first of all."""

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
    """Whom a strike is meant for."""

    WORKER = "worker"
    STEWARD = "steward"
    SUPERVISOR = "supervisor"
    ENQUEUER = "enqueuer"


_OF_A_HUNDRED = {Victim.WORKER: 85, Victim.STEWARD: 5, Victim.SUPERVISOR: 4, Victim.ENQUEUER: 6}
_SETTLED_MS = 1200
"""A worker that dies younger makes its supervisor wait before it starts the next one: few are killed so early."""
_SPARES_THE_YOUNG = 0.9
_SPARES_THE_IDLE = 0.7


class Faults:
    """Kills one after the other, and remembers."""

    def __init__(self, ground: Sandbox, store: Store, enqueuers: Sequence[Client], rng: Random) -> None:
        """Pick victims by `rng`."""
        self._ground = ground
        self._workers = store.workers
        self._enqueuers = enqueuers
        self._rng = rng
        self.kills = dict.fromkeys(Victim, 0)
        self.killed_at: dict[str, int] = {}
        """When each worker was killed, in milliseconds since the epoch."""

    def strike(self) -> None:
        """Kill somebody, if whoever it was meant for is there."""
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
        if self._rng.random() < _SPARES_THE_YOUNG:
            workers = [worker for worker in workers if now - worker.started_at >= _SETTLED_MS]
        if self._rng.random() < _SPARES_THE_IDLE:
            workers = [worker for worker in workers if worker.job is not None] or workers
        if not workers:
            return False
        worker = self._rng.choice(workers)
        return worker.pid_start is not None and self._kill(worker, worker.pid_start)

    def _kill(self, worker: WorkerInfo, started: int) -> bool:
        # Before, because it may be recovered before we are back.
        self.killed_at[worker.id] = self._ground.clock.now()
        if system.send(worker.pid, started, signal.SIGKILL):
            return True
        del self.killed_at[worker.id]
        return False

    def _strike_steward(self) -> bool:
        """Kill the child of the supervisor that is no worker. A new worker or a stray may look like it: then none."""
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
