"""What happens in a soak: the kinds of its jobs, and the phases of its days, both from a seed.

The kind is part of a job's id, so that how it must end, and after which attempts, is known by its name.
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
    """A sort of job."""

    command: Callable[[str, Random], str]
    """Makes the command from the path of the ledger."""
    outcomes: tuple[Outcome, ...]
    """Of its attempts, if nothing goes wrong."""
    weight: int = 0
    """How many of a mix are of it."""
    options: dict[str, Any] = {}  # noqa: RUF012 - records are frozen
    delay_ms: int = 0

    @property
    def ends(self) -> JobState:
        """The state that it ends in."""
        return JobState.COMPLETED if self.outcomes[-1] is Outcome.SUCCESS else JobState.DEAD


def _sleeps(least: float, most: float) -> Callable[[str, Random], str]:
    return lambda ledger, rng: witnessed(ledger, f"sleep {rng.uniform(least, most):.3f}")


def _as_sieged(name: str) -> Callable[[str, Random], str]:
    return lambda ledger, _: SIEGED[name].command(ledger)


def _prints(ledger: str, _: Random) -> str:
    """More than is kept of the one stream, a few lines of the other."""
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
    """The kind of the job of this id; None for one that is not of a soak."""
    return KINDS.get(id_.rpartition("-")[2])


def must_end(id_: str) -> JobState | None:
    """Tell in which state a job of this id ends; None for one that is not of a soak."""
    kind = kind_of(id_)
    return None if kind is None else kind.ends


def job(number: int, kind: str, ledger: str, rng: Random) -> dict[str, Any]:
    """Make a job of a kind, as `enqueue` takes it."""
    made = KINDS[kind]
    return {
        "id": f"{number}-{kind}",
        "command": made.command(ledger, rng),
        "queue": rng.choice(QUEUES),
        "max_retries": 3,
    } | made.options


def mixed(number: int, rng: Random) -> list[str]:
    """Draw the kinds of so many jobs."""
    return rng.choices(list(KINDS), [kind.weight for kind in KINDS.values()], k=number)


class Phase(StrEnum):
    """What goes on for a while."""

    WARM_UP = "warm-up"
    """Each worker runs some jobs of every kind: from then on it needs no more of anything."""
    BURST = "burst"
    """All workers go from one short job to the next."""
    MIDDLE = "middle"
    """Jobs of one to three seconds."""
    LONG = "long"
    """Some jobs longer than the lease; what comes next runs beside them, as beside the middle and the delayed ones."""
    MIXED = "mixed"
    """Some of every kind, three times."""
    DELAYED = "delayed"
    """Jobs that are not due at once."""
    SCALING = "scaling"
    """More workers, fewer, and as many as before, while jobs run."""
    DRAIN = "drain"
    """A second pool, which ends by itself."""
    RESTART = "restart"
    """The pool is stopped while it works, jobs are enqueued while none is there, and another one is started."""
    QUIET = "quiet"
    """Nothing for a while, once all is done."""


DAY = (Phase.BURST, Phase.MIDDLE, Phase.LONG, Phase.MIXED, Phase.DELAYED, Phase.SCALING, Phase.DRAIN)
"""What a day consists of, in any order."""


@record
class Plan:
    """What is to happen."""

    workers: int
    seconds: float
    """No day begins after so many; the first one is always whole."""
    seed: int
    day: tuple[Phase, ...] = DAY
    burst: float = 2.2 * LEASE
    """Seconds for which all workers go from one short job to the next."""
    restart_every: int = 10
    """Days from one restart to the next; 0: none. Whether something leaks is seen in processes that live for long."""


def phases(plan: Plan, rng: Random) -> Iterator[tuple[Phase, bool]]:
    """Give one phase after the other, for ever, each with whether the soak may end before it.

    Each pool comes to rest after its first jobs, and again at the end of each day: these are the moments at which
    descriptors, memory and files are compared.
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
