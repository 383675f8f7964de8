"""The sleep of an idle worker: until the bell rings, the store has changed, or the next job is due."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.domain.clock import Clock
    from queuectl.runtime.doorbell import Listener
    from queuectl.store.claims import Claims
    from queuectl.store.store import Store

_SHORTEST_RETRY, _LONGEST_RETRY = 5, 1000
"""Milliseconds until an idle worker tries again to claim a job that is due and that another session has locked."""
_REMOTE_POLL_FACTOR = 5
"""Multiple of `poll_interval` between two polls of a server, which many workers poll and which notifies them."""


class Idle:
    """The sleep of one worker."""

    def __init__(self, store: Store, claims: Claims, listener: Listener, clock: Clock, *, drain: bool) -> None:
        """Wait for jobs that `claims` can take. In a `drain` the store is polled more often: its end rings no bell."""
        self._store = store
        self._claims = claims
        self._listener = listener
        self._clock = clock
        self._remote = store.database.remote
        # A server's count of changes grows all the time: comparing it would end every sleep at once.
        self._polls_seldom = self._remote and not drain
        self._failed_claims = 0
        """How often in a row a job was due and could not be claimed."""

    def sleep(self, seen: int, *, poll_interval: float, goes_on: Callable[[], bool]) -> None:
        """Sleep until there may be something to do.

        `seen` is the store's count of changes, read before the worker last checked whether it may sleep: what is
        written after that check ends the sleep, whether or not its ring reaches this worker. `goes_on` is called at
        least once a second, and ends the sleep by returning False. Raises StoreError.
        """
        due = self._next_due()
        poll_at = time.monotonic() + poll_interval * _REMOTE_POLL_FACTOR
        while True:
            left = (due - self._clock.now()) / 1000 if due is not None else poll_interval
            rang = self._listener.wait(min(max(left, 0), poll_interval, 1.0))
            if not goes_on() or rang or (due is not None and self._clock.now() >= due):
                return
            seldom = self._polls_seldom and not self._claims.awaits_end
            if time.monotonic() >= poll_at if seldom else self._store.changed() != seen:
                return

    def _next_due(self) -> int | None:
        due = self._claims.next_due()
        now = self._clock.now()
        self._failed_claims = self._failed_claims + 1 if self._remote and due is not None and due <= now else 0
        if self._failed_claims:
            # A job is due and could not be claimed: another session has locked it.
            due = now + min(_SHORTEST_RETRY << min(self._failed_claims, 10), _LONGEST_RETRY)
        return due
