"""Ownership of jobs: by the worker's lock, or by a lease where several hosts share the store.

A lock is held until its holder dies, so its holder is certain. A lease expires by the server's clock. The worker judges
it by a clock of its own that also counts while the machine sleeps, from the moment before it sent the renewal: so it
always assumes that less is left than the server does. After two thirds of the lease without an answer it ends its job;
the last third is for that. Only then may another worker run it.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

from queuectl.domain.attempt import Outcome, Result
from queuectl.domain.clock import steady
from queuectl.domain.errors import StoreError, StoreUnreachable
from queuectl.runtime.pulse import TICK
from queuectl.runtime.remote_output_sender import RemoteOutputSender

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from random import Random
    from typing import Protocol

    from queuectl.domain.backoff import Backoff
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.claims import Claims
    from queuectl.store.rows import Claim
    from queuectl.store.store import Store

    class Ownership(Protocol):
        """What decides whether a worker owns its jobs."""

        @property
        def evicted(self) -> bool:
            """Whether this worker was written off: it must exit."""

        @property
        def lease_expired(self) -> bool:
            """Whether the running job must be ended because another worker may claim it."""

        def measure(self, lease: float) -> None:
            """Set the length of the lease in seconds. Raises StoreError."""

        def confirm(self, claim: Claim | None) -> bool:
            """Return whether this worker, and `claim` if given, is certainly its own; ask the store where in doubt.

            Raises StoreError.
            """

        def resync(self) -> list[Claim] | None:
            """Return the claims that the store records for this worker, where that is in doubt; else None.

            Raises StoreError.
            """

        def mark_stale(self) -> None:
            """Make the next `resync` query the store."""

        def poll_cancel(self, claim: Claim, *, rang: bool) -> int | None:
            """Return the signal of a requested cancel, 0 for none; None when this worker has lost the job.

            `rang` is whether the worker's bell rang. Raises StoreError.
            """

        def tick(self, lease: float) -> float:
            """Return the seconds between two checks of the running job, for a lease of `lease` seconds."""

        def renew_if_due(self, claim: Claim | None) -> None:
            """Renew the lease if it is due, while no claim or poll does so."""

        def publish_output(self, claim: Claim) -> None:
            """Send what the job has printed to followers on other hosts."""

        def in_time(self, claim: Claim | None) -> AbstractContextManager[None]:
            """Bound the waits for the store so that the running job can be ended before its lease expires."""

        def ended(self, claim: Claim) -> None:
            """Clean up after the job's result was recorded."""


_RENEWALS = 6
"""Renewals per lease: half of those in its first two thirds may fail."""
_SHORTEST_PATIENCE = 1.0
_OVER, _DEADLINE = 2 / 3, 5 / 6
"""Shares of the lease without an answer: after the first the running job must be ended, after the second the worker
waits for no server any more that delays this. The rest is for the end of the job's processes."""


class LockOwnership:
    """Ownership by flock: held until this process exits, so that it is never in doubt."""

    evicted = False
    lease_expired = False

    def __init__(self, store: Store, claims: Claims, worker: str) -> None:
        """Own jobs for `worker`, whose claims are `claims`."""
        self._store = store
        self._claims = claims
        self._worker = worker
        self._seen = -1
        self._polled: Claim | None = None

    def measure(self, lease: float) -> None:
        """Do nothing: a lock does not expire."""

    def confirm(self, claim: Claim | None) -> bool:
        """Return True."""
        del claim
        return True

    def resync(self) -> list[Claim] | None:
        """Return None: no answer of a file can be lost."""
        return None

    def mark_stale(self) -> None:
        """Do nothing, as `resync` has nothing to query."""

    def poll_cancel(self, claim: Claim, *, rang: bool) -> int | None:
        """Query the job whenever another connection has written."""
        seen = self._store.changed()
        # Not only then: the cancel of this job may have been written while another one ran.
        if seen == self._seen and claim is self._polled and not rang:
            return 0
        requested = self._claims.cancel_requested(claim, self._worker)
        self._seen, self._polled = seen, claim
        return requested

    def tick(self, lease: float) -> float:
        """Return `TICK`."""
        del lease  # a lock does not expire
        return TICK

    def renew_if_due(self, claim: Claim | None) -> None:
        """Do nothing: a lock needs no renewal."""

    def publish_output(self, claim: Claim) -> None:
        """Do nothing: with a lock all followers are on this host."""

    def in_time(self, claim: Claim | None) -> AbstractContextManager[None]:
        """Bound nothing: a lock does not expire."""
        del claim
        return nullcontext()

    def ended(self, claim: Claim) -> None:
        """Do nothing: nothing was sent."""


