"""Stress run: clients enqueue and workers run jobs while both are killed; then all jobs finish and leave evidence."""

from __future__ import annotations

import os
import subprocess
import time

from queuectl.domain.job import FINAL
from queuectl.domain.queue_settings import Pause
from queuectl.domain.record import record, replace
from queuectl.selftest.clients import Client, ClientConfig
from queuectl.selftest.faults import Faults
from queuectl.selftest.leak_check import outlived
from queuectl.selftest.workload import LIMIT, LIMITED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from queuectl.selftest.sandbox import Sandbox
    from queuectl.store.store import Store

PATIENCE = 60.0
"""Seconds without any progress after which a stress run is aborted."""
_PAUSE = 0.02
_PAUSE_EVERY = 0.5
"""Seconds between a pause of the limited queue, its end, and the next one."""
_LEAK_CHECK_EVERY = 1.0
"""Seconds between two listings of all processes of the machine."""
_AHEAD = 4
"""Jobs that may wait for each worker in a stress run that is limited by time."""


@record
class Plan:
    """Parameters of a stress run."""

    workers: int
    enqueuers: int
    seconds: float | None
    """Duration; None: until each client has enqueued its jobs and all of them are final."""
    jobs: int | None
    """How many jobs each client enqueues; None: as many as the workers can run."""
    kill_every: float | None
    """Seconds between two kills; None: no process is killed."""
    seed: int


@record
class Evidence:
    """Evidence of a stress run besides the store and the ledger."""

    acknowledged: tuple[str, ...]
    """Ids of jobs whose enqueue was acknowledged, in the order of each client."""
    asked: frozenset[str]
    """Ids of jobs that may be stored although their enqueue was not acknowledged."""
    kills: dict[str, int]
    killed_at: dict[str, int]
    """When each worker was killed, in milliseconds since the epoch."""
    accidents: tuple[str, ...]
    """Sentences about unexpected events."""


