"""Exchanges: several results recorded, claims withdrawn and jobs claimed in one transaction."""

from __future__ import annotations

import random

import pytest

from queuectl.domain.attempt import NOTHING, Outcome, Result
from queuectl.domain.errors import StoreError
from queuectl.domain.job import JobState, NewJob
from tests.support.store_driver import BACKOFF, Stage, printed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.store.claims import Claims, Exchanged
    from queuectl.store.rows import Claim


def success(out: str = "", err: str = "") -> Result:
    streams = (printed(text) if text else NOTHING for text in (out, err))
    return Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0, stdout=next(streams), stderr=next(streams))


def failure(outcome: Outcome = Outcome.EXIT) -> Result:
    return Result(outcome=outcome, duration_ms=1, exit_code=1)


def exchange(
    stage: Stage,
    *ended: tuple[Claim, Result],
    withdrawn: Sequence[Claim] = (),
    most: int = 0,
    claims: Claims | None = None,
) -> Exchanged:
    return (claims or stage.store.claims()).exchange(
        ended, "w", withdrawn=withdrawn, most=most, backoff=BACKOFF, random=random.Random(1), now=stage.now
    )


def claim_several(stage: Stage, number: int) -> list[Claim]:
    claims = list(exchange(stage, most=number).claims)
    assert len(claims) == number
    return claims


def test_several_results_are_recorded_with_their_output(stage: Stage):
    stage.enqueue("a", "b", "c")
    a, b, c = claim_several(stage, 3)
    stage.now += 5

    exchanged = exchange(stage, (a, success("out a")), (b, success()), (c, success("", "err c")))

    assert exchanged.states == (JobState.COMPLETED,) * 3
    assert exchanged.claims == ()
    texts = {
        claim.id: [output.head.decode() for output in stage.store.jobs.output(claim.seq, claim.fence)]
        for claim in (a, b, c)
    }
    assert texts == {"a": ["out a", ""], "b": ["", ""], "c": ["", "err c"]}
    assert [(run.outcome, run.duration_ms, run.exit_code) for run in stage.store.jobs.attempts(a.seq)] == [
        (Outcome.SUCCESS, 1, 0)
    ]
    stage.check()


def test_claims_come_in_the_order_in_which_the_jobs_are_due(stage: Stage):
    stage.enqueue(
        *(NewJob(command="true", id=f"{priority}-{n}", priority=priority) for priority in (0, 5) for n in (1, 2))
    )

    assert [claim.id for claim in exchange(stage, most=3).claims] == ["5-1", "5-2", "0-1"]
    assert [claim.id for claim in exchange(stage, most=3).claims] == ["0-2"]
    stage.check()


@pytest.mark.parametrize("result", [success("late"), failure()], ids=["one statement", "several"])
def test_of_several_results_only_that_of_a_lost_attempt_is_left_out(stage: Stage, result: Result):
    stage.enqueue("a", "b", "c")
    a, b = claim_several(stage, 2)
    stage.finish(a, Outcome.LOST, worker="w")

    exchanged = exchange(stage, (a, result), (b, success()), most=1)

    assert exchanged.states == (None, JobState.COMPLETED)
    assert [claim.id for claim in exchanged.claims] == ["a"], "it was put back, and its place in the queue is the first"
    stage.check()


def test_a_failure_among_successes_is_retried(stage: Stage):
    stage.enqueue("a", "b", "c")
    a, b = claim_several(stage, 2)

    exchanged = exchange(stage, (a, failure()), (b, success()), most=4)

    assert exchanged.states == (JobState.FAILED, JobState.COMPLETED)
    assert [claim.id for claim in exchanged.claims] == ["c"]
    stage.check()


def test_a_withdrawn_claim_leaves_no_trace(stage: Stage):
    stage.enqueue("a", "b")
    before = stage.store.jobs.get("b").job
    a, b = claim_several(stage, 2)

    exchange(stage, (a, success()), withdrawn=[b])

    after = stage.store.jobs.get("b").job
    assert after == before
    assert stage.store.jobs.attempts(b.seq) == []
    assert stage.counts() == {"completed": 1, "pending": 1}
    stage.check()
    again = stage.take()
    assert (again.id, again.fence, again.attempts) == ("b", b.fence, b.attempts)


def test_a_withdrawn_retry_waits_for_its_retry_again(stage: Stage):
    stage.enqueue("a", "b")
    stage.finish(stage.take(), Outcome.EXIT)
    stage.now += 60_000
    before = stage.store.jobs.get("a").job
    b, a = claim_several(stage, 2)
    assert (a.id, a.fence) == ("a", 2)

    exchange(stage, (b, success()), withdrawn=[a])

    after = stage.store.jobs.get("a").job
    assert (after.state, after.attempts, after.fence, after.run_at) == (JobState.FAILED, 1, 1, before.run_at)
    assert [run.attempt for run in stage.store.jobs.attempts(a.seq)] == [1]
    stage.check()


def test_a_withdrawn_job_can_be_claimed_in_the_same_transaction(stage: Stage):
    stage.enqueue("a", "b", "c")
    a, b, c = claim_several(stage, 3)

    exchanged = exchange(stage, (a, success()), withdrawn=[b, c], most=1)

    assert [claim.id for claim in exchanged.claims] == ["b"]
    assert stage.store.jobs.get("c").job.state is JobState.PENDING
    stage.check()


def test_a_withdrawn_job_whose_cancel_was_requested_is_cancelled(stage: Stage):
    stage.enqueue("a", "b")
    _, b = claim_several(stage, 2)
    stage.store.jobs.cancel("b", signal=15, now=stage.now)

    exchanged = exchange(stage, withdrawn=[b])

    assert [claim.id for claim in exchanged.cancelled] == ["b"]
    assert stage.store.jobs.get("b").job.state is JobState.CANCELLED
    stage.check()


def test_a_claim_that_is_lost_cannot_be_withdrawn(stage: Stage):
    stage.enqueue("a")
    (lost,) = claim_several(stage, 1)
    stage.finish(lost, Outcome.LOST, worker="w")
    stage.add("other")
    held = stage.take("other")

    exchange(stage, withdrawn=[lost])

    job = stage.store.jobs.get("a").job
    assert (job.owner, job.fence) == ("other", held.fence)
    stage.check()


def test_a_claim_withdrawn_by_one_worker_is_anothers_with_the_same_fence(stage: Stage):
    stage.enqueue("a")
    (withdrawn,) = claim_several(stage, 1)
    exchange(stage, withdrawn=[withdrawn])
    stage.add("other")
    held = stage.take("other")
    assert held.fence == withdrawn.fence

    assert exchange(stage, (withdrawn, success())).states == (None,)

    assert stage.store.jobs.get("a").job.owner == "other"
    assert stage.finish(held, worker="other") is JobState.COMPLETED
    stage.check()


def test_nothing_of_an_exchange_is_done_if_one_part_fails(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    stage.enqueue("a", "b", "c")
    a, b = claim_several(stage, 2)
    claims = stage.store.claims(["default"])

    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(claims, "_take_up_to", fail)
    with pytest.raises(StoreError):
        exchange(stage, (a, success()), withdrawn=[b], most=1, claims=claims)

    assert {stage.store.jobs.get(id_).job.state for id_ in ("a", "b")} == {JobState.PROCESSING}
    stage.check()
