"""Print the output of the attempts of jobs, stored or live."""

from __future__ import annotations

import time

from queuectl.domain.errors import NotFound, Refused, UsageError
from queuectl.domain.job import FINAL
from queuectl.domain.record import field, record
from queuectl.domain.units import parse_duration
from queuectl.operations.explain import WaitReporter
from queuectl.operations.job_names import ABOUT, with_ids
from queuectl.operations.job_record import detail
from queuectl.operations.log_pieces import INTERVAL, JobReader, Wanted
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.selector import JobSelector, check_selector, chosen
from queuectl.operations.silence import SilenceReporter
from queuectl.operations.wait import exit_code_of
from queuectl.runtime.live import STREAMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.domain.attempt import Attempt
    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobDetail
    from queuectl.operations.log_pieces import EmptyLogDocument, LogDocument, Piece
    from queuectl.operations.logs_of_several import LogOfSeveral
    from queuectl.operations.output_lines import OutputLine


@record
class Logs(JobSelector):
    """Parameters of `logs`."""

    follow: bool = field("go on printing, across retries, until the jobs are final", default=False, short="f")
    stdout: bool = field("only standard output", default=False)
    stderr: bool = field("only standard error", default=False)
    attempt: int | None = field("the output of attempt N (default: the latest)", default=None, metavar="N")
    since: int | None = field(
        "only attempts that still run, or ended at most this long ago: 90s, 10m",
        default=None,
        metavar="DURATION",
        parse=parse_duration,
    )
    tail: int | None = field(
        "only the last N lines of each stream; with --follow, of what was printed before",
        default=None,
        short="n",
        metavar="N",
    )
    exit_code: bool = field("exit with the code of the one job, once it is final", default=False)
    raw: bool = field("print the bytes of one job unchanged, including terminal control sequences", default=False)


class Log:
    """The output of a job, read as it is consumed, so that it can be followed."""

    def __init__(self, context: Context, params: Logs) -> None:
        """Find the one job and the attempt. Raises NotFound."""
        self._context, self._params, self._wanted = context, params, _wanted(context, params)
        self._job = context.store.jobs.get(params.ids[0]).job
        self.attempt = self._requested()
        """The attempt whose output is printed, or printed first; None without one."""

    @property
    def id(self) -> str:
        """The id of the job."""
        return self._job.id

    def pieces(self) -> Iterator[Piece]:
        """Yield the output so far; when following, also the output to come. Raises NotFound if the job is deleted."""
        if self._params.follow:
            yield from self._follow()
        elif self.attempt is not None:
            yield from self._wanted.stored(self._context, self._job, self.attempt)

    @property
    def ended(self) -> JobDetail:
        """The job with its latest attempt, as it is now."""
        return detail(self._context, self._job.id, history=False)

    @property
    def exit_code(self) -> int:
        """0, or the code of the job where it was asked for. Raises Refused for a job that is not final."""
        if not self._params.exit_code:
            return 0
        record = self.ended.record
        if record.job.state not in FINAL:
            raise Refused(f"job {record.job.id} is {record.job.state} and has no exit code yet", hint="add --follow")
        return exit_code_of(record.job.state, record.latest)

    def document(self) -> LogDocument | EmptyLogDocument:
        """Return the JSON form; when following, of the last attempt, once the job is final."""
        if self._params.follow:
            for _ in self._follow():
                pass
            self.attempt = self._requested()
        return self._wanted.document(self._context, self._job, self.attempt)

    def lines(self) -> Iterator[OutputLine]:
        """Yield the output line by line, for JSON Lines; when following, as it comes."""
        from queuectl.operations.output_lines import output_lines

        return output_lines(self._job.id, self.pieces())

    def _requested(self) -> Attempt | None:
        attempts = self._context.store.jobs.attempts(self._job.seq)
        number = self._params.attempt
        if number is None:
            latest = attempts[-1] if attempts else None
            return latest if self._wanted.allows(latest) else None
        for attempt in attempts:
            if attempt.attempt == number:
                return attempt
        raise NotFound(
            f"job {self._job.id} has no attempt {number}",
            hint=f"it has had {len(attempts)}" if attempts else "it has not run yet",
        )

    def _follow(self) -> Iterator[Piece]:
        store = self._context.store
        first = self._job.fence + 1 if self.attempt is None else self.attempt.attempt
        reader = JobReader(self._context, self._job, first, self._wanted)
        reporter, silence = WaitReporter(self._context), SilenceReporter(self._context)
        reporter.report([self._job.id])
        begun = False
        try:
            while True:
                seen = store.changed()
                state = store.jobs.state(self._job.id)
                yield from reader.new() if begun else self._wanted.last(reader.new())
                begun = True
                if state in FINAL:
                    return
                while store.changed() == seen:
                    reporter.report([self._job.id])
                    silence.report([reader])
                    time.sleep(INTERVAL)
                    yield from reader.live()
        finally:
            reader.close()


