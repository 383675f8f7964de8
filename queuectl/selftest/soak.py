"""Plan of a soak: the kinds of its jobs and the phases of its days, both drawn from a seed.

The kind is part of a job's id, so that the id determines how the job must end, and after which attempts.
"""

from __future__ import annotations

from enum import StrEnum

from queuectl.domain.attempt import Outcome
from queuectl.domain.backoff import Backoff
from queuectl.domain.job import JobState
from queuectl.domain.record import record
from queuectl.selftest.ledger import witnessed
from queuectl.selftest.workload import KINDS as SIEGED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random
    from typing import Any

LEASE = 5.0
"""Seconds: short, so that a worker that shows no sign of life is killed within one burst."""
BACKOFF = Backoff(delay=0.1, base=1.5, maximum=3600)
SETTINGS = {"lease": "5", "backoff_delay": "0.1", "backoff_base": "1.5", "kill_grace": "0.3"}
QUEUES = ("default", "mail", "media")


@record
class Kind:
    """A kind of job."""

    command: Callable[[str, Random], str]
    """Builds the command from the path of the ledger."""
    outcomes: tuple[Outcome, ...]
    """The expected outcomes of its attempts."""
    weight: int = 0
    """Its share of a mix, relative to the other kinds."""
    options: dict[str, Any] = {}  # noqa: RUF012 - records are frozen
    delay_ms: int = 0

    @property
    def ends(self) -> JobState:
        """The final state of its jobs."""
        return JobState.COMPLETED if self.outcomes[-1] is Outcome.SUCCESS else JobState.DEAD


def _sleeps(least: float, most: float) -> Callable[[str, Random], str]:
    return lambda ledger, rng: witnessed(ledger, f"sleep {rng.uniform(least, most):.3f}")


def _as_sieged(name: str) -> Callable[[str, Random], str]:
    return lambda ledger, _: SIEGED[name].command(ledger)


def _prints(ledger: str, _: Random) -> str:
    """Print more to stdout than is kept of a stream, and a few lines to stderr."""
    return witnessed(ledger, "head -c 1500000 /dev/zero | tr '\\0' x; seq 20 >&2")


_WELL = (Outcome.SUCCESS,)
KINDS = {
    "short": Kind(command=_sleeps(0.02, 0.25), outcomes=_WELL, weight=40),
    "middle": Kind(command=_sleeps(1, 3), outcomes=_WELL, weight=8),
    "long": Kind(command=_sleeps(LEASE + 0.5, LEASE + 2), outcomes=_WELL),
    "delayed": Kind(command=_sleeps(0.02, 0.25), outcomes=_WELL, weight=8, options={"delay": 2}, delay_ms=2000),
    "urgent": Kind(command=_sleeps(0.02, 0.25), outcomes=_WELL, weight=8, options={"priority": 9}),
    "loud": Kind(command=_prints, outcomes=_WELL, weight=2),
    "parent": Kind(command=_as_sieged("parent"), outcomes=_WELL, weight=8),
    "flaky": Kind(command=_as_sieged("flaky"), outcomes=(Outcome.EXIT, Outcome.SUCCESS), weight=8),
    "failing": Kind(
        command=_as_sieged("failing"), outcomes=(Outcome.EXIT, Outcome.EXIT), weight=8, options={"max_retries": 1}
    ),
    "slow": Kind(
        command=_as_sieged("slow"),
        outcomes=(Outcome.TIMEOUT,),
        weight=4,
        options={"max_retries": 0, "timeout": 0.5},
    ),
    "stubborn": Kind(
        command=_as_sieged("stubborn"),
        outcomes=(Outcome.TIMEOUT, Outcome.TIMEOUT),
        weight=4,
        options={"max_retries": 1, "timeout": 0.3},
    ),
}
"""By name. selftest/workload.py describes the last five."""


def kind_of(id_: str) -> Kind | None:
    """Return the kind of the job with this id; None for a job that is not of a soak."""
    return KINDS.get(id_.rpartition("-")[2])


def must_end(id_: str) -> JobState | None:
    """Return the final state of the job with this id; None for a job that is not of a soak."""
    kind = kind_of(id_)
    return None if kind is None else kind.ends


def job(number: int, kind: str, ledger: str, rng: Random) -> dict[str, Any]:
    """Build a job of a kind in the JSON form that `enqueue` takes."""
    definition = KINDS[kind]
    return {
        "id": f"{number}-{kind}",
        "command": definition.command(ledger, rng),
        "queue": rng.choice(QUEUES),
        "max_retries": 3,
    } | definition.options


def mixed(number: int, rng: Random) -> list[str]:
    """Draw the kinds of `number` jobs."""
    return rng.choices(list(KINDS), [kind.weight for kind in KINDS.values()], k=number)


class Phase(StrEnum):
    """A phase of a soak."""

    WARM_UP = "warm-up"
    """Each worker runs some jobs of every kind: from then on its memory and descriptors must not grow."""
    BURST = "burst"
    """All workers run one short job after the other."""
    MIDDLE = "middle"
    """Jobs of one to three seconds."""
    LONG = "long"
    """Some jobs longer than the lease; the next phase starts meanwhile, as with middle and delayed jobs."""
    MIXED = "mixed"
    """Jobs of every kind, three times."""
    DELAYED = "delayed"
    """Jobs that are not due at once."""
    SCALING = "scaling"
    """More workers, fewer, and as many as before, while jobs run."""
    DRAIN = "drain"
    """A second pool that drains."""
    RESTART = "restart"
    """The pool is stopped while jobs run, jobs are enqueued without a pool, and another pool is started."""
    QUIET = "quiet"
    """A pause once all jobs are final."""


DAY = (Phase.BURST, Phase.MIDDLE, Phase.LONG, Phase.MIXED, Phase.DELAYED, Phase.SCALING, Phase.DRAIN)
"""The phases of a day, in any order."""


@record
class Plan:
    """Parameters of a soak."""

    workers: int
    seconds: float
    """Seconds after which no other day begins; the first one is always complete."""
    seed: int
    day: tuple[Phase, ...] = DAY
    burst: float = 2.2 * LEASE
    """Seconds of a burst."""
    restart_every: int = 10
    """Days from one restart to the next; 0: none. Not fewer, since leaks show in processes that live for long."""


def phases(plan: Plan, rng: Random) -> Iterator[tuple[Phase, bool]]:
    """Yield phases without end, each with whether the soak may end before it.

    Each pool is idle for a while after its first jobs, and again at the end of each day: at these rests descriptors,
    memory and files are compared.
    """
    day = 0
    while True:
        restarts = plan.restart_every > 0 and day % plan.restart_every == 1
        if restarts:
            yield Phase.RESTART, day > 1
        if restarts or not day:
            yield Phase.WARM_UP, False
            yield Phase.QUIET, False
        for phase in rng.sample(plan.day, len(plan.day)):
            yield phase, day > 0
        yield Phase.QUIET, day > 0
        day += 1
