"""One run of a job, and how it ended."""

from __future__ import annotations

from enum import StrEnum

from queuectl.domain.record import record


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCESS = "success"
    EXIT = "exit"
    """The command exited with a code other than 0."""
    SIGNAL = "signal"
    """A signal that we did not send ended it."""
    TIMEOUT = "timeout"
    """Its time ran out and we ended its tree, whatever it then exited with."""
    SPAWN_ERROR = "spawn_error"
    """It could not be started, and that is its own fault: no such directory, too large an environment."""
    LOST = "lost"
    """Its worker died. Given back, but three in a row make the job dead."""
    RELEASED = "released"
    """Its worker was told to stop now, or the machine refused to start anything. Given back."""
    CANCELLED = "cancelled"


GIVEN_BACK = frozenset({Outcome.LOST, Outcome.RELEASED})
"""These do not count against the budget."""
FAILURES = frozenset(Outcome) - {Outcome.SUCCESS, Outcome.RELEASED, Outcome.CANCELLED}
"""The others ended because somebody wanted it."""
MAX_LOSSES = 3
"""A job that has taken so many workers with it in a row is dead."""


@record
class Attempt:
    """One row of a job's history. `attempt` is the fence: 1, 2, … over the job's whole life."""

    attempt: int
    worker: str
    started_at: int
    ended_at: int | None
    duration_ms: int | None
    """By the worker's monotonic clock."""
    outcome: Outcome | None
    """None while it runs."""
    exit_code: int | None
    signal: int | None
    error: str | None
    """What queuectl itself has to say, for example why it could not be started."""


@record
class Output:
    """What one attempt wrote to one stream: the first and the last of it, and how much there was in all."""

    head: bytes
    tail: bytes
    total: int
    """Bytes written in all; more than head and tail hold when the middle was left out."""

    @property
    def left_out(self) -> int:
        """Bytes between head and tail that were not kept."""
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
    """The machine would not start any command; the outcome is `released`, and the job has not run."""
    alive: tuple[int, ...] = ()
    """Pids of the attempt that could not be ended: while one of them lives, the job must not run again."""
