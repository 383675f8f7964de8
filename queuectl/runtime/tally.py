"""Counts of attempts that a worker has not recorded in its row yet."""

from __future__ import annotations

from queuectl.domain.attempt import FAILURES
from queuectl.domain.job import JobState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.domain.attempt import Outcome
    from queuectl.store.claims import Claims


class Tally:
    """Counts of attempts. Not recorded with each job: another row is another page in every commit."""

    def __init__(self, claims: Claims, worker: str) -> None:
        """Count for `worker`."""
        self._claims = claims
        self._worker = worker
        self._completed = self._failed = 0

    def count(self, outcome: Outcome, state: JobState | None) -> None:
        """Count an attempt that left its job in `state`; None if the attempt was not recorded."""
        self._completed += state is JobState.COMPLETED
        self._failed += state is not None and outcome in FAILURES

    def write_down(self, *, anyway: bool = False) -> None:
        """Add the counts to the worker's row. Raises StoreError; the next call writes what this one could not.

        `anyway` writes also where there is nothing to add, to test whether the store can be written again.
        """
        if self._completed or self._failed or self._claims.owes_a_tally or anyway:
            completed, failed = self._completed, self._failed
            self._completed = self._failed = 0
            self._claims.write_down(self._worker, completed=completed, failed=failed, anyway=anyway)
