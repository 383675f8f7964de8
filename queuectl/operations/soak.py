"""The soak: run an ordinary workload on a temporary store; check that no worker died and no job was lost or late."""

from __future__ import annotations

import os
import random
import secrets
import shutil
import sys
from contextlib import contextmanager

from queuectl.domain.record import record
from queuectl.selftest.ledger import SHOWN
from queuectl.selftest.sandbox import make_directory
from queuectl.store.location import is_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypedDict

    from queuectl.domain.json_types import Bytes, Seconds
    from queuectl.operations.context import Context
    from queuectl.selftest.days import Observed
    from queuectl.selftest.ledger import Violation
    from queuectl.selftest.proof import Found, Proof
    from queuectl.selftest.records import Records
    from queuectl.selftest.sandbox import Sandbox
    from queuectl.selftest.soak import Plan
    from queuectl.selftest.steadiness import Steady

    class SoakDocument(TypedDict):
        """The result of a soak."""

        ok: bool
        """Whether the queue kept its guarantees."""
        elapsed_seconds: Seconds
        """How long it took."""
        seed: int
        """The random seed, to repeat it."""
        store: str
        """The temporary store, without a password."""
        jobs: int
        """Number of jobs in the store at the end."""
        states: dict[str, int]
        """The same by state."""
        acknowledged: int
        """Number of jobs whose enqueue was acknowledged."""
        runs: int
        """Number of attempts."""
        lost: int
        """Number of attempts that were lost with their worker."""
        pools: int
        """Number of pools that ran."""
        workers: int
        """Number of workers that ran."""
        phases: dict[str, int]
        """How often each phase of the workload was run."""
        longest_wait_seconds: Seconds
        """The longest wait of a due job while a worker was idle; 0 if shorter than half a second."""
        longest_silence_seconds: Seconds
        """The longest time without a sign of life of a worker."""
        descriptors_grown: int | None
        """By how much the open files of a process have grown; null where they cannot be counted."""
        memory_grown_bytes: Bytes | None
        """By how much the memory of a process has grown; null where it cannot be measured."""
        files_grown: int | None
        """By how much the files in the run directory have grown; null where they cannot be counted."""
        connections_grown: int | None
        """By how much the connections to a server have grown; null where there is no server."""
        longest_log_bytes: Bytes
        """The largest size of the write-ahead log."""
        starved_seconds: Seconds
        """How long the machine had no time for the processes of the soak."""
        excused_workers: int
        """Number of workers that were written off in that time."""
        not_measured: list[str]
        """Measures that this system does not provide, which were therefore not checked."""
        violation_count: int
        """Number of guarantees that were broken."""
        violations: list[ViolationDocument]
        """The first of them."""
        kept: str | None
        """The directory with the ledger and the logs; null without violations, when it is deleted."""

    class ViolationDocument(TypedDict):
        """A broken guarantee of the queue."""

        job: str | None
        """The job; null where it is not about one."""
        sentence: str
        """What was found."""


_REMOTE_POLL_FACTOR = 5


@record
class Soaked:
    """The result of a soak."""

    seconds: float
    seed: int
    store: str
    """The location of its store, without a password."""
    found: Found
    steady: Steady
    observed: Observed
    workers: int
    """Number of all workers that ran, one after the other."""
    not_measured: tuple[str, ...]
    """Measures that this system does not provide, which are therefore not checked."""
    violations: tuple[Violation, ...]
    kept: str | None
    """The directory with the ledger, the logs, and the store unless that is on a server; None without violations."""

    @property
    def exit_code(self) -> int:
        """1 when there are violations, else 0."""
        return int(bool(self.violations))

    @property
    def starved_seconds(self) -> float:
        """Seconds in which the machine had no time for the processes of the soak."""
        return sum(end - start for start, end in self.observed.starved) / 1000

    def document(self) -> SoakDocument:
        """Return the JSON form."""
        growth = self.steady.growth
        return {
            "ok": self.exit_code == 0,
            "elapsed_seconds": round(self.seconds, 3),
            "seed": self.seed,
            "store": self.store,
            "jobs": sum(self.found.jobs.values()),
            "states": dict(self.found.jobs),
            "acknowledged": len(self.observed.acknowledged),
            "runs": self.found.runs,
            "lost": self.found.recoveries,
            "pools": len(self.observed.pools) + len(self.observed.drains),
            "workers": self.workers,
            "phases": {str(phase): n for phase, n in self.observed.phases.items()},
            "longest_wait_seconds": self.steady.longest_wait_ms / 1000,
            "longest_silence_seconds": self.steady.longest_silence_ms / 1000,
            "descriptors_grown": growth["descriptors"],
            "memory_grown_bytes": growth["memory"],
            "files_grown": growth["files"],
            "connections_grown": growth["connections"],
            "longest_log_bytes": self.observed.longest_log,
            "starved_seconds": round(self.starved_seconds, 3),
            "excused_workers": self.steady.excused,
            "not_measured": list(self.not_measured),
            "violation_count": len(self.violations),
            "violations": [{"job": each.job or None, "sentence": each.sentence} for each in self.violations[:SHOWN]],
            "kept": self.kept,
        }


@record
class _Scene:
    """The store and the directory of a soak."""

    stage: Context
    ground: Sandbox
    temporary: str
    """The directory for temporary files of its processes."""


