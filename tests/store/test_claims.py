"""Claims: which worker gets which job, when; and a stale worker changes nothing."""

from __future__ import annotations

import itertools
import multiprocessing
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queuectl.domain.attempt import MAX_LOSSES, Outcome, Result
from queuectl.domain.job import JobState, NewJob
from queuectl.store.store import Store
from tests.support.store_driver import BACKOFF, ON_SQLITE, START, Stage, finish_and_claim, printed, steps_of
from tests.support.waiting import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.store.conftest import OpenStore

numbers = itertools.count(1)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(jobs=st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 5)), min_size=1, max_size=15))
def test_jobs_are_claimed_by_priority_then_by_due_time_then_by_age(stage: Stage, jobs: list[tuple[int, int]]):
    ids = stage.enqueue(*(NewJob(command="true", priority=priority, run_at=START + delay) for priority, delay in jobs))
    stage.now = START + 5
    order = sorted(zip(ids, jobs, strict=True), key=lambda each: (-each[1][0], each[1][1], int(each[0])))

    claimed = [stage.run() for _ in jobs]

    assert claimed == [id_ for id_, _ in order]
    assert stage.claim() is None


def test_a_job_is_not_claimed_before_it_is_due(stage: Stage):
    stage.enqueue(NewJob(command="true", id="later", delay_ms=1000), NewJob(command="true", id="now", priority=-1))

    assert stage.run() == "now"
    assert stage.claim() is None
    assert stage.store.claims().next_due() == START + 1000
    stage.now = START + 1000
    assert stage.run() == "later"
    assert stage.store.claims().next_due() is None


def test_a_worker_of_some_queues_takes_the_most_urgent_of_theirs(stage: Stage):
    for id_, queue, priority in (("a", "one", 0), ("b", "two", 5), ("c", "three", 9), ("d", "one", 7)):
        stage.enqueue(NewJob(command="true", id=id_, queue=queue, priority=priority))

    claimed = [stage.claim("w", "one", "two") for _ in range(4)]

    assert [claim.id if claim else None for claim in claimed] == ["d", "b", "a", None]
    assert stage.store.claims(["three"]).left_to_run() == 1
    for claim in claimed:
        if claim:
            stage.finish(claim)


def test_a_failed_job_waits_longer_each_time_and_is_dead_after_its_last_retry(stage: Stage):
    stage.enqueue("a", max_retries=2)
    waits = []
    for _ in range(3):
        stage.run(Outcome.EXIT)
        waits.append(stage.store.jobs.get("a").job.run_at - stage.now)

    assert waits[:2] == [500, 1000]
    assert stage.store.jobs.state("a") is JobState.DEAD
    assert [attempt.attempt for attempt in stage.store.jobs.attempts(1)] == [1, 2, 3]


@pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.RELEASED])
def test_lost_and_released_attempts_do_not_count(stage: Stage, outcome: Outcome):
    stage.enqueue("a", max_retries=0)

    stage.run(outcome)

    assert stage.store.jobs.get("a").job.attempts == 0
    assert stage.run() == "a"


@pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.RELEASED])
def test_lost_and_released_jobs_keep_their_due_time(stage: Stage, outcome: Outcome):
    stage.enqueue("a", "b")
    due = stage.store.jobs.get("a").job.run_at

    stage.run(outcome)

    assert stage.store.jobs.get("a").job.run_at == due
    assert stage.run() == "a"


def test_a_claim_after_a_lock_wait_starts_after_the_end_of_the_previous_attempt(stage: Stage):
    stage.enqueue("a")
    lost = stage.take()
    looked_at = stage.now
    stage.now += 150
    stage.finish(lost, Outcome.LOST)

    assert stage.store.claims().claim("w", now=looked_at) is not None
    before, after = stage.store.jobs.attempts(1)
    assert (before.ended_at, after.started_at) == (stage.now, stage.now)


def test_a_job_lost_three_times_in_a_row_is_dead(stage: Stage):
    stage.enqueue("a")
    for _ in range(MAX_LOSSES):
        assert stage.store.jobs.state("a") is JobState.PENDING
        stage.run(Outcome.LOST)

    assert stage.store.jobs.state("a") is JobState.DEAD


def test_a_retry_by_hand_starts_the_budget_anew_and_keeps_the_history(stage: Stage):
    stage.enqueue("a", max_retries=0)
    stage.run(Outcome.EXIT)

    assert stage.store.jobs.retry(["a"], now=stage.now, dead_only=True) == ["default"]
    stage.run(Outcome.SUCCESS)

    job = stage.store.jobs.get("a").job
    assert (job.state, job.attempts, job.fence) == (JobState.COMPLETED, 1, 2)
    assert [attempt.outcome for attempt in stage.store.jobs.attempts(1)] == [Outcome.EXIT, Outcome.SUCCESS]


def test_a_stale_worker_changes_nothing(stage: Stage):
    stage.add("other")
    stage.enqueue("a")
    late = stage.take()
    stage.finish(late, Outcome.LOST)
    again = stage.take("other")
    before = stage.store.jobs.get("a")

    assert stage.finish(late, Outcome.SUCCESS, out="late") is None
    assert stage.finish(late, Outcome.EXIT) is None
    assert stage.finish(again, Outcome.SUCCESS, worker="w") is None, "it is not that worker's"
    assert stage.store.claims().cancel_requested(late, "w") is None

    assert stage.store.jobs.get("a") == before
    assert stage.finish(again, Outcome.SUCCESS, worker="other") is JobState.COMPLETED
    assert stage.finish(again, Outcome.SUCCESS, worker="other") is None, "its end is recorded already"
    assert stage.store.jobs.output(1, 1)[0].total == 0


