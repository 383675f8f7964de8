"""Source of a worker's jobs: the next one that it certainly owns, or the wait while there is none."""

from __future__ import annotations

from queuectl.domain.errors import StoreError
from queuectl.runtime.assignment import Stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from queuectl.runtime.assignment import StopOrder
    from queuectl.runtime.batch import Batch
    from queuectl.runtime.idle import Idle
    from queuectl.runtime.starts import Starts
    from queuectl.runtime.store_access import StoreAccess
    from queuectl.store.rows import Claim

    class Sleep(Protocol):
        """A wait of so many seconds, which a bell ends too if it heeds bells."""

        def __call__(self, seconds: float, *, heed_bells: bool = True) -> None:
            """Wait, and tick meanwhile."""


class JobSource:
    """The jobs of one worker."""

    def __init__(
        self,
        access: StoreAccess,
        batch: Batch,
        starts: Starts,
        idle: Idle,
        stop: StopOrder,
        *,
        drain: bool,
        sleep: Sleep,
        goes_on: Callable[[], bool],
        wake_next: Callable[[], None],
    ) -> None:
        """Take jobs from `batch`, and claim others through `access` while `starts` allows it.

        `sleep` waits after a failure, `goes_on` is polled in the idle wait and ends it by returning False, `wake_next`
        wakes the next idle worker. In a `drain` the end of all jobs ends the wait too.
        """
        self._access = access
        self._batch = batch
        self._starts = starts
        self._idle = idle
        self._stop = stop
        self._drain = drain
        self._sleep = sleep
        self._goes_on = goes_on
        self._wake_next = wake_next
        self._is_idle = True
        self._has_polled = False
        """Whether the store answered the last claim."""

    def next(self) -> Claim | None:
        """Return the next job to run, or None if the worker must wait first. Raises StoreLost."""
        claim = self._confirmed() if self._batch.ahead else self._claimed()
        if claim is None:
            self._is_idle = True
            return None
        self._access.begun(claim)
        if self._is_idle:
            # One ring wakes one worker: a worker that gets busy wakes the next, which finds a job or sleeps again.
            self._wake_next()
            self._is_idle = False
        return claim

    def wait(self) -> bool:
        """Sleep until there may be a job; return True if no job is left in a drain. Raises StoreLost."""
        access = self._access
        if access.retry.pause is not None:
            self._sleep(access.retry.pause)
            if not self._has_polled:
                return False
        try:
            if self._starts.pause is not None:
                self._sleep(self._starts.pause, heed_bells=False)
                self._starts.try_again()
                return self._is_drained()
            access.tally.write_down()
            # Read before the checks that decide whether to sleep: a later change must end the sleep, such as the end of
            # a drain, or a job whose ring another worker consumed.
            seen = access.store.changed()
            access.retry.recovered()
            if self._is_drained():
                return True
            self._idle.sleep(seen, poll_interval=access.settings.poll_interval, goes_on=self._goes_on)
        except StoreError as error:
            self._failed(error)
        return False

    def _claimed(self) -> Claim | None:
        if self._starts.pause is not None:
            return None
        access = self._access
        self._has_polled = False
        try:
            if not access.ownership.confirm(None):
                return None
            access.read_settings()
            if access.retry.is_bad:
                access.tally.write_down(anyway=True)
            owned = access.ownership.resync()
            claim = None if owned else access.claim()
        except StoreError as error:
            self._failed(error)
            return None
        self._has_polled = True
        self._batch.begin(owned or ([claim] if claim else []))
        if not self._batch.ahead:
            return None  # the idle wait checks whether the store works
        access.retry.recovered()
        return self._confirmed()

    def _confirmed(self) -> Claim | None:
        """Take the next job of the batch; None unless this worker certainly owns it: its claim may be old."""
        claim = self._batch.take()
        try:
            if self._access.ownership.confirm(claim):
                self._access.environments.load(claim)
                return claim
        except StoreError as error:
            self._access.ownership.mark_stale()
            self._failed(error)
        return None

    def _is_drained(self) -> bool:
        if not self._drain or self._access.claims.left_to_run():
            return False
        # The other idle workers sleep: wake the next one, which then notices it too.
        self._wake_next()
        return True

    def _failed(self, error: StoreError) -> None:
        """Start or prolong the retries: the next `wait` makes the pause."""
        self._access.retry.failed(error, hurry=self._stop.level is Stop.NOW)
