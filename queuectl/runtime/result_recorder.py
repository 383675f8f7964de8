"""Recorder of the results of a worker's attempts, which keeps a result until the store has it."""

from __future__ import annotations

import time

from queuectl.domain.errors import StoreBusy, StoreError
from queuectl.domain.job import JobState
from queuectl.runtime.assignment import Stop
from queuectl.store.claims import NOT_STARTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from queuectl.domain.attempt import Result
    from queuectl.runtime.assignment import StopOrder
    from queuectl.runtime.batch import Batch
    from queuectl.runtime.log import Log
    from queuectl.runtime.store_access import StoreAccess
    from queuectl.store.claims import Exchanged
    from queuectl.store.rows import Claim

_WAIT_BESIDE_JOB = 0.05
"""Seconds to wait for the store's lock while a job runs, whose time limit nothing checks meanwhile."""
_SHORTEST_PAUSE, _PAUSE_FACTOR = 0.2, 4
"""Seconds between two tries beside a job, at least, and in terms of the time that the last one took."""


class ResultRecorder:
    """The results of one worker."""

    def __init__(
        self,
        access: StoreAccess,
        batch: Batch,
        log: Log,
        stop: StopOrder,
        *,
        sleep: Callable[[float], None],
        withdrew: Callable[[Sequence[Claim]], None],
    ) -> None:
        """Record the results of `batch` through `access`.

        Between two tries `sleep` waits for so many seconds. `withdrew` is called with claims that others may take now.
        """
        self._access = access
        self._batch = batch
        self._log = log
        self._stop = stop
        self._sleep = sleep
        self._withdrew = withdrew
        self.has_given_up = False
        """Whether a result could not be recorded before the worker ends."""

    def finish(self, claim: Claim, result: Result) -> None:
        """Add a result to the batch, and settle that if it is complete or over: the next jobs are claimed with it.

        However long the store takes. Raises StoreLost.
        """
        self._batch.ended.append((claim, result))
        if result.refused:
            self._batch.hurry()
        if self._stop.level or not self._batch.may_wait(result):
            self._settle(claims_next=not result.refused)

    def settle(self, running: Claim | None = None) -> None:
        """Record what waits and withdraw what is not started, however long the store takes. Raises StoreLost."""
        if not self._batch.is_settled and not self.has_given_up:
            self._batch.hurry()
            self._settle(claims_next=False, running=running)

    def settle_beside(self, running: Claim) -> None:
        """Try to do that while `running` runs: after a failure the next try is due a moment later."""
        began = time.monotonic()
        self._batch.hurry()
        try:
            with self._access.ownership.in_time(running):
                self._settle_briefly(running)
        except StoreError:
            # A lost store ends the job at its next order. The longer a try takes, the fewer there are: meanwhile no
            # output is read.
            self._batch.postpone(max(_SHORTEST_PAUSE, _PAUSE_FACTOR * (time.monotonic() - began)))

    def _settle_briefly(self, running: Claim) -> None:
        try:
            self._exchange(claims_next=False, running=running, wait=_WAIT_BESIDE_JOB)
        except StoreBusy:
            if not self._access.store.database.exclusive and self._batch.ended and self._batch.ahead:
                # Another session may have locked a job that has ended: the others need not wait for that.
                exchanged = self._access.exchange((), self._batch.ahead, most=0, wait=_WAIT_BESIDE_JOB)
                self._withdrawn(exchanged)
            raise

    def unrecorded(self) -> list[Claim]:
        """Return the attempts that have ended and whose results are not recorded."""
        return [claim for claim, _ in self._batch.ended]

    def _settle(self, *, claims_next: bool, running: Claim | None = None) -> None:
        retry = self._access.retry
        while True:
            try:
                self._exchange(claims_next=claims_next, running=running)
            except StoreError as error:
                if retry.is_hopeless:
                    self._give_up(error)
                    return
                self._sleep(retry.failed(error, hurry=self._stop.level is Stop.NOW))
            else:
                retry.recovered()
                return

    def _give_up(self, error: StoreError) -> None:
        for claim, result in self._batch.ended:
            what = f"result of this attempt of job {claim.id}"
            self._log.event(f"{what} could not be recorded ({result.outcome.value}): {error.message}")
        self.has_given_up = True

    def _exchange(self, *, claims_next: bool, running: Claim | None, wait: float | None = None) -> None:
        access, batch = self._access, self._batch
        owned = access.ownership.resync()
        if owned is not None:
            self._take_stock(owned, running)
        withdrawn = tuple(batch.ahead) if self._stop.level or batch.is_over else ()
        stays = len(batch.ahead) > len(withdrawn)
        wanted = 0
        if claims_next and not (self._stop.level or stays or access.ownership.lease_expired):
            wanted = 1 if withdrawn else batch.next_size()
        if not (batch.ended or withdrawn or wanted):
            return
        exchanged = access.exchange(batch.ended, withdrawn, most=wanted, wait=wait)
        ended, batch.ended = batch.ended, []
        if withdrawn:
            self._withdrawn(exchanged)
        if not stays:
            batch.begin(exchanged.claims, wanted=wanted)
        for (claim, result), state in zip(ended, exchanged.states, strict=True):
            self._recorded(claim, result, state)

    def _withdrawn(self, exchanged: Exchanged) -> None:
        claims = tuple(self._batch.ahead)
        self._batch.ahead.clear()
        for claim in exchanged.cancelled:
            self._log.result(claim.id, NOT_STARTED, JobState.CANCELLED)
        self._withdrew(claims)

    def _take_stock(self, owned: Sequence[Claim], running: Claim | None) -> None:
        """Compare the batch with the claims that the store records for this worker, after a connection was lost."""
        batch = self._batch
        here = {(claim.seq, claim.fence) for claim in owned}
        gone = [(claim, result) for claim, result in batch.ended if (claim.seq, claim.fence) not in here]
        # All are read before one is logged and counted: the connection may break again.
        states = [self._access.has_ended(claim) for claim, _ in gone]
        batch.ended = [(claim, result) for claim, result in batch.ended if (claim.seq, claim.fence) in here]
        for (claim, result), state in zip(gone, states, strict=True):
            self._recorded(claim, result, state)
        begun = {(claim.seq, claim.fence) for claim, _ in batch.ended}
        if running is not None:
            begun.add((running.seq, running.fence))
        # Claims whose reply was lost are among them.
        batch.ahead.clear()
        batch.ahead.extend(claim for claim in owned if (claim.seq, claim.fence) not in begun)

    def _recorded(self, claim: Claim, result: Result, state: JobState | None) -> None:
        self._access.tally.count(result.outcome, state)
        self._log.result(claim.id, result, state)
        self._access.ownership.ended(claim)
