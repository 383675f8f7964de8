"""Days of a soak: jobs are enqueued, pools run them and are scaled, drained and restarted; no process is killed."""

from __future__ import annotations

import json
import subprocess
import time

from queuectl.domain.job import FINAL
from queuectl.domain.record import record
from queuectl.selftest import soak
from queuectl.selftest.pace import Pace, shifted
from queuectl.selftest.soak import Phase
from queuectl.selftest.watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from queuectl.selftest.pace import Span
    from queuectl.selftest.sandbox import Sandbox
    from queuectl.selftest.soak import Plan
    from queuectl.selftest.watch import Rest
    from queuectl.store.store import Store

PATIENCE = 180.0
"""Seconds without any progress after which a soak is aborted."""
_PAUSE = 0.05
_QUIET = 2.0
_DRAINERS = 2


@record
class PoolRun:
    """A pool that was started, and how it ended."""

    id: str
    workers: int
    """How many workers it was ordered to start."""
    code: int | None
    """The exit code; None if it has not ended."""


@record
class Observed:
    """Observations of a soak besides the store and the ledger. Times are milliseconds by the store's clock."""

    acknowledged: tuple[str, ...]
    pools: tuple[PoolRun, ...]
    drains: tuple[int | None, ...]
    """The exit codes of the pools that were started with --drain."""
    orders: int
    """How often a pool was started, scaled or stopped."""
    phases: Mapping[Phase, int]
    """How often each phase was run."""
    rests: tuple[Rest, ...]
    silences: Mapping[str, Span]
    starved: tuple[Span, ...]
    """The spans in which this machine was starved."""
    longest_log: int
    accidents: tuple[str, ...]
    """Sentences about unexpected events."""


