"""Whether the machine lets a worker start jobs. A limit of processes, of memory or of descriptors may be lifted.

A claim raises the number of the job's next attempt, so no job is claimed to find out whether starts are possible again:
a shell that does nothing is started first.
"""

from __future__ import annotations

import os

from queuectl.runtime import attempt_runner, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuectl.domain.attempt import Result
    from queuectl.runtime.locks import AttemptLock
    from queuectl.runtime.log import Log

_SHORTEST, _LONGEST = 0.1, 5.0
_TRIAL = ":"


class Starts:
    """Says once that no job can be started, and once that jobs can be started again."""

    def __init__(self, log: Log, lock: AttemptLock, environment: Mapping[bytes, bytes]) -> None:
        """Trials take `lock`, as an attempt does."""
        self._log = log
        self._lock = lock
        self._environment = environment
        self._trial = _TRIAL
        self._next = _SHORTEST
        self.pause: float | None = None
        """Seconds to wait before the next trial, longer each time; None while jobs can be started."""

    def judge(self, result: Result, command: str) -> None:
        """Take note of how an attempt of `command` ended."""
        if not result.refused:
            self._next = _SHORTEST
            return
        # A long command needs a file of its own: a short trial would succeed where it cannot be made.
        length = len(command.encode(errors="replace"))
        self._trial = _TRIAL if length < process.ARGUMENT_MAX else f"{_TRIAL} #{'x' * process.ARGUMENT_MAX}"
        self._log.event(f"no job can be started: {(result.error or '').removeprefix('not started: ')}; trying again")
        self._lengthen()

    def are_possible(self) -> bool:
        """Whether to claim a job: after a refusal only once a trial has succeeded."""
        if self.pause is None:
            return True
        try:
            pid, out, err, exit_fd = attempt_runner.begin(self._trial, self._environment, None, self._lock, (0, 0))
        except (process.StartRefused, process.SpawnError):
            self._lengthen()
            return False
        for fd in (out, err, exit_fd):
            os.close(fd)
        os.waitpid(pid, 0)
        self.pause = None
        self._log.event("jobs can be started again")
        return True

    def _lengthen(self) -> None:
        self.pause = self._next
        self._next = min(self._next * 2, _LONGEST)
