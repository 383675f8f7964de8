"""The self-test: stress a store beside the real one, and check that every guarantee was kept."""

from __future__ import annotations

import os
import random
import shutil

from queuectl.domain.errors import UsageError
from queuectl.domain.record import field, record
from queuectl.domain.units import parse_duration
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.workers import MAX_WORKERS
from queuectl.store.location import is_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from queuectl.domain.json_types import Seconds
    from queuectl.operations.context import Context
    from queuectl.operations.soak import Soaked, ViolationDocument
    from queuectl.selftest.ledger import Violation
    from queuectl.selftest.proof import Found
    from queuectl.selftest.sandbox import Sandbox
    from queuectl.selftest.soak import Plan as SoakPlan
    from queuectl.selftest.stress_run import Plan

    class StressDocument(TypedDict):
        """The result of a stress run."""

        ok: bool
        """Whether the queue kept its guarantees."""
        elapsed_seconds: Seconds
        """How long it took."""
        seed: int
        """The random seed, to repeat it."""
        jobs: int
        """Number of jobs in the store at the end."""
        states: dict[str, int]
        """The same by state."""
        acknowledged: int
        """Number of jobs whose enqueue was acknowledged to a client."""
        runs: int
        """Number of attempts."""
        kills: dict[str, int]
        """Number of processes that were killed, by kind."""
        recoveries: int
        """Number of attempts that were lost with their worker."""
        slowest_recovery_seconds: Seconds | None
        """From the kill of a worker until its job had been put back, at the longest; null if none was."""
        refused_writes: int
        """Number of results that came too late and were not recorded."""
        violation_count: int
        """Number of guarantees that were broken."""
        violations: list[ViolationDocument]
        """The first of them."""
        kept: str | None
        """The directory with the store, the ledger and the logs; null without violations, when it is deleted."""


MAX_ENQUEUERS = 100
MAX_JOBS = 1_000_000
MAX_MINUTES = 7 * 24 * 60
MAX_SOAK_MINUTES = 12 * 60
"""The store deletes the rows of pools a day after their end, and the check of a soak needs all of them."""
_SOAK_MINUTES = 10.0
_WORKERS, _ENQUEUERS = 8, 3
_QUIET_SECONDS, _CRASH_SECONDS = 15.0, 30.0
_KILL_EVERY_MS, _SHORTEST_PAUSE_MS = 300, 20
_FAST = {"backoff_delay": "0.1", "backoff_base": "1.5", "kill_grace": "0.3"}
"""Settings of the store that keep the time for retries and for jobs that ignore TERM short."""
_REFUSED = b" lost ownership of "
"""Part of the log line of a worker whose result was refused, because its fence is no longer the job's."""
_INTERNAL_ERROR = b" internal error: "


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = float("nan")
    # Not `minutes <= 0 or …`, which NaN would pass.
    if not 0 < minutes <= MAX_MINUTES:
        raise UsageError(f"--minutes cannot be {text[:40]!r}", hint=f"more than 0, at most {MAX_MINUTES}")
    return minutes


@record
class Selftest:
    """Parameters of `selftest`."""

    crash: bool = field("also kill workers at random with SIGKILL, and sometimes other processes", default=False)
    soak: bool = field("instead run an ordinary workload with a lease of 5 s, and kill no process", default=False)
    minutes: float | None = field(
        f"for how long jobs are enqueued (default: 0.25, with --crash 0.5, with --soak {_SOAK_MINUTES:.0f})",
        default=None,
        short="m",
        metavar="N",
        parse=_minutes,
    )
    jobs: int | None = field("the number of jobs of each client, instead of a time", default=None, metavar="N")
    workers: int = field(f"the number of workers (default: {_WORKERS})", default=_WORKERS, short="n", metavar="N")
    enqueuers: int | None = field(
        f"the number of clients that enqueue (default: {_ENQUEUERS})", default=None, metavar="N"
    )
    kill_every: int | None = field(
        f"the time between two kills (default: {_KILL_EVERY_MS}ms)",
        default=None,
        metavar="DURATION",
        parse=parse_duration,
    )
    seed: int | None = field("the random seed, to repeat a run (default: a new one)", default=None, metavar="N")


