"""The pool of a `run --local`: one worker in processes of their own, which runs one job and ends with the `run`.

The pool reads from a pipe which job it is for. Only the `run` has the other end: when that is closed, also by kill -9,
the pool stops now, and a job that its worker runs is put back.
"""

from __future__ import annotations

import os
import sys

from queuectl.domain.errors import MachineUnfit
from queuectl.domain.worker import queue_of_job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.operations.context import Context


class LocalPool:
    """The pool, as the `run` that starts it has it."""

    def __init__(self, location: str) -> None:
        """Start its process, which waits for the job. Raises MachineUnfit.

        The location is passed in the environment, since every user can read arguments and it may contain a password.
        """
        reader, self._pipe = os.pipe()
        program = [sys.executable, "-I", "-m", "queuectl.cli.local_pool"]
        try:
            self._pid = os.posix_spawn(
                program[0],
                program,
                os.environ | {"QUEUECTL_DB": location},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, reader, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                ],
                # Ctrl+C and a hangup are for the `run`, which decides what becomes of the job.
                setsid=True,
            )
        except OSError as error:
            os.close(self._pipe)
            raise MachineUnfit(f"{program[0]} cannot be started: {error.strerror}") from None
        finally:
            os.close(reader)
        self.exit_code: int | None = None
        """How it has ended; None while it runs."""

    def begin(self, seq: int, needs: Sequence[str]) -> None:
        """Let it run this job."""
        try:
            os.write(self._pipe, " ".join([str(seq), *needs]).encode() + b"\n")
        except OSError:
            pass  # it has ended

    def poll(self) -> int | None:
        """Return how it has ended; None while it runs."""
        if self.exit_code is None:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            self.exit_code = os.waitstatus_to_exitcode(status) if ended else None
        return self.exit_code

    def end(self) -> None:
        """Stop it, and wait until all of its processes have ended."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        if self.exit_code is None:
            self.exit_code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def serve(context: Context) -> None:
    """Run the pool in this process: read from standard input which job it is for. Raises QueuectlError."""
    # Loaded before the job is known, which the `run` enqueues meanwhile.
    from queuectl.runtime.assignment import PoolParams
    from queuectl.runtime.doorbell import bell_of_queue
    from queuectl.runtime.run_dir import remove
    from queuectl.runtime.supervisor import Supervisor

    line = _read_line()
    if line is None:
        return
    seq, *needs = line.split()
    queue = queue_of_job(int(seq))
    pool = Supervisor(
        PoolParams(size=1, queues=(queue,), labels=tuple(needs), drain=True, brief=True, quiet=True),
        context.open_store,
        context.run_dir,
        location=context.location,
        left=lambda _left: None,
        owner=0,
    )
    try:
        pool.run()
    finally:
        # No other worker listens to it.
        remove(os.path.join(context.run_dir.bells, bell_of_queue(queue)))


def _read_line() -> str | None:
    """Return the line that the `run` writes; None where that has ended before."""
    line = b""
    while not line.endswith(b"\n"):
        data = os.read(0, 4096)
        if not data:
            return None
        line += data
    return line.decode()
