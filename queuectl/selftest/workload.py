"""Jobs of a stress run: short ones of every kind, each of which writes its runs into the ledger.

The next job of an enqueuer follows from the seed and its number alone, so that the replacement of a killed enqueuer
continues where that one stopped. The kind is part of the id, which so determines how the job must end.
"""

from __future__ import annotations

import random
import shlex

from queuectl.domain.job import JobState
from queuectl.domain.record import record
from queuectl.selftest.ledger import note, witnessed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_GOES_WELL = {"max_retries": 5}
"""Options of jobs that must succeed: retries for a machine that is short of processes."""


@record
class Kind:
    """A kind of job."""

    weight: int
    """Its share of a hundred jobs."""
    command: Callable[[str], str]
    """Builds the command from the path of the ledger."""
    options: dict[str, Any]
    ends: JobState
    """The final state of its jobs."""


def _alive(ledger: str, rounds: str) -> str:
    return f"{rounds} do {note(ledger, 'alive')}; sleep 0.05; done"


def _steady(ledger: str) -> str:
    return witnessed(ledger, _alive(ledger, "for _ in 1 2 3 4 5 6;"))


def _slow(ledger: str) -> str:
    return witnessed(ledger, "sleep 60")


def _stubborn(ledger: str) -> str:
    return f"trap '' TERM; {note(ledger, 'start')}; {_alive(ledger, 'while :;')}"


def _parent(ledger: str) -> str:
    """Leave two children behind, one in a session of its own where there is a `setsid` program."""
    child = _alive(ledger, "while :;")
    return witnessed(ledger, f"({child}) & $(command -v setsid) sh -c {shlex.quote(child)} & sleep 0.1")


LIMITED, LIMIT = "limited", 2
"""A queue with a limit, which is paused and resumed meanwhile, and the limit."""

KINDS = {
    "quick": Kind(
        weight=30, command=lambda ledger: witnessed(ledger, "true"), options=_GOES_WELL, ends=JobState.COMPLETED
    ),
    "steady": Kind(weight=25, command=_steady, options=_GOES_WELL, ends=JobState.COMPLETED),
    "flaky": Kind(
        weight=10,
        command=lambda ledger: witnessed(ledger, '[ "$QUEUECTL_ATTEMPT" -ge 2 ]'),
        options=_GOES_WELL,
        ends=JobState.COMPLETED,
    ),
    "parent": Kind(weight=7, command=_parent, options=_GOES_WELL, ends=JobState.COMPLETED),
    "failing": Kind(
        weight=8,
        command=lambda ledger: witnessed(ledger, "(exit 3)"),
        options={"max_retries": 1},
        ends=JobState.DEAD,
    ),
    "limited": Kind(
        weight=10,
        command=lambda ledger: witnessed(ledger, _alive(ledger, "for _ in 1 2;")),
        options=_GOES_WELL | {"queue": LIMITED},
        ends=JobState.COMPLETED,
    ),
    "slow": Kind(weight=5, command=_slow, options={"max_retries": 0, "timeout": 0.3}, ends=JobState.DEAD),
    "stubborn": Kind(weight=5, command=_stubborn, options={"max_retries": 1, "timeout": 0.2}, ends=JobState.DEAD),
}
"""By name: `quick` ends at once; `steady` writes `alive` lines; `flaky` fails once; `parent` leaves children behind;
`failing` fails always; `limited` is in a queue with a limit; `slow` and `stubborn` time out, and `stubborn` ignores
TERM."""


def id_of(seed: int, enqueuer: int, number: int) -> str:
    """Return the id of the `number`th job of an enqueuer, from 0."""
    rng = random.Random(f"{seed} {enqueuer} {number}")  # noqa: S311 - reproducible, not secret
    (kind,) = rng.choices(list(KINDS), [kind.weight for kind in KINDS.values()])
    return f"{enqueuer}-{number}-{kind}"


def job(id_: str, ledger: str) -> dict[str, Any]:
    """Build the job with this id in the JSON form that `enqueue` takes."""
    kind = KINDS[id_.rpartition("-")[2]]
    return {"id": id_, "command": kind.command(ledger)} | kind.options


def must_end(id_: str) -> JobState | None:
    """Return the final state of the job with this id unless its workers are killed; None for an unknown kind."""
    kind = KINDS.get(id_.rpartition("-")[2])
    return None if kind is None else kind.ends