@record
class Verdict:
    """The result of a stress run."""

    seconds: float
    seed: int
    acknowledged: int
    found: Found
    kills: dict[str, int]
    refused_writes: int
    """Number of results that came too late and were not recorded, counted in the workers' logs."""
    violations: tuple[Violation, ...]
    kept: str | None
    """The directory with the store, the ledger and the logs; None without violations, when it is deleted."""

    @property
    def exit_code(self) -> int:
        """1 when there are violations, else 0."""
        return int(bool(self.violations))

    def document(self) -> StressDocument:
        """Return the JSON form."""
        from queuectl.selftest.ledger import SHOWN

        slowest = self.found.slowest_recovery_ms
        return {
            "ok": self.exit_code == 0,
            "elapsed_seconds": round(self.seconds, 3),
            "seed": self.seed,
            "jobs": sum(self.found.jobs.values()),
            "states": dict(self.found.jobs),
            "acknowledged": self.acknowledged,
            "runs": self.found.runs,
            "kills": self.kills,
            "recoveries": self.found.recoveries,
            "slowest_recovery_seconds": None if slowest is None else slowest / 1000,
            "refused_writes": self.refused_writes,
            "violation_count": len(self.violations),
            "violations": [{"job": each.job or None, "sentence": each.sentence} for each in self.violations[:SHOWN]],
            "kept": self.kept,
        }


def selftest(context: Context, params: Selftest) -> Verdict | Soaked:
    """Stress a temporary store in the directory of the real one, and check its guarantees."""
    if params.soak:
        # Loaded here, like all that only one kind of self-test needs.
        from queuectl.operations.soak import soak

        return soak(context, _soak_plan(params))
    from queuectl.selftest.sandbox import Sandbox, make_directory

    plan = _plan(params)
    if is_url(context.location):
        raise UsageError(
            "the self-test needs a store in a file, to create its own beside it",
            hint="queuectl --db PATH selftest; with --soak it can also create a database on this server",
        )
    directory = make_directory(context.location)
    stage = context.elsewhere(os.path.join(directory, "queue.db"))
    ground = Sandbox(directory, stage.run_dir, location=stage.location, clock=stage.clock, workers=plan.workers)
    kept = False
    try:
        verdict = _stress(context, stage, ground, plan)
        kept = bool(verdict.violations)
        return verdict
    finally:
        stage.close()
        # While a process of it still runs (after two interrupts), the guardian deletes the directory.
        if not kept and not ground.stands:
            shutil.rmtree(directory, ignore_errors=True)


def _soak_plan(params: Selftest) -> SoakPlan:
    from queuectl.selftest.soak import Plan

    for name in ("crash", "jobs", "enqueuers", "kill_every"):
        if getattr(params, name) not in {None, False}:
            raise UsageError(
                f"--soak and --{name.replace('_', '-')} cannot be combined",
                hint="a soak takes --minutes, --workers and --seed",
            )
    if not 1 <= params.workers <= MAX_WORKERS:
        raise UsageError(f"--workers must be from 1 to {MAX_WORKERS}")
    minutes = _SOAK_MINUTES if params.minutes is None else params.minutes
    if minutes > MAX_SOAK_MINUTES:
        raise UsageError(f"--minutes of a soak must be at most {MAX_SOAK_MINUTES}")
    return Plan(workers=params.workers, seconds=minutes * 60, seed=_seed(params))


def _seed(params: Selftest) -> int:
    return random.randrange(1_000_000) if params.seed is None else params.seed  # noqa: S311 - no secret


