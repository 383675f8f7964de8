"""The output of jobs in pieces: stored, live, and across the attempts of a job that is followed."""

from __future__ import annotations

from queuectl.domain.record import record, replace
from queuectl.operations.job_record import attempt_document, output_of, text_of
from queuectl.runtime.live import STREAMS, read_stored
from queuectl.runtime.remote_output import Follower

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NotRequired, TypedDict

    from queuectl.domain.attempt import Attempt, Output
    from queuectl.domain.job import Job
    from queuectl.domain.json_types import Bytes
    from queuectl.operations.context import Context
    from queuectl.operations.job_record import AttemptDocument

    class LogDocument(AttemptDocument):
        """An attempt of a job and its output."""

        id: str
        """The job."""
        stdout: NotRequired[str]
        """Standard output; a line marks bytes that were left out. Absent with `--stderr`."""
        stdout_bytes: NotRequired[Bytes]
        """Bytes that were written to standard output. Absent with `--stderr`."""
        stdout_truncated: NotRequired[bool]
        """Whether bytes of standard output were left out. Absent with `--stderr`."""
        stderr: NotRequired[str]
        """Standard error, likewise. Absent with `--stdout`."""
        stderr_bytes: NotRequired[Bytes]
        """Bytes that were written to standard error. Absent with `--stdout`."""
        stderr_truncated: NotRequired[bool]
        """Whether bytes of standard error were left out. Absent with `--stdout`."""

    class EmptyLogDocument(TypedDict):
        """A job that has not run yet."""

        id: str
        """The job."""
        attempt: None
        """Always null."""


INTERVAL = 0.1
"""Seconds between two reads of a running job's output."""


@record
class Piece:
    """Consecutive bytes of one stream of one attempt."""

    attempt: int
    stream: str
    """`out` or `err`."""
    data: bytes
    left_out: int
    """Number of bytes before these that were not kept."""


@record
class Wanted:
    """What of the output of a job is asked for."""

    streams: tuple[str, ...] = STREAMS
    tail: int | None = None
    """Last lines of each stream; None: all."""
    since: int | None = None
    """Only attempts that ran at or after this time; None: any."""

    def allows(self, attempt: Attempt | None) -> bool:
        """Return whether there is this attempt, and it ran late enough."""
        if attempt is None:
            return False
        return self.since is None or attempt.ended_at is None or attempt.ended_at >= self.since

    def of(self, context: Context, job: Job, attempt: Attempt) -> dict[str, Output]:
        """Return the streams of an attempt, stored or so far."""
        outputs = dict(zip(STREAMS, output_of(context, job, attempt), strict=True))
        return {stream: outputs[stream] for stream in self.streams}

    def last(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Return the last lines of each stream, as many as are asked for."""
        return pieces if self.tail is None else iter(last_lines(list(pieces), self.tail))

    def stored(self, context: Context, job: Job, attempt: Attempt) -> Iterator[Piece]:
        """Yield what an attempt has printed, one stream after the other."""
        for stream, output in self.of(context, job, attempt).items():
            yield from self.last(stored_pieces(attempt.attempt, stream, output))

    def document(self, context: Context, job: Job, attempt: Attempt | None) -> LogDocument | EmptyLogDocument:
        """Return the JSON form of the output of a job: that of `attempt`, which may be None."""
        if attempt is None:
            return {"id": job.id, "attempt": None}
        document: LogDocument = {"id": job.id, **attempt_document(attempt)}  # type: ignore[typeddict-item]  # mypy fears further keys in an attempt
        outputs = self.of(context, job, attempt)
        if "out" in outputs:
            out = outputs["out"]
            document |= {
                "stdout": self._text(out),
                "stdout_bytes": out.total,
                "stdout_truncated": out.left_out > 0,
            }
        if "err" in outputs:
            err = outputs["err"]
            document |= {
                "stderr": self._text(err),
                "stderr_bytes": err.total,
                "stderr_truncated": err.left_out > 0,
            }
        return document

    def _text(self, output: Output) -> str:
        text = text_of(output)
        return text if self.tail is None else "".join(text.splitlines(keepends=True)[-self.tail :] if self.tail else ())


class JobReader:
    """Reads the output of one job as it comes, from one of its attempts on."""

    def __init__(self, context: Context, job: Job, number: int, wanted: Wanted) -> None:
        """Begin with attempt `number`, which need not have begun."""
        self._context, self._job, self._wanted = context, job, wanted
        self._attempt = AttemptReader(context, job.seq, number, wanted.streams)
        self.started_at: int | None = None
        """When the attempt began that is being read, if it is known to run."""

    @property
    def id(self) -> str:
        """The id of the job."""
        return self._job.id

    @property
    def number(self) -> int:
        """The attempt that is being read."""
        return self._attempt.number

    @property
    def is_silent(self) -> bool:
        """Whether nothing of this attempt was read yet."""
        return self._attempt.is_silent

    def live(self) -> Iterator[Piece]:
        """Yield the live output of the attempt that was not read yet."""
        return self._attempt.live()

    def new(self) -> Iterator[Piece]:
        """Yield what was printed since the last read: by the current attempt, and the rest of those that have ended."""
        yield from self.live()
        self.started_at = None
        for attempt in self._context.store.jobs.attempts(self._job.seq):
            if attempt.attempt != self.number:
                continue
            if attempt.outcome is None:
                self.started_at = attempt.started_at
                continue
            # The stored output continues where reading of the live files stopped.
            yield from self._attempt.rest(self._wanted.of(self._context, self._job, attempt))
            self.close()
            self._attempt = AttemptReader(self._context, self._job.seq, attempt.attempt + 1, self._wanted.streams)

    def close(self) -> None:
        """Stop reading."""
        self._attempt.close()


class AttemptReader:
    """Reads the streams of one attempt, first live and then from the store, and keeps the offset of each."""

    def __init__(self, context: Context, seq: int, number: int, streams: tuple[str, ...]) -> None:
        """Read `streams` of attempt `number` of the job with the number `seq`."""
        self.number = number
        self._live = {
            stream: Follower(context.store, context.run_dir, job=seq, attempt=number, stream=stream)
            for stream in streams
        }
        self.offsets = dict.fromkeys(streams, 0)
        """How much of each stream was read."""

    @property
    def is_silent(self) -> bool:
        """Whether nothing was read yet."""
        return not any(self.offsets.values())

    def live(self) -> Iterator[Piece]:
        """Yield the live output that was not read yet."""
        for stream, reader in self._live.items():
            while True:
                self.offsets[stream], data, left_out = reader.read(self.offsets[stream])
                if not data:
                    break
                yield Piece(attempt=self.number, stream=stream, data=data, left_out=left_out)

    def rest(self, outputs: dict[str, Output]) -> Iterator[Piece]:
        """Yield the stored output that was not read yet."""
        for stream, output in outputs.items():
            yield from stored_pieces(self.number, stream, output, self.offsets[stream])

    def close(self) -> None:
        """Stop reading."""
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


def stored_pieces(number: int, stream: str, output: Output, offset: int = 0) -> Iterator[Piece]:
    """Yield a stream of attempt `number` from byte `offset` on."""
    while True:
        offset, data, left_out = read_stored(output, offset)
        if not data:
            return
        yield Piece(attempt=number, stream=stream, data=data, left_out=left_out)
