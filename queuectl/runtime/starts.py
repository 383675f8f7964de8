"""Whether the machine lets a worker start jobs. A limit of processes, of memory or of descriptors may be lifted.

A claim raises the number of the job's next attempt, so no job is claimed to find out whether starts are possible again:
a shell that does nothing is started first, and not before a pause. A job that is refused time and again although these
trials succeed is refused by its own fault, and must not keep others waiting.
"""

from __future__ import annotations

import os

from queuectl.domain.attempt import Outcome, Result
from queuectl.runtime import attempt_runner, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuectl.runtime.locks import AttemptLock
    from queuectl.runtime.log import Log
    from queuectl.store.rows import Claim

_SHORTEST, _LONGEST = 0.1, 5.0
_TRIAL = ":"
_OWN_FAULT_AFTER = 4
"""Refusals of one job, each between two trials that succeed. Near a limit of processes one or two are chance."""


class Starts:
    """Says once that no job can be started, and once that jobs can be started again."""

    def __init__(self, log: Log, lock: AttemptLock, environment: Mapping[bytes, bytes]) -> None:
        """Trials take `lock`, as an attempt does."""
        self._log = log
        self._lock = lock
        self._environment = environment
        self._trial = _TRIAL
        self._next = _SHORTEST
        self._refusals: dict[int, int] = {}
        """How often each job was refused since it was last started, or had its verdict."""
        self.pause: float | None = None
        """Seconds to wait before the next trial, longer until a job has started; None while jobs may be claimed."""

    def judge(self, result: Result, claim: Claim) -> Result:
        """Take note of how an attempt of `claim` ended, and return the result to record."""
        if not result.refused:
            if result.outcome is not Outcome.SPAWN_ERROR:
                self._next = _SHORTEST
                self._refusals.pop(claim.seq, None)
            return result
        why = (result.error or "").removeprefix("not started: ")
        # A long command needs a file of its own: a short trial would succeed where it cannot be made.
        length = len(claim.command.encode(errors="replace"))
        self._trial = _TRIAL if length < process.ARGUMENT_MAX else f"{_TRIAL} #{'x' * process.ARGUMENT_MAX}"
        refusals = self._refusals[claim.seq] = self._refusals.get(claim.seq, 0) + 1
        if refusals >= _OWN_FAULT_AFTER and self._trial_succeeds():
            del self._refusals[claim.seq]
            self._next = _SHORTEST
            return Result(outcome=Outcome.SPAWN_ERROR, duration_ms=result.duration_ms, error=f"cannot start: {why}")
        self._log.event(f"no job can be started: {why}; trying again")
        self._lengthen()
        return result

    def try_again(self) -> None:
        """Find out, after the pause, whether jobs may be claimed again."""
        if self._trial_succeeds():
            self.pause = None
            self._log.event("jobs can be started again")
        else:
            self._lengthen()

    def _trial_succeeds(self) -> bool:
        try:
            pid, out, err, exit_fd = attempt_runner.begin(self._trial, self._environment, os.sep, self._lock, (0, 0))
        except (process.StartRefused, process.SpawnError):
            return False
        for fd in (out, err, exit_fd):
            os.close(fd)
        os.waitpid(pid, 0)
        return True

    def _lengthen(self) -> None:
        self.pause = self._next
        self._next = min(self._next * 2, _LONGEST)