def test_a_job_with_a_requested_cancel_is_not_retried(stage: Stage):
    stage.enqueue("a", "b")
    first, second = stage.take(), stage.take()
    assert stage.store.jobs.cancel("a", signal=2, now=stage.now) == (["w"], 0)
    stage.store.jobs.cancel("b", signal=15, now=stage.now)

    assert stage.store.claims().cancel_requested(first, "w") == 2
    assert stage.finish(first, Outcome.EXIT) is JobState.CANCELLED
    assert stage.finish(second, Outcome.SUCCESS) is JobState.COMPLETED, "it was faster"


def test_a_result_and_the_next_claim_are_one_transaction(stage: Stage):
    stage.enqueue("a", "b")
    claim = stage.take()
    result = Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0)

    state, following = finish_and_claim(stage.store.claims(), claim, "w", result, now=stage.now)

    assert (state, following and following.id) == (JobState.COMPLETED, "b")
    assert following
    stage.finish(following)


def test_a_stale_attempt_is_not_recorded_and_the_next_job_is_claimed(stage: Stage):
    stage.enqueue("a", "b")
    stale = stage.take()
    stage.finish(stale, Outcome.LOST, worker="w")
    stage.add("other")
    again = stage.take("other")
    result = Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0, stdout=printed("too late"))

    state, following = finish_and_claim(stage.store.claims(), stale, "w", result, now=stage.now)

    assert (state, following and following.id) == (None, "b")
    assert stage.store.jobs.get("a").job.owner == "other"
    assert [output.total for fence in (1, 2) for output in stage.store.jobs.output(again.seq, fence)] == [0] * 4
    assert following
    stage.finish(following)
    stage.finish(again, worker="other")


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize(("queues", "labels"), [((), ()), (("default",), ()), ((), ("gpu",))])
def test_finish_and_claim_writes_the_same_rows_as_finish(
    new_store: Callable[[], Store], outcome: Outcome, queues: tuple[str, ...], labels: tuple[str, ...]
):
    def left(*, together: bool) -> list[object]:
        stage = Stage(new_store(), "w")
        stage.enqueue("a", "b", NewJob(command="true", id="c", needs=("gpu",)), max_retries=1)
        claim = stage.take("w")
        stage.store.jobs.cancel("b", signal=15, now=stage.now)
        stage.now += 5
        result = Result(
            outcome=outcome,
            duration_ms=5,
            exit_code=3,
            signal=9,
            error="reported",
            stdout=printed("out"),
            stderr=printed("no such host"),
        )
        claims, rng = stage.store.claims(queues, labels), random.Random(1)
        if together:
            state, following = finish_and_claim(claims, claim, "w", result, now=stage.now)
        else:
            state = claims.finish(claim, "w", result, backoff=BACKOFF, random=rng, now=stage.now)
            following = claims.claim("w", now=stage.now)
        found: list[object] = [state, following, stage.store.jobs.get("a").job, stage.store.jobs.attempts(claim.seq)]
        found += [stage.store.jobs.output(claim.seq, 1), sorted(stage.counts().items())]
        stage.check()
        stage.store.close()
        return found

    assert left(together=True) == left(together=False)


def claim_all(open_store: OpenStore, worker: str, start, results) -> None:
    stage = Stage.__new__(Stage)
    stage.store, stage.now = open_store(), START
    stage.add(worker)
    start.wait()
    mine = []
    while claim := stage.claim(worker):
        mine.append(claim.id)
        stage.finish(claim, worker=worker)
    stage.store.close()
    results.put(mine)


def test_eight_processes_at_once_never_share_a_job(open_store: OpenStore):
    context = multiprocessing.get_context("fork")
    start, results = context.Event(), context.Queue()
    processes = [
        context.Process(target=claim_all, args=(open_store, f"w{number}", start, results)) for number in range(8)
    ]
    # No connection crosses the fork: the store is opened and closed before.
    store = open_store()
    Stage(store, "w").enqueue(*(f"job{number}" for number in range(400)))
    store.close()
    for process in processes:
        process.start()
    start.set()
    claimed = [results.get(timeout=PATIENCE) for _ in processes]
    for process in processes:
        process.join()

    everyone = [id_ for mine in claimed for id_ in mine]
    assert sorted(everyone) == sorted(f"job{number}" for number in range(400))
    store = open_store()
    stage = Stage.__new__(Stage)
    stage.store = store
    assert stage.counts() == {"completed": 400}
    stage.check()
    store.close()


@ON_SQLITE
def test_jobs_not_due_yet_add_few_steps_to_a_claim(stage: Stage):
    def claim() -> None:
        stage.store.claims().claim("w", now=START)

    alone = steps_of(stage.store, claim)
    for priority in (-5, 0, 5):
        later = NewJob(command="true", priority=priority, delay_ms=3_600_000)
        stage.enqueue(*[later] * 5000)

    # A few for each priority, none for a job.
    assert steps_of(stage.store, claim) < alone + 1000


def test_of_several_queues_the_job_that_has_been_due_longest_is_taken(stage: Stage):
    later = NewJob(command="true", id="older, but due later", queue="a", run_at=stage.now + 2000)
    stage.enqueue(later, NewJob(command="true", id="due first", queue="b", run_at=stage.now + 1000))
    stage.now += 5000

    claim = stage.claim("w", "a", "b")

    assert claim is not None
    assert claim.id == "due first"