def logs(context: Context, params: Logs) -> Log | LogOfSeveral:
    """Return the output of a job, or of several. Raises NotFound, UsageError."""
    _check(params)
    params = with_ids(context, params)
    check_selector(params)
    if len(params.unique) == 1:
        return Log(context, params)
    for name, why in _OF_ONE.items():
        if getattr(params, name) not in {None, False}:
            raise UsageError(f"--{name.replace('_', '-')} is of one job", hint=f"name one ID: {why}")
    # Loaded here: mostly one job is read.
    from queuectl.operations.logs_of_several import LogOfSeveral

    of = params.unique or chosen(context, params)
    return LogOfSeveral(context, _wanted(context, params), of, follows=params.follow)


_OF_ONE = {
    "attempt": "attempts are numbered for each job",
    "exit_code": "several jobs have several codes; queuectl wait exits with 1 if one of them failed",
    "raw": "lines of several jobs need a prefix",
}
"""Options that make no sense for several jobs, and why."""


def _check(params: Logs) -> None:
    """Raise UsageError for options that exclude each other."""
    for name in ("follow", "since"):
        if getattr(params, name) and params.attempt is not None:
            hint = "--follow prints every attempt from the latest on; leave out one of them"
            raise UsageError(
                f"--{name} and --attempt cannot be combined", hint=hint if name == "follow" else "leave out one of them"
            )
    if params.tail is not None and params.tail < 0:
        raise UsageError("--tail must not be negative")


def _wanted(context: Context, params: Logs) -> Wanted:
    both = params.stdout == params.stderr
    return Wanted(
        streams=tuple(
            stream for stream, wanted in zip(STREAMS, (params.stdout, params.stderr), strict=True) if both or wanted
        ),
        tail=params.tail,
        since=None if params.since is None else context.now() - params.since,
    )


LOGS = Operation(
    name="logs",
    heading=Heading.JOBS,
    see=("show", "explain", "wait"),
    reads=True,
    summary="Print the output of jobs",
    params=Logs,
    run=logs,
    description=(
        "Standard output, then standard error, of the latest attempt. The first 64 KiB and the last MiB of each are "
        "kept. Control characters are escaped, so that the output cannot control your terminal. Of a line that is "
        "overwritten with carriage returns or backspaces, such as a progress bar, only the last state is printed; "
        "--follow on a terminal also shows the current one. --raw prints the bytes unchanged. --follow ends with a "
        "line on stderr that says how the job ended.\n\n"
        "Of several jobs each line begins with the ID of its job. With --follow, jobs that are enqueued meanwhile and "
        "match are followed too; it ends once all are final, with their number by state. Lines have no times, so "
        "--since selects attempts and prints them whole.\n\n" + ABOUT
    ),
    examples=(
        "logs job1",
        "logs job1 --follow",
        "logs job1 -n 50",
        "logs job1 --attempt 2",
        "logs job1 --stdout --raw > result.bin",
        "logs --queue mail --follow -n 5",
        "logs --state failed,dead --since 10m --stderr",
    ),
)
