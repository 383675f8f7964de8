"""Print the output of the attempts of a job, stored or live."""

from __future__ import annotations

import time

from queuectl.domain.errors import NotFound, UsageError
from queuectl.domain.job import FINAL
from queuectl.domain.record import field, record
from queuectl.operations.explain import WaitReporter
from queuectl.operations.job_record import attempt_document, output_of, text_of
from queuectl.operations.operation import Heading, Operation
from queuectl.runtime.live import STREAMS, read_stored
from queuectl.runtime.remote_output import Follower

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from queuectl.domain.attempt import Attempt, Output
    from queuectl.domain.job import Job
    from queuectl.operations.context import Context

_INTERVAL = 0.1
"""Seconds between two reads of a running job's output."""


@record
class Logs:
    """Parameters of `logs`."""

    id: str = field("the job", metavar="ID", completes="jobs", positional=True)
    follow: bool = field("go on printing, across retries, until the job is final", default=False, short="f")
    stdout: bool = field("only standard output", default=False)
    stderr: bool = field("only standard error", default=False)
    attempt: int | None = field("the output of attempt N (default: the latest)", default=None, short="n", metavar="N")
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
        self._job = context.store.jobs.get(params.id).job
        self._attempt = self._requested()

    def pieces(self) -> Iterator[Piece]:
        """Yield the output so far; when following, also the output to come. Raises NotFound if the job is deleted."""
        if self._params.follow:
            yield from self._follow()
        elif self._attempt is not None:
            for stream, output in self._outputs(self._attempt).items():
                yield from _stored(self._attempt.attempt, stream, output)

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
            document |= {name: text_of(output), f"{name}_bytes": output.total, f"{name}_truncated": output.left_out > 0}
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
        reader = _AttemptReader(self._context, self._job, number, self._streams)
        reporter = WaitReporter(self._context)
        reporter.report([self._job.id])
        try:
            while True:
                seen = store.changed()
                job = store.jobs.get(self._job.id).job
                yield from reader.live()
                for attempt in store.jobs.attempts(job.seq):
                    if attempt.attempt == reader.number and attempt.outcome is not None:
                        # The stored output continues where reading of the live files stopped.
                        yield from reader.rest(self._outputs(attempt))
                        reader.close()
                        reader = _AttemptReader(self._context, job, attempt.attempt + 1, self._streams)
                if job.state in FINAL:
                    return
                while store.changed() == seen:
                    reporter.report([self._job.id])
                    time.sleep(_INTERVAL)
                    yield from reader.live()
        finally:
            reader.close()


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
        "--follow on a terminal also shows the current one. --raw prints the bytes unchanged."
    ),
    examples=("logs job1", "logs job1 --follow", "logs job1 --stdout --raw > result.bin"),
)
