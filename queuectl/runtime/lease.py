"""A worker's lease, where several hosts share the store: its right to run a job, by the server's clock.

The worker judges by a clock of its own that also counts while the machine sleeps, from the moment before it asked: so
it always thinks that less is left than the server does. After two thirds of the lease without an answer it ends its
job; the last third is for that. Only then may anybody else run it.
"""

from __future__ import annotations

import time

from queuectl.domain.errors import StoreError
from queuectl.runtime.live import STREAMS, newest, path_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.runtime.place import Place
    from queuectl.store.leases import Standing
    from queuectl.store.rows import Claim
    from queuectl.store.store import Store

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_RENEWALS = 6
"""In each lease: half of them may fail in the two thirds."""
_SHORTEST_PATIENCE = 1.0
_SENT = 65_536
"""Bytes of a stream that are sent at once, the newest."""
_SEND_EVERY = 1.0


class Lease:
    """The lease of one worker."""

    def __init__(self, store: Store, worker: str, *, seconds: float) -> None:
        """It has just been given one, with its row."""
        self._store = store
        self._worker = worker
        self._renewed = self._asked = _now()
        self.is_lost = False
        """Whether others have taken the worker for dead: it must leave."""
        self.seconds = 0.0
        self.measure(seconds)

    def measure(self, seconds: float) -> None:
        """Take over the length that is configured now. It holds from the next renewal. Raises StoreError."""
        # A longer one must not be believed in before the server has heard of it.
        self.seconds = min(self.seconds, seconds) if self.seconds else seconds
        self._wanted = seconds
        self._store.database.patience = max(_SHORTEST_PATIENCE, self.seconds / 10)

    @property
    def is_over(self) -> bool:
        """Whether we can no longer be sure that nobody else has our job."""
        return self.is_lost or _now() - self._renewed > self.seconds * 2 / 3

    @property
    def is_due(self) -> bool:
        """Whether it is time to renew it; after a failure, no sooner than in a while."""
        return _now() - self._asked > min(self.seconds, self._wanted) / _RENEWALS

    def renew(self, claim: Claim | None) -> Standing | None:
        """Ask for another lease; None for a worker that has lost its own. Raises StoreError."""
        asked = self._asked = _now()
        standing = self._store.leases.renew(self._worker, claim, lease_ms=round(self._wanted * 1000))
        if standing is None:
            self.is_lost = True
            return None
        self._renewed, self.seconds = asked, self._wanted
        return standing


class Sender:
    """Sends what the running job prints to somebody on another host, once a second at most, while somebody looks."""

    def __init__(self, store: Store, place: Place) -> None:
        """It looks into the live files in `place`."""
        self._store = store
        self._place = place
        self._known: dict[str, int] = {}
        self._sent = False
        self._due = 0.0
        self.wanted = False

    def send(self, claim: Claim) -> None:
        """Send what is new, if it is time to."""
        now = time.monotonic()
        if not self.wanted or now < self._due:
            return
        self._due = now + _SEND_EVERY
        for stream in STREAMS:
            path = path_of(self._place.live, claim.seq, claim.fence, stream)
            total, data = newest(path, _SENT, self._known.get(stream, -1))
            if not data and stream in self._known:
                continue  # the first time even nothing is an answer
            try:
                if not self._store.afar.send(claim.seq, claim.fence, stream, total, data):
                    self.wanted = False
                    return
            except StoreError:
                return  # the next one is as good
            self._known[stream] = total
            self._sent = True

    def end(self, claim: Claim) -> None:
        """The result is recorded, and takes the place of what was sent."""
        if self._sent:
            try:
                self._store.afar.discard(claim.seq, claim.fence)
            except StoreError:
                pass  # a steward takes it away
        self.wanted = self._sent = False
        self._known.clear()
        self._due = 0.0


def _now() -> float:
    return time.clock_gettime(_CLOCK)
