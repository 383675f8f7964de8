"""Wait until jobs are final."""

from __future__ import annotations

import time

from queuectl.domain.errors import TimedOut
from queuectl.domain.job import FINAL, JobState
from queuectl.domain.phrases import first_of
from queuectl.domain.record import field, record
from queuectl.domain.units import format_duration, parse_duration
from queuectl.operations.explain import WaitReporter
from queuectl.operations.job_ids import JobIds
from queuectl.operations.job_record import detail
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobDetail

_INTERVAL = 0.02
"""Seconds between two checks for changes of the store. A check costs ten microseconds."""
_NAMED = 3


@record
class Wait(JobIds):
    """Parameters of `wait`."""

    timeout: int | None = field(
        "give up after this time: 30s, 5m", default=None, short="t", metavar="DURATION", parse=parse_duration
    )


@record
class Waited:
    """The jobs, all of them final."""

    jobs: tuple[JobDetail, ...]

    @property
    def failed(self) -> tuple[JobDetail, ...]:
        """The jobs that did not complete."""
        return tuple(each for each in self.jobs if each.record.job.state is not JobState.COMPLETED)

    @property
    def exit_code(self) -> int:
        """0 when all of the jobs completed, else 1."""
        return 1 if self.failed else 0

    def document(self) -> list[dict[str, Any]]:
        """Return the records of the jobs."""
        return [each.document() for each in self.jobs]


def wait(context: Context, params: Wait) -> Waited:
    """Return as soon as all of the jobs are final.

    Raises:
        NotFound: one of them does not exist.
        TimedOut: the time ran out.
    """
    started = context.clock.monotonic()
    ids = params.unique
    for id_ in ids:
        # Raises NotFound before the wait, not after an hour of waiting for the jobs before it.
        context.store.jobs.state(id_)
    remaining = list(reversed(ids))
    reporter = WaitReporter(context)
    reporter.report(ids)
    while True:
        # Read before the states, so that no change between the two is missed.
        seen = context.store.changed()
        # Jobs after the first that is not final are not read until it is: a thousand jobs cost no more.
        while remaining and context.store.jobs.state(remaining[-1]) in FINAL:
            remaining.pop()
        if not remaining:
            return Waited(jobs=tuple(detail(context, id_, history=False) for id_ in ids))
        context.progress(len(ids) - len(remaining), len(ids), "jobs final")
        while context.store.changed() == seen:
            _check_time(context, params, started, remaining)
            reporter.report(reversed(remaining))
            time.sleep(_INTERVAL)
        _check_time(context, params, started, remaining)


def _check_time(context: Context, params: Wait, started: float, remaining: list[str]) -> None:
    """Raise TimedOut, naming jobs that are not final, when the time has run out."""
    if params.timeout is None or context.clock.monotonic() - started < params.timeout / 1000:
        return
    open_ids = [id_ for id_ in reversed(remaining) if context.store.jobs.state(id_) not in FINAL]
    raise TimedOut(f"jobs not final after {format_duration(params.timeout)}: {first_of(open_ids, _NAMED)}")


WAIT = Operation(
    name="wait",
    heading=Heading.JOBS,
    see=("logs", "show"),
    reads=True,
    blocking=True,
    not_in_console="the list shows when the job ends: leave the console open",
    summary="Wait until jobs are final",
    params=Wait,
    run=wait,
    description=(
        "A job is final when it is completed, dead or cancelled. Exits with 0 when all jobs completed, 1 when one is "
        "dead or cancelled, 124 when the time ran out."
    ),
    examples=("wait job1 job2 --timeout 5m", "queuectl wait $(queuectl enqueue 'make test')"),
)
