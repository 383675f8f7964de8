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

_FIRST_IN_VAIN, _LONGEST_IN_VAIN = 5, 1000
"""Milliseconds until an idle worker looks again for a job that is due and that another session keeps locked."""
_SELDOM = 5
"""How many times as long as `poll_interval` an idle worker waits where many ask one server, and calls reach it."""


class Idle:
    """How one worker sleeps."""

    def __init__(self, store: Store, claims: Claims, listener: Listener, clock: Clock, *, drain: bool) -> None:
        """Wait for jobs that `claims` can take. In a `drain` the store is asked more often: its end rings no bell."""
        self._store = store
        self._claims = claims
        self._listener = listener
        self._clock = clock
        self._remote = store.database.remote
        # A server is written to all the time: comparing counts of changes would end every sleep at once.
        self._asks_seldom = self._remote and not drain
        self._in_vain = 0
        """How often in a row a job was due, and not to be had."""

    def sleep(self, seen: int, *, poll_interval: float, goes_on: Callable[[], bool]) -> None:
        """Sleep until there may be something to do.

        `seen` is the store's count of changes, read before the worker last looked whether it may sleep: what is written
        after that look ends the sleep, whether or not its ring reaches this worker. `goes_on` is called at least once a
        second, and ends the sleep by returning False. Raises StoreError.
        """
        due = self._next_due()
        look_at = time.monotonic() + poll_interval * _SELDOM
        while True:
            left = (due - self._clock.now()) / 1000 if due is not None else poll_interval
            rang = self._listener.wait(min(max(left, 0), poll_interval, 1.0))
            if not goes_on() or rang or (due is not None and self._clock.now() >= due):
                return
            if time.monotonic() >= look_at if self._asks_seldom else self._store.changed() != seen:
                return

    def _next_due(self) -> int | None:
        due = self._claims.next_due()
        now = self._clock.now()
        self._in_vain = self._in_vain + 1 if self._remote and due is not None and due <= now else 0
        if self._in_vain:
            # It has been due, and was not to be had: another session keeps it locked.
            due = now + min(_FIRST_IN_VAIN << min(self._in_vain, 10), _LONGEST_IN_VAIN)
        return due