class StressRun:
    """One stress run from its start to the end of its pool."""

    def __init__(
        self,
        ground: Sandbox,
        store: Store,
        plan: Plan,
        *,
        rng: Random,
        progress: Callable[[int, int, str], None],
    ) -> None:
        """Run `plan` in the sandbox `ground`; `progress` is called with done, total and unit."""
        self._ground = ground
        self._store = store
        self._plan = plan
        self._rng = rng
        self._progress = progress
        self._accidents: list[str] = []
        """Accidents that abort the stress run."""
        self._outlived: dict[str, str] = {}
        """Accidents that do not abort it, by cookie."""
        self._enqueuers: list[Client] = []
        self._progress_seen: tuple[object, ...] = ()
        self._changed_at = self._leak_check_at = 0.0

    def run(self) -> Evidence:
        """Run the stress run and stop the pool; return the evidence."""
        ground, plan = self._ground, self._plan
        config = ClientConfig(
            directory=ground.directory,
            store=ground.location,
            ledger=ground.ledger,
            seed=plan.seed,
            environment=ground.environment,
            log=os.path.join(ground.directory, "enqueuers.log"),
            alive=ground.alive,
        )
        self._set_queue(limit=LIMIT)
        try:
            for number in range(plan.enqueuers):
                self._enqueuers.append(Client(config, number))
            faults = Faults(ground, self._store, self._enqueuers, self._rng)
            self._attack(faults)
            self._set_queue(pause=None)
            asked = self._finish_enqueuers()
            self._finish_jobs()
        finally:
            for enqueuer in self._enqueuers:
                enqueuer.end()
        return Evidence(
            acknowledged=tuple(id_ for each in self._enqueuers for id_ in each.acknowledged),
            asked=asked,
            kills={victim.value: count for victim, count in faults.kills.items()},
            killed_at=faults.killed_at,
            accidents=(*self._accidents, *self._outlived.values()),
        )

    def _attack(self, faults: Faults) -> None:
        started = time.monotonic()
        every = self._plan.kill_every
        next_kill = started + every if every is not None else float("inf")
        next_pause, is_paused = started + _PAUSE_EVERY, False
        while not self._accidents and not self._is_over(time.monotonic() - started):
            self._grant()
            now = time.monotonic()
            if every is not None and now >= next_kill:
                faults.strike()
                # A late kill is not caught up: two kills at once would be another stress run than the planned one.
                next_kill = max(next_kill + every, now)
            for each in self._enqueuers:
                self._check_client(each.poll())
            self._check_pool()
            if now >= next_pause:
                self._set_queue(pause=None if is_paused else Pause(at=1, by="selftest"))
                next_pause, is_paused = now + _PAUSE_EVERY, not is_paused
            time.sleep(_PAUSE)

    def _set_queue(self, **changes: object) -> None:
        """Change settings of the limited queue."""
        self._store.queues.change([LIMITED], lambda of: replace(of, **changes), verb="queue_set", now=1)

    def _is_over(self, elapsed: float) -> bool:
        """Report the progress; return whether the planned time or number of jobs is reached."""
        if self._plan.seconds is not None:
            self._progress(min(int(elapsed), int(self._plan.seconds)), max(1, int(self._plan.seconds)), "seconds")
            return elapsed >= self._plan.seconds
        total = self._plan.enqueuers * (self._plan.jobs or 0)
        self._progress(self._final(), total, "jobs")
        return sum(len(each.acknowledged) for each in self._enqueuers) >= total and self._left() == 0

    def _grant(self) -> None:
        """Grant jobs to the clients: up to their number of jobs, or as many as the workers can run."""
        jobs = self._plan.jobs
        if jobs is not None:
            for each in self._enqueuers:
                each.grant(jobs - len(each.acknowledged) - each.outstanding)
            return
        ahead = self._left() + sum(each.outstanding for each in self._enqueuers)
        wanted = _AHEAD * self._plan.workers - ahead
        for each in self._enqueuers:
            each.grant(-(-wanted // len(self._enqueuers)))

    def _finish_enqueuers(self) -> frozenset[str]:
        for each in self._enqueuers:
            # A client that was just killed has ended here: it is not restarted any more.
            if each.process.poll() is None:
                try:
                    self._check_client(each.finish(PATIENCE))
                except subprocess.TimeoutExpired:
                    self._accidents.append(f"a client that enqueues has not ended within {PATIENCE:.0f} s")
        for each in self._enqueuers:
            each.read()
        return frozenset(each.asked for each in self._enqueuers)

    def _finish_jobs(self) -> None:
        """Wait until all jobs are final and no worker of an earlier pool is left; then check for leaks, and stop."""
        while not self._accidents and not self._is_at_rest():
            self._progress(self._final(), self._final() + self._left(), "jobs")
            self._check_pool()
            time.sleep(_PAUSE)
        self._check_leaks()
        try:
            code = self._ground.stop()
        except subprocess.TimeoutExpired:
            self._accidents.append("the pool has not stopped after all jobs had ended")
        else:
            if code:
                self._accidents.append(f"the pool ended with exit code {code}")

    def _is_at_rest(self) -> bool:
        pools = {pool.id for pool in self._store.workers.running_pools() if pool.pid == self._ground.supervisor}
        workers = self._store.workers.running_workers()
        return (
            self._left() == 0 and len(workers) >= self._plan.workers and all(worker.pool in pools for worker in workers)
        )

    def _check_client(self, code: int | None) -> None:
        """Record an accident for the exit code of a client that failed without being killed."""
        if code is not None and code > 0:
            self._accidents.append(f"a client that enqueues ended with exit code {code}")

    def _check_pool(self) -> None:
        """Restart a killed pool; record an accident if it ended by itself, or without progress for `PATIENCE`."""
        code = self._ground.poll()
        if code is not None:
            self._accidents.append(f"the pool ended by itself with exit code {code}")
        now = time.monotonic()
        if now >= self._leak_check_at:
            self._check_leaks()
            self._leak_check_at = time.monotonic() + _LEAK_CHECK_EVERY
        progress = (self._final(), self._left(), sum(len(each.acknowledged) for each in self._enqueuers))
        if progress != self._progress_seen or not self._changed_at:
            self._progress_seen, self._changed_at = progress, now
        elif now - self._changed_at > PATIENCE:
            self._accidents.append(f"no job has ended for {PATIENCE:.0f} s, and {self._left()} jobs are left to run")

    def _check_leaks(self) -> None:
        self._outlived |= outlived(self._store, self._ground.location)

    def _left(self) -> int:
        return self._store.claims().left_to_run()

    def _final(self) -> int:
        return sum(count for _, state, count in self._store.counts() if state in FINAL)
