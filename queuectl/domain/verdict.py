"""What becomes of a job when an attempt ends."""

from __future__ import annotations

from queuectl.domain.attempt import GIVEN_BACK, MAX_LOSSES, Outcome
from queuectl.domain.job import JobState
from queuectl.domain.record import record


@record
class Verdict:
    """The job's next state, and what its counts become."""

    state: JobState
    attempts: int
    losses: int


def verdict(outcome: Outcome, *, attempts: int, max_retries: int, losses: int) -> Verdict:
    """Judge an attempt that ended with `outcome`; `attempts` already counts it."""
    if outcome is Outcome.SUCCESS:
        return Verdict(state=JobState.COMPLETED, attempts=attempts, losses=0)
    if outcome is Outcome.CANCELLED:
        return Verdict(state=JobState.CANCELLED, attempts=attempts, losses=0)
    if outcome is Outcome.LOST and losses + 1 >= MAX_LOSSES:
        # A job that kills its worker must not loop for ever.
        return Verdict(state=JobState.DEAD, attempts=attempts, losses=losses + 1)
    if outcome in GIVEN_BACK:
        lost = losses + 1 if outcome is Outcome.LOST else losses
        return Verdict(state=JobState.PENDING, attempts=attempts - 1, losses=lost)
    if attempts > max_retries:
        return Verdict(state=JobState.DEAD, attempts=attempts, losses=0)
    return Verdict(state=JobState.FAILED, attempts=attempts, losses=0)
