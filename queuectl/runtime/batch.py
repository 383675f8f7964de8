"""Batch: the short jobs that a worker has claimed together, and the results that it has not recorded yet.

A claim and a result cost a transaction, which takes half of the processor time of a short job. So a worker whose jobs
are short claims several at a time, runs them one after the other, and records their results with the next claims. The
delay for others is bounded: after `WINDOW` its results are recorded, and what it has not started is withdrawn, also
while a job runs.
"""

from __future__ import annotations

import time
from collections import deque

from queuectl.domain.attempt import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from queuectl.domain.attempt import Result
    from queuectl.store.rows import Claim

MOST = 8
"""Jobs in one batch, at most. Twice as many made no difference to the jobs/s (docs/performance.md)."""
WINDOW = 0.05
"""Seconds after the claim of a batch within which its results are recorded and its jobs started or withdrawn."""
_PRINTED = 16_384
"""Bytes of output up to which a result may wait."""
NEVER = float("inf")


class Batch:
    """The claims and results of one worker that are not settled with the store."""

    def __init__(self) -> None:
        """Start empty."""
        self.ended: list[tuple[Claim, Result]] = []
        """Attempts whose results are not recorded yet, in the order of their ends."""
        self.ahead: deque[Claim] = deque()
        """Claims that are not started yet, in the order in which they are to run."""
        self._claimed = 0
        """How many jobs the batch began with."""
        self._is_full = False
        """Whether there were as many due jobs as the worker asked for."""
        self._is_mixed = False
        """Whether its jobs begin in another directory than the one before."""
        self._directory: str | None = None
        """Of the job that was started last."""
        self._began = 0.0
        self._ends_at = NEVER
        self._try_at = 0.0

    @property
    def is_settled(self) -> bool:
        """Whether no result and no claim waits."""
        return not self.ended and not self.ahead

    @property
    def due_at(self) -> float:
        """When to settle it beside a running job, in seconds on the monotonic clock; `NEVER` while nothing waits."""
        return NEVER if self.is_settled else max(self._ends_at, self._try_at)

    @property
    def is_over(self) -> bool:
        """Whether it must be settled before another of its jobs is started."""
        return not self.is_settled and time.monotonic() >= self._ends_at

    @property
    def endangers_others(self) -> bool:
        """Whether the next job may end or block the worker while the worker holds others.

        It was lost with a worker before, or begins in another directory, whose file system may not respond.
        """
        if not self.ahead or (not self.ended and len(self.ahead) == 1):
            return False
        return self.ahead[0].losses > 0 or self.ahead[0].cwd != self._directory

    def begin(self, claims: Iterable[Claim], *, wanted: int = 1) -> None:
        """Begin with claims, of which there could have been `wanted`."""
        self.ahead.extend(claims)
        self._claimed = len(self.ahead)
        self._is_full = self._claimed == wanted
        self._is_mixed = any(claim.cwd != self._directory for claim in self.ahead)
        self._began = time.monotonic()
        self._ends_at = self._began + WINDOW
        self._try_at = 0.0

    def take(self) -> Claim:
        """Take the next claim, whose job is about to be started."""
        claim = self.ahead.popleft()
        self._directory = claim.cwd
        return claim

    def may_wait(self, result: Result) -> bool:
        """Return whether this result, the latest, may be recorded with those of the next jobs of the batch."""
        return (
            bool(self.ahead)
            and result.outcome is Outcome.SUCCESS
            and result.error is None
            and result.stdout.total + result.stderr.total <= _PRINTED
            and not self.is_over
        )

    def next_size(self) -> int:
        """Return how many jobs the next batch may have: twice as many as this one, as far as they fit in `WINDOW`.

        One if the queue had fewer jobs than the worker asked for: other workers may be idle.
        """
        if not self._is_full or not self._claimed or self._is_mixed:
            return 1
        took = (time.monotonic() - self._began) / self._claimed
        return max(1, min(MOST, self._claimed * 2, int(WINDOW / max(took, WINDOW / MOST))))

    def hurry(self) -> None:
        """End its time now: the claims that are not started may have been cancelled."""
        self._ends_at = 0.0

    def postpone(self, seconds: float) -> None:
        """Settle it beside a running job only after so many seconds: the store could not be used."""
        self._try_at = time.monotonic() + seconds
