"""Logs: what the attempts of a job printed, stored or live."""

from __future__ import annotations

import time

from queuectl.domain.errors import NotFound, UsageError
from queuectl.domain.job import FINAL
from queuectl.domain.record import field, record
from queuectl.operations.explain import HoldUp
from queuectl.operations.job_record import attempt_document, output_of, text_of
from queuectl.operations.operation import Operation
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
"""Seconds between two looks at a running job's output."""


@record
class Logs:
    """Which job, which attempt, which stream, in which form."""

    id: str = field("the job", metavar="ID", positional=True)
    follow: bool = field("go on while the job runs, across retries, until it is final", default=False, short="f")
    stdout: bool = field("only standard output", default=False)
    stderr: bool = field("only standard error", default=False)
    attempt: int | None = field("the output of attempt N (default: the latest)", default=None, short="n", metavar="N")
    raw: bool = field("the bytes as they were printed, terminal controls included", default=False)


@record
class Piece:
    """Some bytes of one stream of one attempt."""

    attempt: int
    stream: str
    """`out` or `err`."""
    data: bytes
    left_out: int
    """Bytes before these that were not kept."""


class Log:
    """The output of a job. It is read as it is asked for, so that following it is possible."""

    def __init__(self, context: Context, params: Logs) -> None:
        """Look whether there is such a job, and such an attempt. Raises NotFound."""
        self._context = context
        self._params = params
        both = params.stdout == params.stderr
        self._streams = tuple(
            stream for stream, wanted in zip(STREAMS, (params.stdout, params.stderr), strict=True) if both or wanted
        )
        self._job = context.store.jobs.get(params.id).job
        self._attempt = self._wanted()

    def pieces(self) -> Iterator[Piece]:
        """Everything that was printed; when following, also what will be. Raises NotFound when the job goes away."""
        if self._params.follow:
            yield from self._follow()
        elif self._attempt is not None:
            for stream, output in self._outputs(self._attempt).items():
                yield from _stored(self._attempt.attempt, stream, output)

    def document(self) -> dict[str, Any]:
        """The JSON form; when following, of the last attempt, once the job is final."""
        if self._params.follow:
            for _ in self._follow():
                pass
            self._attempt = self._wanted()
        document: dict[str, Any] = {"id": self._job.id}
        if self._attempt is None:
            return document | {"attempt": None}
        document |= attempt_document(self._attempt)
        for stream, output in self._outputs(self._attempt).items():
            name = f"std{stream}"
            document |= {name: text_of(output), f"{name}_bytes": output.total, f"{name}_truncated": output.left_out > 0}
        return document

    def _wanted(self) -> Attempt | None:
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
        reading = _Reading(self._context, self._job, number, self._streams)
        hold_up = HoldUp(self._context)
        hold_up.say([self._job.id])
        try:
            while True:
                seen = store.changed()
                job = store.jobs.get(self._job.id).job
                yield from reading.live()
                for attempt in store.jobs.attempts(job.seq):
                    if attempt.attempt == reading.number and attempt.outcome is not None:
                        # What is stored goes on where the live files were left.
                        yield from reading.rest(self._outputs(attempt))
                        reading.close()
                        reading = _Reading(self._context, job, attempt.attempt + 1, self._streams)
                if job.state in FINAL:
                    return
                while store.changed() == seen:
                    hold_up.say([self._job.id])
                    time.sleep(_INTERVAL)
                    yield from reading.live()
        finally:
            reading.close()


class _Reading:
    """How far each stream of one attempt has been read."""

    def __init__(self, context: Context, job: Job, number: int, streams: tuple[str, ...]) -> None:
        self.number = number
        self._live = {
            stream: Follower(context.store, context.run_dir, job=job.seq, attempt=number, stream=stream)
            for stream in streams
        }
        self._offsets = dict.fromkeys(streams, 0)

    def live(self) -> Iterator[Piece]:
        """What has been printed since."""
        for stream, reader in self._live.items():
            while True:
                self._offsets[stream], data, left_out = reader.read(self._offsets[stream])
                if not data:
                    break
                yield Piece(attempt=self.number, stream=stream, data=data, left_out=left_out)

    def rest(self, outputs: dict[str, Output]) -> Iterator[Piece]:
        """What is stored beyond that."""
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
    """The output of a job."""
    if params.follow and params.attempt is not None:
        raise UsageError("--follow goes from attempt to attempt", hint="leave out --attempt, or --follow")
    return Log(context, params)


LOGS = Operation(
    name="logs",
    summary="Print what a job has printed",
    params=Logs,
    run=logs,
    key="l",
    description=(
        "Standard output, then standard error, of the latest attempt. The first 64 KiB and the last MiB of each are "
        "kept. Control characters are written out, so that a job's output cannot play with your terminal. A line that "
        "goes back over itself, such as a progress bar, is shown as it stood at its end, and while it is followed on a "
        "terminal as it stands. --raw prints the bytes as they were."
    ),
    examples=("logs job1", "logs job1 --follow", "logs job1 --stdout --raw > result.bin"),
)
