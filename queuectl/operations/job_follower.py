"""The output of all attempts of one job, complete where a worker of this host runs them."""

from __future__ import annotations

import time

from queuectl.domain.job import FINAL, JobState
from queuectl.domain.record import record
from queuectl.operations.log_pieces import AttemptReader, Piece
from queuectl.runtime.job_pipe import ERR, OUT, RECORDED
from queuectl.runtime.live import STREAMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuectl.domain.attempt import Attempt
    from queuectl.domain.job import Job
    from queuectl.operations.context import Context
    from queuectl.runtime.job_pipe import Frame, JobPipeReader

_STREAM = {OUT: "out", ERR: "err"}
_SILENCE = 0.5
"""Seconds of an attempt after which it is followed as `logs` does: a worker on this host writes to the pipe at once."""


@record
class Left:
    """Bytes of a stream of an attempt that has ended which did not arrive."""

    attempt: int
    stream: str
    count: int


@record
class Retried:
    """The end of an attempt after which the job goes on."""

    attempt: Attempt
    job: Job
    due_in_ms: int
    """Milliseconds until the job is due."""


class JobFollower:
    """The position in the output of a job."""

    def __init__(self, context: Context, id_: str, seq: int, pipe: JobPipeReader | None) -> None:
        """Follow a new job, of this id and number, from its first attempt on."""
        self._context = context
        self._id = id_
        self._seq = seq
        self._pipe = pipe
        self.is_behind = False
        """Whether the store must be read before the pipe: an attempt has ended."""
        self._begin(1)

    def _begin(self, number: int) -> None:
        self._number = number
        self._reader = AttemptReader(self._context, self._seq, number, STREAMS)
        self._left = dict.fromkeys(STREAMS, 0)
        self._is_piped = False
        """Whether the worker of this attempt writes to the pipe."""
        self._since: float | None = None
        """When the attempt was first seen running."""

    def new(self) -> Iterator[Piece]:
        """Yield what the current attempt has printed since the last call."""
        self.is_behind = False
        yield from self._piped()
        if self._since is not None and not self._is_piped and time.monotonic() - self._since > _SILENCE:
            yield from map(self._counted, self._reader.live())

    def read(self) -> tuple[Job, list[Attempt]]:
        """Return the job and its attempts as they are at one moment. Raises NotFound."""
        jobs = self._context.store.jobs
        while True:
            job = jobs.get(self._id).job
            attempts = jobs.attempts(job.seq)
            running = bool(attempts) and attempts[-1].outcome is None
            if job.fence == (attempts[-1].attempt if attempts else 0) and running == (job.state is JobState.PROCESSING):
                return job, attempts

    def ended(self, job: Job, attempts: Sequence[Attempt]) -> Iterator[Piece | Left | Retried]:
        """Yield the rest of the attempts that have ended by now, and how they ended."""
        for attempt in attempts:
            if attempt.attempt < self._number:
                continue
            if attempt.outcome is None:
                if self._since is None:
                    self._since = time.monotonic()
                return
            # All that its worker has sent is in the pipe by now; the stored output continues there.
            yield from self._piped()
            stored = self._context.store.jobs.output(job.seq, attempt.attempt)
            yield from map(self._counted, self._reader.rest(dict(zip(STREAMS, stored, strict=True))))
            for stream, count in self._left.items():
                if count:
                    yield Left(attempt=attempt.attempt, stream=stream, count=count)
            if job.state not in FINAL or attempt is not attempts[-1]:
                yield Retried(attempt=attempt, job=job, due_in_ms=job.run_at - self._context.now())
            self._reader.close()
            self._begin(attempt.attempt + 1)

    def close(self) -> None:
        """Stop reading."""
        self._reader.close()

    def _piped(self) -> Iterator[Piece]:
        """Yield what the pipe holds of the current attempt."""
        while self._pipe is not None and self._pipe.fd >= 0 and (frame := self._pipe.next()) is not None:
            if frame.attempt > self._number:
                self.is_behind = True
                return
            self._pipe.take()
            if frame.attempt == self._number:
                self._is_piped = True
                if frame.kind in _STREAM:
                    yield from self._accepted(frame)
                elif frame.kind == RECORDED:
                    self.is_behind = True

    def _accepted(self, frame: Frame) -> Iterator[Piece]:
        """Yield the bytes of a frame that were not read yet."""
        stream = _STREAM[frame.kind]
        known = self._reader.offsets[stream]
        data = frame.data[max(0, known - frame.first) :]
        if data:
            self._reader.offsets[stream] = frame.first + len(frame.data)
            left_out = max(0, frame.first - known)
            yield self._counted(Piece(attempt=frame.attempt, stream=stream, data=data, left_out=left_out))

    def _counted(self, piece: Piece) -> Piece:
        self._left[piece.stream] += piece.left_out
        return piece
