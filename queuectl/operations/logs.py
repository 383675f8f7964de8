"""Print the output of the attempts of a job, stored or live."""

from __future__ import annotations

import time

from queuectl.domain.errors import NotFound, Refused, UsageError
from queuectl.domain.job import FINAL
from queuectl.domain.record import field, record, replace
from queuectl.operations.explain import WaitReporter
from queuectl.operations.job_names import id_or_last
from queuectl.operations.job_record import attempt_document, detail, output_of, text_of
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.wait import exit_code_of
from queuectl.runtime.live import STREAMS, read_stored
from queuectl.runtime.remote_output import Follower

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from queuectl.domain.attempt import Attempt, Output
    from queuectl.domain.job import Job
    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobDetail

_INTERVAL = 0.1
"""Seconds between two reads of a running job's output."""


@record
class Logs:
    """Parameters of `logs`."""

    id: str | None = field(
        "the job; on a terminal the default is @last", default=None, metavar="ID", completes="jobs", positional=True
    )
    follow: bool = field("go on printing, across retries, until the job is final", default=False, short="f")
    stdout: bool = field("only standard output", default=False)
    stderr: bool = field("only standard error", default=False)
    attempt: int | None = field("the output of attempt N (default: the latest)", default=None, metavar="N")
    tail: int | None = field(
        "only the last N lines of each stream; with --follow, of what was printed before",
        default=None,
        short="n",
        metavar="N",
    )
    exit_code: bool = field("exit with the code of the job, once it is final", default=False)
    raw: bool = field("print the bytes unchanged, including terminal control sequences", default=False)


@record
class Piece:
    """Consecutive bytes of one stream of one attempt."""

    attempt: int
    stream: str
    """`out` or `err`."""
    data: bytes
    left_out: int
    """Number of bytes before these that were not kept."""


