"""What a worker's hold on its jobs rests on: its lock, or a lease where several hosts share the store.

A lock is held until its holder dies, so whoever holds one is certain. A lease runs out by the server's clock. The
worker judges it by a clock of its own that also counts while the machine sleeps, from the moment before it asked: so it
always thinks that less is left than the server does. After two thirds of the lease without an answer it ends its job;
the last third is for that. Only then may anybody else run it.
"""

from __future__ import annotations

from contextlib import contextmanager

from queuectl.domain.attempt import Outcome, Result
from queuectl.domain.clock import steady
from queuectl.domain.errors import StoreError, StoreUnreachable
from queuectl.runtime.pulse import TICK
from queuectl.runtime.remote_output_sender import RemoteOutputSender

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from queuectl.domain.backoff import Backoff
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.claims import Claims
    from queuectl.store.rows import Claim
    from queuectl.store.store import Store

_RENEWALS = 6
"""In each lease: half of them may fail in the two thirds."""
_SHORTEST_PATIENCE = 1.0
_OVER, _DEADLINE = 2 / 3, 5 / 6
"""Shares of the lease without an answer: after the first the running job must be ended, after the second nothing is
waited for any more that keeps the worker from it. The rest is for the end of the job's processes."""


class LockOwnership:
    """Nobody else can take what is ours while we live."""

    evicted = False
    """Whether others have taken the worker for dead: it must leave."""
    lease_expired = False
    """Whether the running job must be ended, as others may take it."""

    def __init__(self, store: Store, claims: Claims, worker: str) -> None:
        """`claims` are those of `worker`."""
        self._store = store
        self._claims = claims
        self._worker = worker
        self._seen = -1

    def measure(self, lease: float) -> None:
        """Take over how long the lease is, in seconds. Raises StoreError."""

    def confirm(self, claim: Claim | None) -> bool:
        """Whether we live, and this job is ours, for sure; asks where we cannot know. Raises StoreError."""
        del claim
        return True

    def resync(self) -> list[Claim] | None:
        """What the store says that we hold, where that is in doubt; else None. Raises StoreError."""
        return None

    def give_back(self, backoff: Backoff, random: Random, *, now: int) -> None:
        """Give back what the worker holds without having heard of it, and so has not begun. Raises StoreError."""
        for claim in self.resync() or ():
            result = Result(outcome=Outcome.RELEASED, duration_ms=0)
            self._claims.finish(claim, self._worker, result, backoff=backoff, random=random, now=now)

    def mark_stale(self) -> None:
        """Have `resync` ask."""

    def poll_cancel(self, claim: Claim, *, rang: bool) -> int | None:
        """The signal that a cancel asked for, 0 for none; None when the job is no longer ours. Raises StoreError."""
        del rang  # a look costs next to nothing
        seen = self._store.changed()
        if seen == self._seen:
            return 0
        requested = self._claims.cancel_requested(claim, self._worker)
        self._seen = seen
        return requested

    def tick(self, lease: float) -> float:
        """Seconds between two looks at the running job, for a lease of so many."""
        del lease  # nothing runs out
        return TICK

    def renew_if_due(self, claim: Claim | None) -> None:
        """Do what is due while nothing else asks for it."""

    def publish_output(self, claim: Claim) -> None:
        """Tell what the job has printed, if somebody wants to know who cannot see it."""

    def ended(self, claim: Claim) -> None:
        """The job's result is recorded."""


class LeaseOwnership(LockOwnership):
    """What is ours is so until the lease runs out."""

    def __init__(self, store: Store, claims: Claims, worker: str, *, run_dir: RunDir, seconds: float) -> None:
        """The lease begins now; the worker's row, which is written next, gives it."""
        super().__init__(store, claims, worker)
        self._sender = RemoteOutputSender(store, run_dir)
        self._renewed = self._asked = steady()
        self._seconds = self._wanted = seconds
        self._connections = store.database.connections
        self.measure(seconds)

    def measure(self, lease: float) -> None:
        """Take it over. It holds from the next renewal."""
        # A longer one must not be believed in before the server has heard of it.
        self._seconds = min(self._seconds, lease)
        self._wanted = lease
        self._store.database.patience = max(_SHORTEST_PATIENCE, self._seconds / 10)

    @property
    def lease_expired(self) -> bool:  # type: ignore[override]  # never, by a lock
        """Whether two thirds of it have passed without a word."""
        return self.evicted or steady() - self._renewed > self._seconds * _OVER

    @property
    def _is_due(self) -> bool:
        """Whether it is time to renew it; after a failure, no sooner than in a while."""
        return steady() - self._asked > min(self._seconds, self._wanted) / _RENEWALS

    def confirm(self, claim: Claim | None) -> bool:
        """Whether we live, and this job is ours: what is not over, nobody else can have taken."""
        if not self.lease_expired and (claim is not None or not self._is_due):
            return True
        requested = self._renew(claim)
        return not self.evicted and (claim is None or requested is not None)

    def resync(self) -> list[Claim] | None:
        """What we hold, after a connection was lost: with it an answer may have been, to a result or to a claim."""
        database = self._store.database
        if not database.lost and database.connections == self._connections:
            return None
        held = self._claims.take_stock(self._worker)
        self._connections = database.connections
        return held

    def mark_stale(self) -> None:
        """As if a connection had been lost."""
        self._connections = -1

    def poll_cancel(self, claim: Claim, *, rang: bool) -> int | None:
        """The same, learned by renewing the lease: when somebody rings, and when it is time to."""
        if rang or self._is_due:
            requested = self._renew(claim)
            self.publish_output(claim)
            return requested
        if self.lease_expired:
            raise StoreUnreachable("the lease has run out")
        return 0

    def tick(self, lease: float) -> float:
        """The same, and often enough to see within the last third of the lease that it has begun."""
        return min(TICK, lease / 10)

    def renew_if_due(self, claim: Claim | None) -> None:
        """Renew it: what keeps us from the store may not keep us from that."""
        if self._is_due:
            try:
                self._renew(claim)
            except StoreError:
                pass  # the weather has been told

    def publish_output(self, claim: Claim) -> None:
        """Send it to whoever looks from another host."""
        with self._in_time(claim):
            self._sender.send(claim)

    def ended(self, claim: Claim) -> None:
        """Nobody needs what was sent."""
        self._sender.end(claim)

    def _renew(self, claim: Claim | None) -> int | None:
        asked = self._asked = steady()
        with self._in_time(claim):
            standing = self._store.leases.renew(self._worker, claim, lease_ms=round(self._wanted * 1000))
        if standing is None:
            self.evicted = True
            return None
        self._renewed, self._seconds = asked, self._wanted
        self._sender.wanted = standing.watched
        return standing.requested

    @contextmanager
    def _in_time(self, claim: Claim | None) -> Iterator[None]:
        """Wait for the server no longer than the lease leaves for ending the job, if there is one.

        After that moment the worker was stopped itself: it asks as long as its patience lasts whether the job is still
        its own.
        """
        moment = self._renewed + self._seconds * _DEADLINE
        self._store.database.deadline = moment if claim is not None and steady() < moment else None
        try:
            yield
        finally:
            self._store.database.deadline = None