def soak(context: Context, plan: Plan) -> Soaked:
    """Run the workload of `plan` on a store beside the real one, and check its guarantees."""
    keep: list[str] = []
    with _scene(context, plan.workers, keep) as scene:
        soaked = _soak(context, scene, plan)
        if soaked.kept is not None:
            keep.append(soaked.kept)
        return soaked


@contextmanager
def _scene(context: Context, workers: int, keep: list[str]) -> Iterator[_Scene]:
    """Create a store and a directory, which are deleted at the end unless `keep` has an element by then."""
    from queuectl.selftest.sandbox import Sandbox

    remote = is_url(context.given)
    directory = make_directory(context.run_dir.root if remote else context.location)
    scratch: dict[str, str] = {}
    stage = ground = None
    try:
        location = os.path.join(directory, "queue.db")
        if remote:
            location, scratch = _database(context.given)
        temporary = os.path.join(directory, "temporary")
        os.mkdir(temporary, 0o700)
        stage = context.elsewhere(location)
        stage.run_dir.make()
        stage.now()  # opens the store, so that the clock below is the server's
        ground = Sandbox(
            directory,
            stage.run_dir,
            location=stage.location,
            clock=stage.clock,
            workers=workers,
            given=stage.given,
            scratch=scratch,
            variables={"TMPDIR": temporary},
        )
        yield _Scene(stage=stage, ground=ground, temporary=temporary)
    finally:
        if stage is not None:
            stage.close()
        # While a process of it still runs (after two interrupts), the guardian deletes the directory.
        if not keep and (ground is None or not ground.stands):
            if stage is not None:
                shutil.rmtree(stage.run_dir.root, ignore_errors=True)
            shutil.rmtree(directory, ignore_errors=True)
            if scratch:
                _drop(scratch)


def _database(url: str) -> tuple[str, dict[str, str]]:
    """Create a database on the server. Return its URL, and the variables with which the guardian can drop it.

    Raises StoreError.
    """
    from queuectl.store.postgres.scratch import make

    name = f"queuectl_soak_{secrets.token_hex(4)}"
    return make(url, name), {"QUEUECTL_BESIDE": url, "QUEUECTL_SCRATCH": name}


def _drop(scratch: dict[str, str]) -> None:
    from queuectl.store.postgres.scratch import drop

    drop(scratch["QUEUECTL_BESIDE"], scratch["QUEUECTL_SCRATCH"])


def _soak(context: Context, scene: _Scene, plan: Plan) -> Soaked:
    from queuectl.domain.record import replace
    from queuectl.selftest.days import Days
    from queuectl.selftest.ledger import Violation, read
    from queuectl.selftest.proof import Proof
    from queuectl.selftest.soak import SETTINGS, must_end
    from queuectl.selftest.steadiness import Steadiness
    from queuectl.selftest.stress_run import Evidence

    stage, ground = scene.stage, scene.ground
    started = context.clock.monotonic()
    for key, value in SETTINGS.items():
        stage.store.set_config(key, value, now=stage.now())
    rng = random.Random(plan.seed)  # noqa: S311 - repeatable, not secret
    with ground.held(stage.store):
        observed = Days(ground, stage.store, plan, rng=rng, progress=context.progress).run()
    entries = read(ground.ledger)
    evidence = Evidence(
        acknowledged=observed.acknowledged,
        asked=frozenset(),
        kills={},
        killed_at={},
        accidents=observed.accidents,
    )
    proof = Proof(stage.store, entries, evidence, must_end=must_end)
    found = proof.find(context.progress)
    records = _records(stage, ground, proof)
    steady = Steadiness(records, observed).find()
    leftovers = (Violation(job="", sentence=sentence) for sentence in _leftovers(scene))
    violations = (*found.violations, *steady.violations, *leftovers)
    return Soaked(
        seconds=context.clock.monotonic() - started,
        seed=plan.seed,
        store=stage.location,
        found=replace(found, violations=()),
        steady=replace(steady, violations=()),
        observed=observed,
        workers=len(records.lives),
        not_measured=_not_measured(observed, steady),
        violations=violations,
        kept=ground.directory if violations else None,
    )


def _records(stage: Context, ground: Sandbox, proof: Proof) -> Records:
    from queuectl.selftest.records import Records

    with open(ground.pool_log, encoding="utf-8", errors="backslashreplace") as file:
        log = file.read().splitlines()
    # On a server an idle worker polls less often, because notifications wake it.
    factor = _REMOTE_POLL_FACTOR if stage.store.database.remote else 1
    return Records(
        jobs=proof.jobs,
        runs=proof.runs,
        lives=stage.store.workers.lives(),
        events=stage.store.events.events(limit=10_000_000),
        log=log,
        next_look_ms=round(stage.settings.poll_interval * factor * 1000),
        ended_at=stage.now(),
    )


def _leftovers(scene: _Scene) -> Iterator[str]:
    """Yield a sentence about each file that is left after the end."""
    from queuectl.selftest.leak_check import files_of_pools, left_in

    yield from left_in(scene.ground.run_dir)
    yield from files_of_pools(scene.ground.run_dir)
    for name in sorted(os.listdir(scene.temporary)):
        yield f"a temporary file was left: {name}"


def _not_measured(observed: Observed, steady: Steady) -> tuple[str, ...]:
    missing = [what for what in ("descriptors", "memory") if steady.growth[what] is None]
    if not observed.silences:
        missing.append("signs of life")
    if sys.platform != "linux":
        missing.append("processes of finished attempts")
    if len(observed.rests) < 2:
        missing.append("growth between two times of rest")
    return tuple(missing)
