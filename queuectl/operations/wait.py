"""Wait until jobs are final."""

from __future__ import annotations

import time

from queuectl.domain.errors import TimedOut
from queuectl.domain.job import FINAL, JobState
from queuectl.domain.record import field, record
from queuectl.domain.units import format_duration, parse_duration
from queuectl.operations.explain import HoldUp
from queuectl.operations.job_record import detail
from queuectl.operations.operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobDetail

_INTERVAL = 0.02
"""Seconds between two looks at whether anything has changed. A look costs ten microseconds."""
_NAMED = 3


@record
class Wait:
    """For which jobs, and for how long."""

    ids: tuple[str, ...] = field("the jobs", metavar="ID", positional=True)
    timeout: int | None = field(
        "give up after this long: 30s, 5m", default=None, short="t", metavar="DURATION", parse=parse_duration
    )


@record
class Waited:
    """Jobs that are final."""

    jobs: tuple[JobDetail, ...]

    @property
    def failed(self) -> tuple[JobDetail, ...]:
        """Those that did not complete."""
        return tuple(each for each in self.jobs if each.record.job.state is not JobState.COMPLETED)

    @property
    def exit_code(self) -> int:
        """0 when all of them completed."""
        return 1 if self.failed else 0

    def document(self) -> list[dict[str, Any]]:
        """Their records."""
        return [each.document() for each in self.jobs]


def wait(context: Context, params: Wait) -> Waited:
    """Return as soon as all are final. Raises NotFound, TimedOut."""
    started = context.clock.monotonic()
    ids = list(dict.fromkeys(params.ids))
    for id_ in ids:
        # Raises for one that does not exist before an hour is spent on waiting for those before it.
        context.store.jobs.state(id_)
    left = list(reversed(ids))
    hold_up = HoldUp(context)
    hold_up.say(ids)
    while True:
        # Looked at before the states, so that no change between the two is missed.
        seen = context.store.changed()
        # Those after the first that is not final are not asked about until it is: a thousand jobs cost no more.
        while left and context.store.jobs.state(left[-1]) in FINAL:
            left.pop()
        if not left:
            return Waited(jobs=tuple(detail(context, id_, history=False) for id_ in ids))
        context.progress(len(ids) - len(left), len(ids), "jobs final")
        while context.store.changed() == seen:
            _check_time(context, params, started, left)
            hold_up.say(reversed(left))
            time.sleep(_INTERVAL)
        _check_time(context, params, started, left)


def _check_time(context: Context, params: Wait, started: float, left: list[str]) -> None:
    if params.timeout is None or context.clock.monotonic() - started < params.timeout / 1000:
        return
    open_ = [id_ for id_ in reversed(left) if context.store.jobs.state(id_) not in FINAL]
    few = ", ".join(open_[:_NAMED]) + (", …" if len(open_) > _NAMED else "")
    raise TimedOut(f"not final after {format_duration(params.timeout)}: {few}")


WAIT = Operation(
    name="wait",
    summary="Wait until jobs are final",
    params=Wait,
    run=wait,
    description="Exits with 0 when all of them completed, 1 when one is dead or cancelled, 124 when the time ran out.",
    examples=("wait job1 job2 --timeout 5m", "wait $(queuectl enqueue 'make test')"),
)
