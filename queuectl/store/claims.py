"""Operations of workers on jobs: claim, finish, lose. Every write names the fence of its attempt."""

from __future__ import annotations

import json

from queuectl.domain.attempt import GIVEN_BACK, Outcome, Result
from queuectl.domain.job import JobState
from queuectl.domain.record import record
from queuectl.domain.verdict import verdict
from queuectl.store import successes
from queuectl.store.due_jobs import DueJobs
from queuectl.store.gates import Gates
from queuectl.store.rows import claim_from
from queuectl.store.tallies import Tallies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from random import Random
    from typing import Any

    from queuectl.domain.backoff import Backoff
    from queuectl.store.database import Database
    from queuectl.store.events import Events
    from queuectl.store.rows import Claim
    from queuectl.store.successes import Ended


NOT_STARTED = Result(outcome=Outcome.RELEASED, duration_ms=0)
"""The result of a claim whose job was not started and that leaves a trace: it was cancelled, or its reply lost."""


@record
class Exchanged:
    """What an exchange has done."""

    states: tuple[JobState | None, ...]
    """The new state of the job of each result; None where the job had another owner by now."""
    claims: tuple[Claim, ...]
    """In the order in which they are to run."""
    cancelled: tuple[Claim, ...] = ()
    """Those withdrawn claims whose cancel was requested: their jobs are cancelled."""


