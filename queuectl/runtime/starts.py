"""Start refusals by the machine: a worker pauses until processes, memory and descriptors are available again.

A claim raises the number of the job's next attempt, so no job is claimed to test whether starts are possible again: an
empty command is started first, after a pause. A job that is refused repeatedly although these trials succeed is itself
the cause, and must not delay other jobs.
"""

from __future__ import annotations

import os

from queuectl.domain.attempt import Outcome, Result
from queuectl.runtime import attempt_runner, process
from queuectl.runtime.attempt_spec import AttemptSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuectl.runtime.locks import AttemptLock
    from queuectl.runtime.log import Log
    from queuectl.store.rows import Claim

_SHORTEST, _LONGEST = 0.1, 5.0
_TRIAL = ":"
_OWN_FAULT_AFTER = 4
"""Refusals of one job, each between two successful trials. Near a limit of processes one or two happen by chance."""


class Starts:
    """The start refusals of one worker. The log has one line when they begin, and one when they end."""

    def __init__(self, log: Log, lock: AttemptLock, environment: Mapping[bytes, bytes]) -> None:
        """Run trials with `lock` and `environment`, as an attempt does."""
        self._log = log
        self._lock = lock
        self._environment = environment
        self._trial = _TRIAL
        self._next = _SHORTEST
        self._refusals: dict[int, int] = {}
        """Refusals of each job, by seq, since it was last started or judged to be the cause."""
        self.pause: float | None = None
        """Seconds to wait before the next trial, doubled until a job has started; None while jobs may be claimed."""

    def judge(self, result: Result, claim: Claim) -> Result:
        """Count a refusal of `claim` if `result` is one, and return the result to record."""
        if not result.refused:
            if result.outcome is not Outcome.SPAWN_ERROR:
                self._next = _SHORTEST
                self._refusals.pop(claim.seq, None)
            return result
        why = (result.error or "").removeprefix("not started: ")
        # A long command needs a script file: a short trial would succeed where that cannot be created.
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
        """Test after the pause whether jobs may be claimed again."""
        if self._trial_succeeds():
            self.pause = None
            self._log.event("jobs can be started again")
        else:
            self._lengthen()

    def _trial_succeeds(self) -> bool:
        spec = AttemptSpec(command=self._trial, environment=self._environment, cwd=os.sep)
        try:
            pid, out, err, exit_fd = attempt_runner.begin(spec, self._lock)
        except (process.StartRefused, process.SpawnError):
            return False
        for fd in (out, err, exit_fd):
            os.close(fd)
        os.waitpid(pid, 0)
        return True

    def _lengthen(self) -> None:
        self.pause = self._next
        self._next = min(self._next * 2, _LONGEST)
