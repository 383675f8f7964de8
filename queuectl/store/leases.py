"""Who lives, where workers of several hosts share a store: leases, by the server's clock alone.

A worker renews its lease every few seconds. Once it has run out anybody may write the worker off, which takes away
what it held in the same transaction; from then on it can renew nothing, and nothing that it writes counts.
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
    """The signal that a cancel of its job asked for, 0 for none; None when the job is not its own."""
    watched: bool
    """Whether somebody on another host looks at what the job prints."""


@record
class WrittenOff:
    """A worker whose lease had run out, and what was taken from it."""

    worker: str
    host: str
    pid: int
    jobs: tuple[str, ...]
    queues: tuple[str, ...]
    """In which jobs are ready again."""


class _Locked(Exception):
    """A job is locked by another session."""


class Leases:
    """The leases of a store that several hosts use."""

    def __init__(self, database: Database, events: Events) -> None:
        """Keep them in `database`."""
        self._database = database
        self._events = events

    def renew(self, worker: str, claim: Claim | None, *, lease_ms: int) -> Standing | None:
        """Live on for another lease; None for a worker that was written off."""
        rows = self._database.rows(
            "renew_worker",
            worker=worker,
            lease=lease_ms,
            seq=None if claim is None else claim.seq,
            fence=None if claim is None else claim.fence,
        )
        return Standing(requested=rows[0][0], watched=rows[0][1]) if rows else None

    def renew_pool(self, pool: str, *, lease_ms: int) -> None:
        """Let others see that a pool lives. Nothing is taken from one that does not."""
        self._database.run("renew_pool", id=pool, lease=lease_ms)

    def take_chore(self, name: str, *, every_ms: int) -> bool:
        """Whether it is the caller's turn to do what one steward of all does, and not more often than that."""
        return bool(self._database.rows("take_chore", name=name, every=every_ms))

    def expired(self) -> list[str]:
        """The workers whose leases have run out."""
        return [id_ for (id_,) in self._database.rows("expired_workers")]

    def write_off(
        self, worker: str, claims: Claims, *, backoff: Backoff, random: Random, now: int
    ) -> WrittenOff | None:
        """Take what a worker held whose lease has run out.

        None if it has renewed it, another steward was faster, or one of its jobs is locked: then the next look does it.
        """
        try:
            return self._written_off(worker, claims, backoff=backoff, random=random, now=now)
        except _Locked:
            return None

    def _written_off(
        self, worker: str, claims: Claims, *, backoff: Backoff, random: Random, now: int
    ) -> WrittenOff | None:
        with self._database.transaction():
            rows = self._database.rows("write_off_worker", id=worker, now=now)
            if not rows:
                return None
            ((host, pid),) = rows
            held = claims.held_by(worker)
            if len(self._database.rows("lock_processing_of", worker=worker)) < len(held):
                # Another session has locked one of them: the jobs of other workers must be put back all the same.
                raise _Locked
            for claim in held:
                stdout, stderr = self._last_heard(claim)
                result = Result(
                    outcome=Outcome.LOST,
                    duration_ms=max(0, now - claims.started_at(claim)),
                    error=f"host {host} was not heard of for longer than the lease",
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

    def _last_heard(self, claim: Claim) -> tuple[Output, Output]:
        """What somebody had been looking at when the host fell silent."""
        sent = {
            stream: Output(head=b"", tail=tail, total=total)
            for stream, total, tail in self._database.rows("sent_outputs", job=claim.seq, fence=claim.fence)
        }
        return sent.get(1, NOTHING), sent.get(2, NOTHING)