def _plan(params: Selftest) -> Plan:
    from queuectl.selftest.stress_run import Plan

    enqueuers = _ENQUEUERS if params.enqueuers is None else params.enqueuers
    kill_every = _KILL_EVERY_MS if params.kill_every is None else params.kill_every

    if params.jobs is not None and params.minutes is not None:
        raise UsageError("--minutes and --jobs cannot be combined", hint="give either a time or a number of jobs")
    for name, number, most in (
        ("workers", params.workers, MAX_WORKERS),
        ("enqueuers", enqueuers, MAX_ENQUEUERS),
        ("jobs", 1 if params.jobs is None else params.jobs, MAX_JOBS),
    ):
        if not 1 <= number <= most:
            raise UsageError(f"--{name} must be from 1 to {most}")
    if kill_every < _SHORTEST_PAUSE_MS:
        raise UsageError(f"--kill-every must be at least {_SHORTEST_PAUSE_MS}ms")
    seconds = _CRASH_SECONDS if params.crash else _QUIET_SECONDS
    if params.minutes is not None:
        seconds = params.minutes * 60
    return Plan(
        workers=params.workers,
        enqueuers=enqueuers,
        seconds=seconds if params.jobs is None else None,
        jobs=params.jobs,
        kill_every=kill_every / 1000 if params.crash else None,
        seed=_seed(params),
    )


def _stress(context: Context, stage: Context, ground: Sandbox, plan: Plan) -> Verdict:
    from queuectl.domain.record import replace
    from queuectl.selftest.leak_check import left_in
    from queuectl.selftest.ledger import Violation, read
    from queuectl.selftest.proof import Proof
    from queuectl.selftest.stress_run import StressRun

    started = context.clock.monotonic()
    rng = random.Random(plan.seed)  # noqa: S311 - repeatable, not secret
    for key, value in _FAST.items():
        stage.store.set_config(key, value, now=stage.now())
    stage.run_dir.make()
    with ground.held(stage.store):
        evidence = StressRun(ground, stage.store, plan, rng=rng, progress=context.progress).run()
    entries = read(ground.ledger)
    found = Proof(stage.store, entries, evidence).find(context.progress)
    with open(ground.pool_log, "rb") as file:
        log = file.read()
    sentences = [
        *left_in(stage.run_dir),
        *(line.decode(errors="backslashreplace") for line in log.splitlines() if _INTERNAL_ERROR in line),
    ]
    if read(ground.ledger) != entries:
        sentences.append("a process wrote to the ledger after all jobs had ended")
    violations = [*found.violations, *(Violation(job="", sentence=sentence) for sentence in sentences)]
    return Verdict(
        seconds=context.clock.monotonic() - started,
        seed=plan.seed,
        acknowledged=len(evidence.acknowledged),
        found=replace(found, violations=()),
        kills=evidence.kills,
        refused_writes=log.count(_REFUSED),
        violations=tuple(violations),
        kept=ground.directory if violations else None,
    )


SELFTEST = Operation(
    name="selftest",
    heading=Heading.CARE,
    see=("doctor",),
    blocking=True,
    summary="Check on a store of its own that the guarantees are kept",
    params=Selftest,
    run=selftest,
    description=(
        "Clients enqueue jobs that are short, fail, time out or leave child processes behind; workers run them, and "
        "with --crash are killed. Then every job and every run is checked against a ledger that the jobs wrote "
        "themselves. The temporary store is in a directory beside the real one, which is not touched. It is deleted, "
        "unless there are violations; then the exit code is 1.\n\n"
        "--soak is for faults that only show over time: bursts of short jobs, long jobs, quiet times, scaling, drains "
        "and restarts. It checks that no worker was killed, that no job was lost or late, and that descriptors, "
        "memory, files and logs have not grown. For a PostgreSQL store it creates a database beside that of the store, "
        "and drops it at the end."
    ),
    examples=("selftest", "selftest --crash", "selftest --crash --minutes 30", "selftest --soak --minutes 30"),
)
