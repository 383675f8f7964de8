"""An attempt (one run of a job) and its result."""

from __future__ import annotations

from enum import StrEnum

from queuectl.domain.record import record


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCESS = "success"
    EXIT = "exit"
    """The command exited with a code other than 0."""
    SIGNAL = "signal"
    """A signal that queuectl did not send ended it."""
    TIMEOUT = "timeout"
    """It exceeded its time limit and queuectl ended its process tree; the exit status is ignored."""
    SPAWN_ERROR = "spawn_error"
    """The command could not be started, through the job's own fault: missing directory, environment too large."""
    LOST = "lost"
    """The worker died. Does not count against the retries, but three in a row make the job dead."""
    RELEASED = "released"
    """The worker was ordered to stop now, or the machine refused to start a process. Does not count."""
    CANCELLED = "cancelled"


GIVEN_BACK = frozenset({Outcome.LOST, Outcome.RELEASED})
"""Outcomes that do not count against the budget: the job goes back to `pending`."""
FAILURES = frozenset(Outcome) - {Outcome.SUCCESS, Outcome.RELEASED, Outcome.CANCELLED}
"""Outcomes with an error signature. The others are a success, or an attempt ended by request."""
MAX_LOSSES = 3
"""Consecutive attempts lost with their worker after which a job becomes dead."""


@record
class Attempt:
    """One row of a job's history. `attempt` is the fence: 1, 2, … over the job's whole life.

    Times are milliseconds since the epoch.
    """

    attempt: int
    """Its number: 1, 2, … over the job's whole life."""
    worker: str
    """The worker that ran it."""
    started_at: int
    """When it began."""
    ended_at: int | None
    """When it ended; None while it runs."""
    duration_ms: int | None
    """By the worker's monotonic clock."""
    outcome: Outcome | None
    """How it ended; None while it runs."""
    exit_code: int | None
    """The exit code of its main process; None while it runs, and where that did not exit by itself."""
    signal: int | None
    """The number of the signal that ended its main process; None if none did."""
    error: str | None
    """A message of queuectl itself, for example why the command could not be started; None where there is none."""


@record
class Output:
    """What one attempt wrote to one stream: its first bytes, its last bytes and the total count."""

    head: bytes
    tail: bytes
    total: int
    """Bytes written in all; more than `head` and `tail` hold when the middle was dropped."""

    @property
    def left_out(self) -> int:
        """Bytes between `head` and `tail` that were not kept."""
        return self.total - len(self.head) - len(self.tail)


NOTHING = Output(head=b"", tail=b"", total=0)


@record
class Result:
    """How an attempt ended, as its worker reports it."""

    outcome: Outcome
    duration_ms: int
    exit_code: int | None = None
    signal: int | None = None
    error: str | None = None
    stdout: Output = NOTHING
    stderr: Output = NOTHING
    refused: bool = False
    """The machine refused to start any process: the outcome is `released`, and the job has not run."""
    alive: tuple[int, ...] = ()
    """Pids of the attempt that could not be killed: while one of them lives, the job must not run again."""