class LeaseOwnership:
    """Ownership by lease: until it expires without a renewal."""

    def __init__(self, store: Store, claims: Claims, worker: str, *, run_dir: RunDir, seconds: float) -> None:
        """Start the lease of `seconds` now; the worker's row, which is written next, grants it."""
        self.evicted = False
        self._store = store
        self._claims = claims
        self._worker = worker
        self._sender = RemoteOutputSender(store, run_dir)
        self._renewed = self._asked = steady()
        self._seconds = self._wanted = seconds
        self._connections = store.database.connections
        self.measure(seconds)

    def measure(self, lease: float) -> None:
        """Set the length of the lease in seconds, which holds from the next renewal."""
        # A longer lease must not be relied on before the server has granted it.
        self._seconds = min(self._seconds, lease)
        self._wanted = lease
        self._store.database.patience = max(_SHORTEST_PATIENCE, self._seconds / 10)

    @property
    def lease_expired(self) -> bool:
        """Whether two thirds of it have passed without an answer."""
        return self.evicted or steady() - self._renewed > self._seconds * _OVER

    @property
    def _is_due(self) -> bool:
        """Whether a renewal is due; after a failed one, only after the same interval again."""
        return steady() - self._asked > min(self._seconds, self._wanted) / _RENEWALS

    def confirm(self, claim: Claim | None) -> bool:
        """Return whether this worker, and `claim` if given, is certainly its own.

        While the lease has not expired, no other worker can have claimed the job. Raises StoreError.
        """
        if not self.lease_expired and (claim is not None or not self._is_due):
            return True
        requested = self._renew(claim)
        return not self.evicted and (claim is None or requested is not None)

    def resync(self) -> list[Claim] | None:
        """Return the claims that the store records for this worker after a connection was lost; else None.

        The reply to a result or to a claim may have been lost with it. Raises StoreError.
        """
        database = self._store.database
        if not database.lost and database.connections == self._connections:
            return None
        recorded = self._claims.take_stock(self._worker)
        self._connections = database.connections
        return recorded

    def mark_stale(self) -> None:
        """Make the next `resync` query the store, as after a lost connection."""
        self._connections = -1

    def poll_cancel(self, claim: Claim, *, rang: bool) -> int | None:
        """Renew the lease when the bell rang and when that is due: the reply names a requested cancel."""
        if rang or self._is_due:
            requested = self._renew(claim)
            self.publish_output(claim)
            return requested
        if self.lease_expired:
            raise StoreUnreachable("the lease has expired")
        return 0

    def tick(self, lease: float) -> float:
        """Return `TICK`, or less for a short lease: the start of its last third must be noticed within it."""
        return min(TICK, lease / 10)

    def renew_if_due(self, claim: Claim | None) -> None:
        """Renew the lease if it is due: a failure of other statements may not affect the renewal."""
        if self._is_due:
            try:
                self._renew(claim)
            except StoreError:
                pass  # already reported by the last store error

    def publish_output(self, claim: Claim) -> None:
        """Send what the job has printed to followers on other hosts."""
        with self.in_time(claim):
            self._sender.send(claim)

    def ended(self, claim: Claim) -> None:
        """Discard the sent output after the job's result was recorded."""
        self._sender.end(claim)

    def _renew(self, claim: Claim | None) -> int | None:
        asked = self._asked = steady()
        with self.in_time(claim):
            standing = self._store.leases.renew(self._worker, claim, lease_ms=round(self._wanted * 1000))
        if standing is None:
            self.evicted = True
            return None
        self._renewed, self._seconds = asked, self._wanted
        self._sender.wanted = standing.watched
        return standing.requested

    @contextmanager
    def in_time(self, claim: Claim | None) -> Iterator[None]:
        """Wait for the server no longer than the lease leaves time for ending the job, if there is one.

        If that moment has already passed, the worker was itself stopped: then it waits as long as `patience` allows for
        the answer whether the job is still its own.
        """
        moment = self._renewed + self._seconds * _DEADLINE
        self._store.database.deadline = moment if claim is not None and steady() < moment else None
        try:
            yield
        finally:
            self._store.database.deadline = None


def new_ownership(store: Store, claims: Claims, worker: str, *, run_dir: RunDir, lease: float) -> Ownership:
    """Return the ownership for `worker`: by a lease of so many seconds if hosts may share `store`, else by lock."""
    if store.database.remote:
        return LeaseOwnership(store, claims, worker, run_dir=run_dir, seconds=lease)
    return LockOwnership(store, claims, worker)


def give_back(ownership: Ownership, claims: Claims, worker: str, *, backoff: Backoff, random: Random, now: int) -> None:
    """Release claims whose reply was lost, so that `worker` never started them. Raises StoreError."""
    for claim in ownership.resync() or ():
        result = Result(outcome=Outcome.RELEASED, duration_ms=0)
        claims.finish(claim, worker, result, backoff=backoff, random=random, now=now)
