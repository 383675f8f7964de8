"""Successes of one worker, recorded together: most of what a busy queue writes."""

from __future__ import annotations

import json

from queuectl.domain.attempt import Outcome
from queuectl.store.rows import claim_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from queuectl.domain.attempt import Result
    from queuectl.store.database import Database
    from queuectl.store.rows import Claim

    Ended = tuple[Claim, Result]
    """A claim, and how its attempt ended."""


def are_plain(ended: Sequence[Ended]) -> bool:
    """Return whether all attempts were successes without anything to add, as most are."""
    return all(
        result.outcome is Outcome.SUCCESS and result.exit_code == 0 and result.signal is None and result.error is None
        for _, result in ended
    )


def record(database: Database, ended: Sequence[Ended], worker: str, *, now: int) -> set[int]:
    """Record plain successes in a file, within the caller's transaction; return the numbers of their jobs.

    Jobs of which another worker has an attempt by now are left out. Two statements for all: one for each job and table
    would take 25 µs more of a job's 40.
    """
    given = json.dumps([(claim.seq, claim.fence, result.duration_ms) for claim, result in ended])
    recorded = {seq for (seq,) in database.rows("succeed_runs", ended=given, worker=worker, now=now)}
    for seq, fence, stream, head, tail, total in _outputs(ended):
        if seq in recorded:
            database.run("insert_output", job=seq, fence=fence, stream=stream, head=head, tail=tail, total=total)
    if recorded:
        database.run("succeed_jobs", seqs=json.dumps(sorted(recorded)), worker=worker, now=now)
    return recorded


def record_and_claim(
    database: Database, ended: Sequence[Ended], worker: str, *, session: int, most: int, now: int
) -> tuple[Collection[int], tuple[Claim, ...]]:
    """Record plain successes on a server and claim up to `most` jobs of any queue, in one statement.

    Returns the numbers of the recorded jobs, and the claims.
    """
    if len(ended) == most == 1:
        return _record_and_claim_one(database, *ended[0], worker, session=session, now=now)
    outputs = _outputs(ended)
    out_jobs, out_fences, streams, heads, tails, totals = zip(*outputs, strict=True) if outputs else [()] * 6
    rows = database.rows(
        "succeed_and_claim_several",
        worker=worker,
        session=session,
        now=now,
        most=most,
        jobs=[claim.seq for claim, _ in ended],
        fences=[claim.fence for claim, _ in ended],
        durations=[result.duration_ms for _, result in ended],
        out_jobs=list(out_jobs),
        out_fences=list(out_fences),
        streams=list(streams),
        heads=list(heads),
        tails=list(tails),
        totals=list(totals),
    )
    claimed = sorted(row[1:] for row in rows if row[1] is not None)
    return rows[0][0], tuple(claim_from(row[1:]) for row in claimed)


def _record_and_claim_one(
    database: Database, claim: Claim, result: Result, worker: str, *, session: int, now: int
) -> tuple[Collection[int], tuple[Claim, ...]]:
    ((state, *following),) = database.rows(
        "succeed_and_claim",
        job=claim.seq,
        fence=claim.fence,
        worker=worker,
        session=session,
        now=now,
        attempts=claim.attempts,
        duration_ms=result.duration_ms,
        exit_code=result.exit_code,
        signal=result.signal,
        error=result.error,
        out_head=result.stdout.head,
        out_tail=result.stdout.tail,
        out_total=result.stdout.total,
        err_head=result.stderr.head,
        err_tail=result.stderr.tail,
        err_total=result.stderr.total,
    )
    claims = () if following[0] is None else (claim_from(tuple(following)),)
    return () if state is None else (claim.seq,), claims


def _outputs(ended: Sequence[Ended]) -> list[tuple[int, int, int, bytes, bytes, int]]:
    """Return seq, fence, stream, head, tail and total of each stream that was printed to."""
    return [
        (claim.seq, claim.fence, stream, output.head, output.tail, output.total)
        for claim, result in ended
        for stream, output in ((1, result.stdout), (2, result.stderr))
        if output.total
    ]