class Log:
    """The output of a job, read as it is consumed, so that it can be followed."""

    def __init__(self, context: Context, params: Logs) -> None:
        """Find the job and the attempt. Raises NotFound."""
        self._context = context
        self._params = params
        both = params.stdout == params.stderr
        self._streams = tuple(
            stream for stream, wanted in zip(STREAMS, (params.stdout, params.stderr), strict=True) if both or wanted
        )
        self._job = context.store.jobs.get(id_or_last(context, params.id, LOGS)).job
        self._attempt = self._requested()

    def pieces(self) -> Iterator[Piece]:
        """Yield the output so far; when following, also the output to come. Raises NotFound if the job is deleted."""
        if self._params.follow:
            yield from self._follow()
        elif self._attempt is not None:
            for stream, output in self._outputs(self._attempt).items():
                yield from self._last(_stored(self._attempt.attempt, stream, output))

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

    def document(self) -> dict[str, Any]:
        """Return the JSON form; when following, of the last attempt, once the job is final."""
        if self._params.follow:
            for _ in self._follow():
                pass
            self._attempt = self._requested()
        document: dict[str, Any] = {"id": self._job.id}
        if self._attempt is None:
            return document | {"attempt": None}
        document |= attempt_document(self._attempt)
        for stream, output in self._outputs(self._attempt).items():
            name = f"std{stream}"
            text = text_of(output)
            if self._params.tail is not None:
                text = "".join(text.splitlines(keepends=True)[-self._params.tail :] if self._params.tail else ())
            document |= {name: text, f"{name}_bytes": output.total, f"{name}_truncated": output.left_out > 0}
        return document

    def _requested(self) -> Attempt | None:
        attempts = self._context.store.jobs.attempts(self._job.seq)
        number = self._params.attempt
        if number is None:
            return attempts[-1] if attempts else None
        for attempt in attempts:
            if attempt.attempt == number:
                return attempt
        raise NotFound(
            f"job {self._job.id} has no attempt {number}",
            hint=f"it has had {len(attempts)}" if attempts else "it has not run yet",
        )

    def _outputs(self, attempt: Attempt) -> dict[str, Output]:
        outputs = dict(zip(STREAMS, output_of(self._context, self._job, attempt), strict=True))
        return {stream: outputs[stream] for stream in self._streams}

    def _follow(self) -> Iterator[Piece]:
        store = self._context.store
        number = self._attempt.attempt if self._attempt is not None else 1
        self._reader = _AttemptReader(self._context, self._job, number, self._streams)
        reporter = WaitReporter(self._context)
        reporter.report([self._job.id])
        begun = False
        try:
            while True:
                seen = store.changed()
                job = store.jobs.get(self._job.id).job
                new = self._new(job)
                yield from new if begun else self._last(new)
                begun = True
                if job.state in FINAL:
                    return
                while store.changed() == seen:
                    reporter.report([self._job.id])
                    time.sleep(_INTERVAL)
                    yield from self._reader.live()
        finally:
            self._reader.close()

    def _new(self, job: Job) -> Iterator[Piece]:
        """Yield what was printed since the last read: by the current attempt, and the rest of those that have ended."""
        yield from self._reader.live()
        for attempt in self._context.store.jobs.attempts(job.seq):
            if attempt.attempt == self._reader.number and attempt.outcome is not None:
                # The stored output continues where reading of the live files stopped.
                yield from self._reader.rest(self._outputs(attempt))
                self._reader.close()
                self._reader = _AttemptReader(self._context, job, attempt.attempt + 1, self._streams)

    def _last(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Return the last lines of each stream, as many as were asked for; all where no number was given."""
        return pieces if self._params.tail is None else iter(last_lines(list(pieces), self._params.tail))


class _AttemptReader:
    """Reads the streams of one attempt, first live and then from the store, and keeps the offset of each."""

    def __init__(self, context: Context, job: Job, number: int, streams: tuple[str, ...]) -> None:
        self.number = number
        self._live = {
            stream: Follower(context.store, context.run_dir, job=job.seq, attempt=number, stream=stream)
            for stream in streams
        }
        self._offsets = dict.fromkeys(streams, 0)

    def live(self) -> Iterator[Piece]:
        """Yield the live output that was not read yet."""
        for stream, reader in self._live.items():
            while True:
                self._offsets[stream], data, left_out = reader.read(self._offsets[stream])
                if not data:
                    break
                yield Piece(attempt=self.number, stream=stream, data=data, left_out=left_out)

    def rest(self, outputs: dict[str, Output]) -> Iterator[Piece]:
        """Yield the stored output that was not read yet."""
        for stream, output in outputs.items():
            yield from _stored(self.number, stream, output, self._offsets[stream])

    def close(self) -> None:
        for reader in self._live.values():
            reader.close()


def last_lines(pieces: Sequence[Piece], count: int) -> list[Piece]:
    """Return the last `count` lines of each stream; a line that has not ended counts."""
    left = dict.fromkeys((piece.stream for piece in pieces), count)
    kept: list[Piece] = []
    last = set(left)
    for piece in reversed([piece for piece in pieces if piece.data]):
        start = len(piece.data)
        end = start - (piece.stream in last and piece.data.endswith(b"\n"))
        last.discard(piece.stream)
        while left[piece.stream]:
            newline = piece.data.rfind(b"\n", 0, end)
            if newline < 0:
                start = 0
                break
            left[piece.stream] -= 1
            start, end = (newline + 1, newline)
        if start < len(piece.data):
            kept.append(piece if not start else replace(piece, data=piece.data[start:], left_out=0))
    return kept[::-1]


def _stored(number: int, stream: str, output: Output, offset: int = 0) -> Iterator[Piece]:
    while True:
        offset, data, left_out = read_stored(output, offset)
        if not data:
            return
        yield Piece(attempt=number, stream=stream, data=data, left_out=left_out)


def logs(context: Context, params: Logs) -> Log:
    """Return the output of a job. Raises NotFound."""
    if params.follow and params.attempt is not None:
        raise UsageError(
            "--follow and --attempt cannot be combined",
            hint="--follow prints every attempt from the latest on; leave out one of them",
        )
    if params.tail is not None and params.tail < 0:
        raise UsageError("--tail must not be negative")
    return Log(context, params)


LOGS = Operation(
    name="logs",
    heading=Heading.JOBS,
    see=("show", "explain", "wait"),
    reads=True,
    summary="Print the output of a job",
    params=Logs,
    run=logs,
    description=(
        "Standard output, then standard error, of the latest attempt. The first 64 KiB and the last MiB of each are "
        "kept. Control characters are escaped, so that the output cannot control your terminal. Of a line that is "
        "overwritten with carriage returns or backspaces, such as a progress bar, only the last state is printed; "
        "--follow on a terminal also shows the current one. --raw prints the bytes unchanged. --follow ends with a "
        "line on stderr that says how the job ended."
    ),
    examples=(
        "logs job1",
        "logs job1 --follow",
        "logs job1 -n 50",
        "logs job1 --attempt 2",
        "logs job1 --stdout --raw > result.bin",
    ),
)
