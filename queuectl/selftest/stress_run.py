"""A siege: clients enqueue, workers work, somebody kills them; then all comes to rest, and what is left is evidence."""

from __future__ import annotations

import os
import subprocess
import time

from queuectl.domain.job import FINAL
from queuectl.domain.record import record
from queuectl.selftest.clients import Client, ClientConfig
from queuectl.selftest.faults import Faults
from queuectl.selftest.leak_check import outlived

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from queuectl.selftest.sandbox import Sandbox
    from queuectl.store.store import Store

PATIENCE = 60.0
"""Seconds in which nothing at all happens before it is given up."""
_PAUSE = 0.02
_LOOK_EVERY = 1.0
"""Seconds between two looks at every process of the machine."""
_AHEAD = 4
"""Jobs for each worker that may wait, in a siege that is measured by time."""


@record
class Plan:
    """What is to happen."""

    workers: int
    enqueuers: int
    seconds: float | None
    """How long; None: until each client has enqueued its jobs and all of them are final."""
    jobs: int | None
    """How many jobs each client enqueues; None: as many as the workers can take."""
    kill_every: float | None
    """Seconds between two kills; None: nobody is killed."""
    seed: int


@record
class Evidence:
    """What a siege has left beside the store and the ledger."""

    acknowledged: tuple[str, ...]
    """What the clients were told has been stored, in the order of each."""
    asked: frozenset[str]
    """What they may have stored without being told of it."""
    kills: dict[str, int]
    killed_at: dict[str, int]
    """Workers, and when each was killed, in milliseconds since the epoch."""
    accidents: tuple[str, ...]
    """What should not have happened, in sentences."""


class StressRun:
    """One siege from its start to the rest after it."""

    def __init__(
        self,
        ground: Sandbox,
        store: Store,
        plan: Plan,
        *,
        rng: Random,
        progress: Callable[[int, int, str], None],
    ) -> None:
        """`progress` is told how far it is."""
        self._ground = ground
        self._store = store
        self._plan = plan
        self._rng = rng
        self._progress = progress
        self._accidents: list[str] = []
        """What ends the siege before its time."""
        self._outlived: dict[str, str] = {}
        """What does not."""
        self._enqueuers: list[Client] = []
        self._moved: tuple[object, ...] = ()
        self._moved_at = self._look_again_at = 0.0

    def run(self) -> Evidence:
        """Do it all, and let the pool end by itself."""
        ground, plan = self._ground, self._plan
        desk = ClientConfig(
            directory=ground.directory,
            store=ground.location,
            ledger=ground.ledger,
            seed=plan.seed,
            environment=ground.environment,
            log=os.path.join(ground.directory, "enqueuers.log"),
            alive=ground.alive,
        )
        try:
            for number in range(plan.enqueuers):
                self._enqueuers.append(Client(desk, number))
            strikes = Faults(ground, self._store, self._enqueuers, self._rng)
            self._storm(strikes)
            asked = self._finish_enqueuers()
            self._rest()
        finally:
            for enqueuer in self._enqueuers:
                enqueuer.end()
        return Evidence(
            acknowledged=tuple(id_ for each in self._enqueuers for id_ in each.acknowledged),
            asked=asked,
            kills={victim.value: count for victim, count in strikes.kills.items()},
            killed_at=strikes.killed_at,
            accidents=(*self._accidents, *self._outlived.values()),
        )

    def _storm(self, strikes: Faults) -> None:
        started = time.monotonic()
        every = self._plan.kill_every
        next_kill = started + every if every is not None else float("inf")
        while not self._accidents and not self._is_over(time.monotonic() - started):
            self._grant()
            now = time.monotonic()
            if every is not None and now >= next_kill:
                strikes.strike()
                # Late, we do not catch up: two kills at once would be another siege than the one asked for.
                next_kill = max(next_kill + every, now)
            for each in self._enqueuers:
                self._told(each.look())
            self._look()
            time.sleep(_PAUSE)

    def _is_over(self, elapsed: float) -> bool:
        """Whether the storm has done what was planned; tells how far it is."""
        if self._plan.seconds is not None:
            self._progress(min(int(elapsed), int(self._plan.seconds)), max(1, int(self._plan.seconds)), "seconds")
            return elapsed >= self._plan.seconds
        total = self._plan.enqueuers * (self._plan.jobs or 0)
        self._progress(self._final(), total, "jobs")
        return sum(len(each.acknowledged) for each in self._enqueuers) >= total and self._left() == 0

    def _grant(self) -> None:
        """Let the clients go on: to their number of jobs, or as far as the workers follow."""
        jobs = self._plan.jobs
        if jobs is not None:
            for each in self._enqueuers:
                each.grant(jobs - len(each.acknowledged) - each.outstanding)
            return
        ahead = self._left() + sum(each.outstanding for each in self._enqueuers)
        room = _AHEAD * self._plan.workers - ahead
        for each in self._enqueuers:
            each.grant(-(-room // len(self._enqueuers)))

    def _finish_enqueuers(self) -> frozenset[str]:
        for each in self._enqueuers:
            # One that was killed last is seen here: nobody takes its place any more.
            if each.process.poll() is None:
                try:
                    self._told(each.finish(PATIENCE))
                except subprocess.TimeoutExpired:
                    self._accidents.append(f"a client has not come to its end within {PATIENCE:.0f} s")
        for each in self._enqueuers:
            each.read()
        return frozenset(each.asked for each in self._enqueuers)

    def _rest(self) -> None:
        """Wait until nothing is left to do and nobody of an earlier pool is there; then see who stays, and end."""
        while not self._accidents and not self._is_at_rest():
            self._progress(self._final(), self._final() + self._left(), "jobs")
            self._look()
            time.sleep(_PAUSE)
        self._look_for_outlived()
        try:
            code = self._ground.stop()
        except subprocess.TimeoutExpired:
            self._accidents.append("the pool has not come to its end after everything was done")
        else:
            if code:
                self._accidents.append(f"the pool ended with exit code {code}")

    def _is_at_rest(self) -> bool:
        fleet = self._store.workers
        pools = {pool.id for pool in fleet.running_pools() if pool.pid == self._ground.supervisor}
        workers = fleet.running_workers()
        return (
            self._left() == 0 and len(workers) >= self._plan.workers and all(worker.pool in pools for worker in workers)
        )

    def _told(self, code: int | None) -> None:
        """Make a note of a client that ended although nobody killed it, and had not come to its end."""
        if code is not None and code > 0:
            self._accidents.append(f"a client gave up with exit code {code}")

    def _look(self) -> None:
        """Start the pool anew if it was killed, and make a note if it ended by itself or nothing moves any more."""
        code = self._ground.look()
        if code is not None:
            self._accidents.append(f"the pool ended by itself with exit code {code}")
        now = time.monotonic()
        if now >= self._look_again_at:
            self._look_for_outlived()
            self._look_again_at = time.monotonic() + _LOOK_EVERY
        moved = (self._final(), self._left(), sum(len(each.acknowledged) for each in self._enqueuers))
        if moved != self._moved or not self._moved_at:
            self._moved, self._moved_at = moved, now
        elif now - self._moved_at > PATIENCE:
            self._accidents.append(f"nothing has happened for {PATIENCE:.0f} s, and {self._left()} jobs are not final")

    def _look_for_outlived(self) -> None:
        self._outlived |= outlived(self._store, self._ground.location, now=self._ground.clock.now())

    def _left(self) -> int:
        return self._store.claims().left_to_run()

    def _final(self) -> int:
        return sum(count for _, state, count in self._store.counts() if state in FINAL)
