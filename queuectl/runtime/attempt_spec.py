"""Parameters of one attempt: what it runs, how its worker takes part in it, and the orders that end it."""

from __future__ import annotations

import signal

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from queuectl.runtime.job_pipe import JobPipe
    from queuectl.runtime.live import Live
    from queuectl.runtime.locks import AttemptLock


@record
class Cancel:
    """An order to end the job for good, with the outcome `cancelled`.

    SIGKILL leaves no grace, also after a weaker order.
    """

    signal: int = signal.SIGTERM


@record
class Release:
    """An order to end the job so that it can run elsewhere, with the outcome `released`. SIGKILL as in `Cancel`."""

    signal: int = signal.SIGTERM


@record
class AttemptSpec:
    """What one attempt runs, and its limits."""

    command: str
    environment: Mapping[bytes, bytes]
    cwd: str | None = None
    seq: int = 0
    """The number of its job, or 0 for a trial, which belongs to no job."""
    fence: int = 0
    cookie: str = ""
    """The cookie that its process tree carries in the environment."""
    timeout_ms: int | None = None
    kill_grace_ms: int = 5000
    shell: str = "/bin/sh"
    """A name, which is searched in the PATH of `environment`, or a path."""
    heeds_first_line: bool = True
    """Whether a command that begins with `#!` runs under the interpreter that it names."""
    script: str = ""
    """The path of the file for a command that has to be one; removed at the end of the attempt."""


@record
class AttemptHooks:
    """The worker's part in one attempt."""

    tick: Callable[[], float]
    """Called when it is due; returns when it is due again, in seconds on the monotonic clock."""
    tick_at: float | None = None
    """When it is first due, or None for `TICK` from now: a chain of short attempts ticks as often as a long one."""
    order: Callable[[], Cancel | Release | None]
    """Returns the order for this attempt, which may be repeated. Called after every tick, when one of `wake` is
    readable, and repeatedly while leftovers are ended. It must drain `wake`, or it is called again at once."""
    wake: Sequence[int] = ()
    """Descriptors that call `order`. One that hangs up does so once."""
    lock: AttemptLock | None = None
    """The lock that the process tree inherits."""
    live: Live | None = None
    """The files that receive the output while the attempt runs; closed at its end."""
    pipe: JobPipe | None = None
    """The pipe to the `run` that follows the job: its output is read no faster than that takes it."""