class Days:
    """One soak from its start to the end of its last pool."""

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
        self._watch = Watch(ground, store)
        self._acknowledged: list[str] = []
        self._enqueued = 0
        self._pools: list[PoolRun] = []
        self._drains: list[int | None] = []
        self._size = plan.workers
        self._orders = 0
        self._phase = Phase.WARM_UP
        self._counts: dict[Phase, int] = {}
        self._accidents: list[str] = []
        self._started = 0.0
        self._progress_seen: tuple[object, ...] = ()
        self._changed_at = 0.0

    def run(self) -> Observed:
        """Run all phases and stop the last pool; return the observations."""
        pace = Pace(self._ground.directory)
        pace.start()
        try:
            self._run_phases()
        finally:
            starved = pace.finish()
        ahead = self._ground.clock.now() - time.time_ns() // 1_000_000
        return Observed(
            acknowledged=tuple(self._acknowledged),
            pools=tuple(self._pools),
            drains=tuple(self._drains),
            orders=self._orders,
            phases=self._counts,
            rests=tuple(self._watch.rests),
            silences=dict(zip(self._watch.silences, shifted(list(self._watch.silences.values()), ahead), strict=True)),
            starved=shifted(starved, ahead),
            longest_log=self._watch.longest_log,
            accidents=(*dict.fromkeys(self._accidents), *self._watch.outlived.values()),
        )

    def _run_phases(self) -> None:
        self._started = self._changed_at = time.monotonic()
        self._await_start()
        for phase, may_end in soak.phases(self._plan, self._rng):
            if self._accidents or (may_end and self._elapsed >= self._plan.seconds):
                break
            self._phase = phase
            self._counts[phase] = self._counts.get(phase, 0) + 1
            self._run_phase(phase)
        self._phase = Phase.QUIET
        self._quiet()
        self._end(self._ground.stop)

    def _run_phase(self, phase: Phase) -> None:
        workers = self._plan.workers
        match phase:
            case Phase.WARM_UP:
                self._warm_up()
            case Phase.BURST:
                self._burst()
            case Phase.MIDDLE:
                self._enqueue(["middle"] * (2 * workers))
            case Phase.LONG:
                self._enqueue(["long"] * max(1, workers // 2))
            case Phase.MIXED:
                self._mixed()
            case Phase.DELAYED:
                self._enqueue(["delayed"] * (2 * workers))
            case Phase.SCALING:
                self._scaling()
            case Phase.DRAIN:
                self._drain()
            case Phase.RESTART:
                self._restart()
            case Phase.QUIET:
                self._quiet()

    def _warm_up(self) -> None:
        self._enqueue([kind for kind in soak.KINDS if kind not in {"middle", "long"}] * 2)
        self._until(lambda: self._left() < self._plan.workers)
        self._enqueue(["loud"] * (2 * self._plan.workers))

    def _burst(self) -> None:
        over = time.monotonic() + self._plan.burst
        while time.monotonic() < over and not self._accidents:
            if self._left() < 10 * self._size:
                self._enqueue(["short"] * (20 * self._size))
            self._pause()

    def _mixed(self) -> None:
        for _ in range(3):
            self._enqueue(soak.mixed(3 * self._plan.workers, self._rng))
            self._wait(1.0)

    def _scaling(self) -> None:
        self._enqueue(soak.mixed(2 * self._plan.workers, self._rng))
        self._scale(self._plan.workers + self._rng.randint(1, 3))
        self._enqueue(["short"] * (5 * self._plan.workers))
        self._scale(self._rng.randint(1, max(1, self._plan.workers - 1)))
        self._scale(self._plan.workers)

    def _scale(self, size: int) -> None:
        pool = self._pools[-1]
        self._order("worker", "scale", str(size), "--pool", pool.id)
        more = max(0, size - self._size)
        self._pools[-1] = PoolRun(id=pool.id, workers=pool.workers + more, code=None)
        self._size = size
        self._until(lambda: self._workers() == size)

    def _drain(self) -> None:
        self._enqueue(soak.mixed(3 * self._plan.workers, self._rng))
        self._orders += 1
        pool = self._ground.start_drain(_DRAINERS)
        self._until(lambda: pool.poll() is not None)
        self._drains.append(pool.poll())

    def _restart(self) -> None:
        self._enqueue(["middle"] * self._plan.workers)
        self._until(lambda: any(worker.job for worker in self._store.workers.running_workers()))
        self._order("worker", "stop")
        self._end(self._ground.ended)
        self._enqueue(soak.mixed(self._plan.workers, self._rng))
        self._ground.start_pool()
        self._await_start()

    def _quiet(self) -> None:
        self._until(lambda: self._left() == 0 and self._workers() == self._size)
        self._wait(_QUIET)
        if not self._accidents:
            self._watch.rest()

    def _await_start(self) -> None:
        self._orders += 1
        self._size = self._plan.workers
        self._until(lambda: self._workers() == self._size)
        pid = self._ground.supervisor
        ids = [pool.id for pool in self._store.workers.running_pools() if pool.pid == pid]
        self._pools.append(PoolRun(id=ids[0] if ids else "", workers=self._size, code=None))

    def _end(self, end: Callable[[], int]) -> None:
        self._orders += 1
        try:
            code = end()
        except subprocess.TimeoutExpired:
            self._accidents.append("a pool that was ordered to stop has not ended")
            return
        if self._pools:
            last = self._pools[-1]
            self._pools[-1] = PoolRun(id=last.id, workers=last.workers, code=code)

    def _order(self, *arguments: str) -> None:
        self._orders += 1
        self._run(*arguments)

    def _enqueue(self, kinds: Sequence[str]) -> None:
        lines = []
        for kind in kinds:
            lines.append(json.dumps(soak.job(self._enqueued, kind, self._ground.ledger, self._rng)))
            self._enqueued += 1
        self._acknowledged += self._run("enqueue", "-f", "-", given="\n".join(lines).encode()).decode().split()

    def _run(self, *arguments: str, given: bytes = b"") -> bytes:
        """Run a command, which must succeed, with `given` on its standard input; return its output."""
        try:
            done = self._ground.run(*arguments, given=given)
        except subprocess.TimeoutExpired:
            self._accidents.append(f"queuectl {arguments[0]} has not ended")
            return b""
        if done.returncode:
            error = done.stderr.decode(errors="backslashreplace").strip().partition("\n")[0]
            self._accidents.append(f"queuectl {' '.join(arguments)} ended with exit code {done.returncode}: {error}")
        return done.stdout

    def _wait(self, seconds: float) -> None:
        over = time.monotonic() + seconds
        while time.monotonic() < over and not self._accidents:
            self._pause()

    def _until(self, done: Callable[[], bool]) -> None:
        """Wait for a condition, and watch the pools meanwhile; record an accident without progress for `PATIENCE`."""
        self._changed_at = time.monotonic()
        while not self._accidents and not done():
            progress = (self._final(), self._left(), self._workers())
            if progress != self._progress_seen:
                self._progress_seen, self._changed_at = progress, time.monotonic()
            elif time.monotonic() - self._changed_at > PATIENCE:
                self._accidents.append(
                    f"no job has ended for {PATIENCE:.0f} s ({self._phase}), and {progress[1]} jobs are left to run"
                )
            self._pause()

    def _pause(self) -> None:
        self._watch.sample()
        code = self._ground.poll()
        if code is not None:
            self._accidents.append(f"the pool ended by itself with exit code {code}")
        seconds = max(1, int(self._plan.seconds))
        self._progress(min(int(self._elapsed), seconds), seconds, f"seconds: {self._phase}")
        time.sleep(_PAUSE)

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _workers(self) -> int:
        """Return the number of workers of all pools."""
        return len(self._store.workers.running_workers())

    def _left(self) -> int:
        return self._store.claims().left_to_run()

    def _final(self) -> int:
        return sum(count for _, state, count in self._store.counts() if state in FINAL)