class Claims:
    """Claims of one worker, or of a steward that cleans up after a dead one. `queues` empty means every queue."""

    def __init__(
        self, database: Database, events: Events, *, queues: Sequence[str] = (), labels: Sequence[str] = ()
    ) -> None:
        """Claim jobs of `queues` from `database` that need no other labels than `labels`."""
        self._database = database
        self._events = events
        self._jobs = DueJobs(database, queues, labels)
        self._may_be_simple = self._jobs.are_any
        """Whether a claim may be a single statement: any job of any queue that needs no label, and no gate was seen."""
        self._session = 0
        self._tallies = Tallies(database, events)

    def claim(self, worker: str, *, now: int) -> Claim | None:
        """Claim the most urgent due job, or None. One job goes to one caller, however many claim at the same time."""
        if self._database.exclusive and not self._jobs.is_any_due(now, Gates(self._database)):
            # Read first: an idle worker without a due job does not request the write lock.
            return None
        if self._database.compound and self._jobs.are_any:
            with self._database.single_statement():
                rows = self._database.rows("claim_due", worker=worker, session=self._session, now=now)
            # Also while no job is due: whether gates are in use decides how the next results are recorded.
            self._may_be_simple = bool(rows) or not Gates(self._database)
            if rows or self._may_be_simple:
                return claim_from(rows[0]) if rows else None
        if self._database.remote and not self._is_job_due(now):
            return None
        with self._database.transaction():
            return self._take(worker, now) if self._may_claim(worker) else None

    def finish(
        self, claim: Claim, worker: str, result: Result, *, backoff: Backoff, random: Random, now: int
    ) -> JobState | None:
        """Record how an attempt ended; None when the job has another owner by now, and nothing was changed."""
        with self._database.transaction():
            state = self.record(claim, worker, result, backoff=backoff, random=random, now=now)
        self._count_outcome(claim, result, state, now)
        return state

    def exchange(
        self,
        ended: Sequence[Ended],
        worker: str,
        *,
        withdrawn: Sequence[Claim] = (),
        most: int = 1,
        wait: float | None = None,
        backoff: Backoff,
        random: Random,
        now: int,
    ) -> Exchanged:
        """Record how attempts ended, withdraw claims, and claim up to `most` jobs, in one transaction.

        A withdrawn claim was never started: the next claim of its job gets the same fence. `wait` is for how many
        seconds a lock is waited for, if not as long as usual.
        """
        is_plain = not withdrawn and successes.are_plain(ended)
        if is_plain and wait is None and self._database.compound and self._may_be_simple:
            with self._database.single_statement():
                recorded, claims = successes.record_and_claim(
                    self._database, ended, worker, session=self._session, most=most, now=now
                )
            exchanged = Exchanged(states=_completed(ended, recorded), claims=claims)
        else:
            with self._database.transaction(wait=wait):
                may_claim = self._may_claim(worker)
                states, cancelled = self._settle(
                    ended, withdrawn if may_claim else (), worker, backoff=backoff, random=random, now=now
                )
                claims = self._take_up_to(most if may_claim else 0, worker, now)
                exchanged = Exchanged(states=states, claims=claims, cancelled=cancelled)
        for (claim, result), state in zip(ended, exchanged.states, strict=True):
            self._count_outcome(claim, result, state, now)
        for claim in exchanged.cancelled:
            self._count_outcome(claim, NOT_STARTED, JobState.CANCELLED, now)
        return exchanged

    def begun(self, claim: Claim, *, now: int) -> None:
        """Count for the statistics how long a job was due before it began."""
        self._events.count(now, claim.queue, "wait", duration_ms=now - claim.run_at)

    def write_down(self, worker: str, *, completed: int = 0, failed: int = 0, anyway: bool = False) -> None:
        """Write the statistics counted since the last call, and add to the counts of `worker`.

        With `anyway`, write even if there is nothing to add. After an error, counts whose write failed or has an
        unknown outcome must not be passed again: the next call writes them, or finds them written.
        """
        self._tallies.add(worker, completed, failed, anyway=anyway)

    @property
    def owes_a_tally(self) -> bool:
        """Whether the last `write_down` has not succeeded yet."""
        return self._tallies.is_owed

    def cancel_requested(self, claim: Claim, worker: str) -> int | None:
        """Return the signal that a cancel asked for, 0 for none; None when the attempt is no longer `worker`'s."""
        rows = self._database.rows("cancel_requested", seq=claim.seq, fence=claim.fence, worker=worker)
        return rows[0][0] if rows else None

    def held_by(self, worker: str) -> list[Claim]:
        """Return the jobs that `worker` is recorded as running."""
        return [claim_from(row) for row in self._database.rows("processing_of", worker=worker)]

    def take_stock(self, worker: str) -> list[Claim]:
        """Return the claims that `worker` holds, and invalidate any claim sent earlier whose answer was lost."""
        if self._database.remote:
            for (session,) in self._database.rows("renew_session", worker=worker):
                self._session = session
        return self.held_by(worker)

    def _may_claim(self, worker: str) -> bool:
        return not self._database.remote or bool(
            self._database.rows("lock_own_row", worker=worker, session=self._session)
        )

    def has_ended(self, claim: Claim, worker: str) -> JobState | None:
        """Return the state in which the end of `worker`'s attempt left its job; None where another end was recorded.

        For a caller that sent a result and lost the connection before the answer.
        """
        rows = self._database.rows("state_after", seq=claim.seq, fence=claim.fence, worker=worker)
        return JobState(rows[0][0]) if rows else None

    def started_at(self, claim: Claim) -> int:
        """Return the time of the claim, in milliseconds since the epoch."""
        ((started_at,),) = self._database.rows("run_started_at", job=claim.seq, fence=claim.fence)
        return int(started_at)

    def next_due(self) -> int | None:
        """Return when the next job becomes due, in milliseconds since the epoch; in the past if one is due already."""
        return self._jobs.next_due()

    @property
    def awaits_end(self) -> bool:
        """Whether the end of a job may open a queue that was full when `next_due` was called."""
        return self._jobs.awaits_end

    def left_to_run(self) -> int:
        """Return how many jobs a drain waits for."""
        return self._jobs.left_to_run()

    def _is_job_due(self, now: int) -> bool:
        due = self._jobs.next_due()
        return due is not None and due <= now

    def _count_outcome(self, claim: Claim, result: Result, state: JobState | None, now: int) -> None:
        if state is not None:
            self._events.count(now, claim.queue, result.outcome.value, duration_ms=result.duration_ms)

    def _take(self, worker: str, now: int) -> Claim | None:
        return next(iter(self._take_up_to(1, worker, now)), None)

    def _take_up_to(self, most: int, worker: str, now: int) -> tuple[Claim, ...]:
        claims: list[Claim] = []
        while len(claims) < most:
            # A statement finds jobs of one priority, or a single one.
            rows = self._claimed_rows(most - len(claims), worker, now)
            if not rows:
                break
            if not self._database.compound and len(rows) > 1:
                self._database.run("insert_runs", seqs=json.dumps([row[0] for row in rows]), worker=worker)
            elif not self._database.compound:
                self._database.run("insert_run", job=rows[0][0], worker=worker)
            claims += sorted(map(claim_from, rows), key=lambda claim: (claim.run_at, claim.seq))
        return tuple(claims)

    def _claimed_rows(self, most: int, worker: str, now: int) -> list[tuple[Any, ...]]:
        gates = Gates(self._database)
        self._may_be_simple = self._jobs.are_any and not gates
        if not self._jobs.are_simple(now, gates):
            seq = self._jobs.first(now, gates)
            return [] if seq is None else self._database.rows("claim_job", seq=seq, worker=worker, now=now)
        if most > 1 and self._database.exclusive:
            return self._database.rows("claim_several_due", worker=worker, now=now, most=most)
        return self._database.rows("claim_due", worker=worker, session=self._session, now=now)

    def _settle(
        self,
        ended: Sequence[Ended],
        withdrawn: Sequence[Claim],
        worker: str,
        *,
        backoff: Backoff,
        random: Random,
        now: int,
    ) -> tuple[tuple[JobState | None, ...], tuple[Claim, ...]]:
        """Record results and withdraw claims; return the states of the former, and those of the latter cancelled."""
        if len(ended) > 1 and not withdrawn and self._database.exclusive and successes.are_plain(ended):
            return _completed(ended, successes.record(self._database, ended, worker, now=now)), ()
        results = {claim.seq: result for claim, result in ended}
        states: dict[int, JobState | None] = {}
        cancelled: list[Claim] = []
        # In the order of their numbers, as everywhere: rows stay locked.
        for claim in sorted([*(claim for claim, _ in ended), *withdrawn], key=lambda claim: claim.seq):
            result = results.get(claim.seq)
            if result is None:
                if self._database.run("withdraw_job", seq=claim.seq, fence=claim.fence, worker=worker, now=now):
                    continue
                # Its cancel was requested, which takes effect now; or the claim is lost, and nothing changes.
                result = NOT_STARTED
            states[claim.seq] = self.record(claim, worker, result, backoff=backoff, random=random, now=now)
            if result is NOT_STARTED and states[claim.seq] is JobState.CANCELLED:
                cancelled.append(claim)
        return tuple(states[claim.seq] for claim, _ in ended), tuple(cancelled)

    def record(
        self, claim: Claim, worker: str, result: Result, *, backoff: Backoff, random: Random, now: int
    ) -> JobState | None:
        """Record how an attempt ended, within the caller's transaction; None when it is no longer `worker`'s."""
        if not self._database.run(
            "finish_run",
            job=claim.seq,
            fence=claim.fence,
            worker=worker,
            outcome=result.outcome.value,
            now=now,
            duration_ms=result.duration_ms,
            exit_code=result.exit_code,
            signal=result.signal,
            error=result.error,
        ):
            return None
        for stream, output in ((1, result.stdout), (2, result.stderr)):
            if output.total:
                self._database.run(
                    "insert_output",
                    job=claim.seq,
                    fence=claim.fence,
                    stream=stream,
                    head=output.head,
                    tail=output.tail,
                    total=output.total,
                )
        after = verdict(result.outcome, attempts=claim.attempts, max_retries=claim.max_retries, losses=claim.losses)
        if result.outcome is not Outcome.SUCCESS:
            self._sign(claim, result, now)
        run_at = None
        if after.state is JobState.FAILED:
            run_at = now + backoff.milliseconds(after.attempts, random)
        elif result.outcome in GIVEN_BACK:
            # An interrupted attempt keeps its job's place in the queue. `min`: due even if the clock was set back.
            run_at = min(claim.run_at, now)
        ((state,),) = self._database.rows(
            "finish_job",
            seq=claim.seq,
            fence=claim.fence,
            worker=worker,
            state=after.state.value,
            attempts=after.attempts,
            losses=after.losses,
            run_at=run_at,
            now=now,
        )
        return JobState(state)

    def _sign(self, claim: Claim, result: Result, now: int) -> None:
        """Record the error signature while the job is `processing`: at that time no index of dead jobs contains it."""
        # Imported here: regular expressions are needed only by workers that have seen a failure.
        from queuectl.domain.signature import signature

        error = signature(result)
        if error is not None:
            self._database.run("sign_job", seq=claim.seq, fence=claim.fence, signature=error.id)
            self._database.run("count_signature", id=error.id, text=error.text, now=now)


def _completed(ended: Sequence[Ended], recorded: Collection[int]) -> tuple[JobState | None, ...]:
    return tuple(JobState.COMPLETED if claim.seq in recorded else None for claim, _ in ended)
