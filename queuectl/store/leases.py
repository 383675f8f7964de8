"""Liveness of workers where several hosts share a store: leases, by the server's clock alone.

A worker renews its lease every few seconds. Once the lease has expired, any steward may write the worker off, which
also ends its attempts, in the same transaction. After that the worker can renew nothing, and its writes have no effect.
"""

from __future__ import annotations

from queuectl.domain.attempt import NOTHING, Outcome, Output, Result
from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from random import Random

    from queuectl.domain.backoff import Backoff
    from queuectl.store.claims import Claims
    from queuectl.store.database import Database
    from queuectl.store.events import Events
    from queuectl.store.rows import Claim


@record
class Standing:
    """What a worker learns when it renews its lease."""

    requested: int | None
    """The signal that a cancel of its job asked for, 0 for none; None when the job is not its own any more."""
    watched: bool
    """Whether the job's output is being watched on another host."""


@record
class WrittenOff:
    """A worker whose lease had expired, and its jobs."""

    worker: str
    host: str
    pid: int
    jobs: tuple[str, ...]
    queues: tuple[str, ...]
    """Queues in which jobs are ready again."""


class _Locked(Exception):
    """Another session has locked a job."""


class Leases:
    """The leases of a store that several hosts use."""

    def __init__(self, database: Database, events: Events) -> None:
        """Work in `database`; record dead workers in `events`."""
        self._database = database
        self._events = events

    def renew(self, worker: str, claim: Claim | None, *, lease_ms: int) -> Standing | None:
        """Renew a worker's lease; None for a worker that was written off."""
        rows = self._database.rows(
            "renew_worker",
            worker=worker,
            lease=lease_ms,
            seq=None if claim is None else claim.seq,
            fence=None if claim is None else claim.fence,
        )
        return Standing(requested=rows[0][0], watched=rows[0][1]) if rows else None

    def renew_pool(self, pool: str, *, lease_ms: int) -> None:
        """Renew a pool's lease, which others display. Expiry has no effect on the pool's jobs."""
        self._database.run("renew_pool", id=pool, lease=lease_ms)

    def take_chore(self, name: str, *, every_ms: int) -> bool:
        """Return True if the caller is to do the chore `name` now: one steward of all, at most every `every_ms`."""
        return bool(self._database.rows("take_chore", name=name, every=every_ms))

    def expired(self) -> list[str]:
        """Return the workers whose leases have expired."""
        return [id_ for (id_,) in self._database.rows("expired_workers")]

    def write_off(
        self, worker: str, claims: Claims, *, backoff: Backoff, random: Random, now: int
    ) -> WrittenOff | None:
        """Write off a worker whose lease has expired: record its attempts as lost and put its jobs back.

        None if it has renewed the lease, another steward was faster, or a job is locked; the next call retries.
        """
        try:
            return self._try_write_off(worker, claims, backoff=backoff, random=random, now=now)
        except _Locked:
            return None

    def _try_write_off(
        self, worker: str, claims: Claims, *, backoff: Backoff, random: Random, now: int
    ) -> WrittenOff | None:
        with self._database.transaction():
            rows = self._database.rows("write_off_worker", id=worker, now=now)
            if not rows:
                return None
            ((host, pid),) = rows
            held = claims.held_by(worker)
            if len(self._database.rows("lock_processing_of", worker=worker)) < len(held):
                # Another session has locked one of them: give up, so that other workers' jobs are put back meanwhile.
                raise _Locked
            for claim in held:
                stdout, stderr = self._last_output(claim)
                result = Result(
                    outcome=Outcome.LOST,
                    duration_ms=max(0, now - claims.started_at(claim)),
                    error=f"host {host} did not renew its lease in time",
                    stdout=stdout,
                    stderr=stderr,
                )
                claims.record(claim, worker, result, backoff=backoff, random=random, now=now)
            self._events.note(now, "worker_died", worker, ", ".join(claim.id for claim in held) or None)
        return WrittenOff(
            worker=worker,
            host=host,
            pid=pid,
            jobs=tuple(claim.id for claim in held),
            queues=tuple(dict.fromkeys(claim.queue for claim in held)),
        )

    def _last_output(self, claim: Claim) -> tuple[Output, Output]:
        """Return the output that was sent to watchers before the host stopped responding."""
        sent = {
            stream: Output(head=b"", tail=tail, total=total)
            for stream, total, tail in self._database.rows("sent_outputs", job=claim.seq, fence=claim.fence)
        }
        return sent.get(1, NOTHING), sent.get(2, NOTHING)
