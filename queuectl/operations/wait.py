"""Wait until jobs are final."""

from __future__ import annotations

import time

from queuectl.domain.attempt import Outcome
from queuectl.domain.errors import TimedOut, UsageError
from queuectl.domain.job import FINAL, JobState
from queuectl.domain.phrases import first_of
from queuectl.domain.record import field, record
from queuectl.domain.units import format_duration, parse_duration
from queuectl.operations.explain import WaitReporter
from queuectl.operations.job_names import ABOUT, with_ids
from queuectl.operations.job_record import detail
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.selector import JobSelector, check_selector, chosen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuectl.domain.attempt import Attempt
    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobDetail, JobWithOutput

_INTERVAL = 0.02
"""Seconds between two checks for changes of the store. A check costs ten microseconds."""
_SHARE = 4
"""A check of many jobs is followed by a pause of so many times what it took, however often the store changes."""
_NAMED = 3
NEVER_RAN, TIMED_OUT, SIGNALLED = 125, 124, 128
"""Exit codes for a job without one of its own: as of env, timeout and a shell."""


@record
class Wait(JobSelector):
    """Parameters of `wait`."""

    timeout: int | None = field(
        "give up after this time: 30s, 5m (default: wait for ever)",
        default=None,
        short="t",
        metavar="DURATION",
        parse=parse_duration,
    )
    any: bool = field("wait only until one of the jobs is final", default=False)
    exit_code: bool = field("exit with the code of the job, which must be one", default=False)


class Waited:
    """The jobs that were waited for, and how they ended."""

    def __init__(self, context: Context, states: dict[str, JobState], *, of_job: bool) -> None:
        """Hold the final `states` by ID; `of_job`: the exit code is that of the one job."""
        self._context, self._of_job = context, of_job
        self.states = states

    @property
    def failed(self) -> list[str]:
        """The jobs that did not complete."""
        return [id_ for id_, state in self.states.items() if state is not JobState.COMPLETED]

    @property
    def exit_code(self) -> int:
        """0 when all of the jobs completed, else 1; or the code of the one job."""
        if self._of_job:
            (id_,) = self.states
            return exit_code_of(self.states[id_], self._context.store.jobs.get(id_).latest)
        return 1 if self.failed else 0

    def details(self, ids: Sequence[str]) -> Iterator[JobDetail]:
        """Yield the records of jobs, read as they are consumed."""
        return (detail(self._context, id_, history=False) for id_ in ids)

    def documents(self) -> Iterator[JobWithOutput]:
        """Return the record of each job, read as they are consumed."""
        return (each.document() for each in self.details(list(self.states)))


def exit_code_of(state: JobState, latest: Attempt | None) -> int:
    """Return the exit code that stands for how a final job ended."""
    if state is JobState.COMPLETED:
        return 0
    if latest is None:
        return NEVER_RAN
    if latest.outcome is Outcome.TIMEOUT:
        return TIMED_OUT
    if latest.signal is not None:
        return SIGNALLED + latest.signal
    return latest.exit_code or NEVER_RAN


class _Watch:
    """The states of the jobs that a wait is for."""

    def __init__(self, context: Context, ids: Sequence[str]) -> None:
        self._jobs = context.store.jobs
        self.ids = ids
        self.states: dict[str, JobState] = {}
        """Of the jobs that are final."""
        self.open = list(ids)
        self.running = 0

    def read(self) -> None:
        """Read the states of the jobs that were not final. Raises NotFound for a job that was deleted."""
        states = self._jobs.states(self.open)
        self.states.update((id_, state) for id_, state in states.items() if state in FINAL)
        self.open = [id_ for id_ in self.open if id_ not in self.states]
        self.running = sum(state is JobState.PROCESSING for state in states.values())

    @property
    def text(self) -> str:
        """What the progress bar says behind the numbers."""
        dead = sum(state is JobState.DEAD for state in self.states.values())
        return f"jobs final, {self.running:,} running, {dead:,} dead"


def wait(context: Context, params: Wait) -> Waited:
    """Return as soon as all of the jobs are final, or with `any` one of them.

    Raises:
        NotFound: one of them does not exist.
        TimedOut: the time ran out.
        UsageError: the exit code of several jobs is asked for.
    """
    started = context.clock.monotonic()
    params = with_ids(context, params)
    check_selector(params)
    ids = params.unique or [id_ for page in context.store.select(chosen(context, params)).ids() for id_ in page]
    if params.exit_code and len(ids) != 1:
        raise UsageError(
            f"--exit-code is of one job, and {len(ids):,} match", hint="leave out --exit-code, or name one ID"
        )
    if not ids:
        context.say("no jobs match")
    watch, reporter = _Watch(context, ids), WaitReporter(context)
    while True:
        # Read before the states, so that no change between the two is missed.
        seen, began = context.store.changed(), time.monotonic()
        watch.read()
        if not watch.open or (params.any and watch.states):
            states = {id_: watch.states[id_] for id_ in ids if id_ in watch.states}
            return Waited(context, states, of_job=params.exit_code)
        context.progress(len(watch.states), len(ids), watch.text)
        reporter.report(watch.open)
        free_at = time.monotonic() + _SHARE * (time.monotonic() - began)
        while context.store.changed() == seen or time.monotonic() < free_at:
            _check_time(context, params, started, watch)
            reporter.report(watch.open)
            time.sleep(_INTERVAL)
        _check_time(context, params, started, watch)


def _check_time(context: Context, params: Wait, started: float, watch: _Watch) -> None:
    """Raise TimedOut, naming jobs that are not final, when the time has run out."""
    if params.timeout is None or context.clock.monotonic() - started < params.timeout / 1000:
        return
    watch.read()
    if not watch.open:
        return
    raise TimedOut(f"jobs not final after {format_duration(params.timeout)}: {first_of(watch.open, _NAMED)}")


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
        "dead or cancelled, 124 when the time ran out. With --exit-code it exits with the code of the one job: 128 + N "
        "for a signal, 124 for a timeout, 125 for a job that never ran.\n\n" + ABOUT
    ),
    examples=(
        "wait job1 job2 --timeout 5m",
        "queuectl wait $(queuectl enqueue 'make test')",
        "wait --tag ci",
        "wait job1 --exit-code",
    ),
)
