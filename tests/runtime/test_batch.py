"""Batches: how many short jobs a worker claims together, and which results may wait for the next ones."""

from __future__ import annotations

import pytest

from queuectl.domain.attempt import Outcome, Output, Result
from queuectl.domain.record import replace
from queuectl.runtime import batch as module
from queuectl.runtime.batch import MOST, NEVER, WINDOW, Batch
from queuectl.store.rows import Claim

SUCCESS = Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0)


def claim(seq: int) -> Claim:
    return Claim(
        seq=seq, id=f"job{seq}", command="true", queue="default", attempts=1, max_retries=0, losses=0, timeout_ms=None,
        run_at=0, fence=1, cwd=None, env=(),
    )  # fmt: skip


class Clock:
    """The monotonic clock, which only the test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def run_batch(batch: Batch, clock: Clock, jobs: int, *, wanted: int, seconds: float) -> int:
    """Run a batch of jobs that take so many seconds each; return the size of the next one."""
    batch.begin([claim(each) for each in range(jobs)], wanted=wanted)
    for _ in range(jobs):
        batch.take()
        clock.now += seconds
    return batch.next_size()


def test_batches_of_short_jobs_grow_to_the_largest_one(clock: Clock):
    batch, sizes = Batch(), [1]
    for _ in range(5):
        sizes.append(run_batch(batch, clock, sizes[-1], wanted=sizes[-1], seconds=0.001))

    assert sizes == [1, 2, 4, MOST, MOST, MOST]


@pytest.mark.parametrize(("seconds", "size"), [(0.008, 6), (0.016, 3), (0.026, 1), (5, 1)])
def test_the_jobs_of_a_batch_fit_into_its_window(clock: Clock, seconds: float, size: int):
    assert run_batch(Batch(), clock, MOST, wanted=MOST, seconds=seconds) == size


def test_a_worker_that_found_fewer_jobs_than_it_asked_for_claims_one(clock: Clock):
    assert run_batch(Batch(), clock, 3, wanted=4, seconds=0.001) == 1
    assert run_batch(Batch(), clock, 0, wanted=1, seconds=0.001) == 1


def test_results_wait_only_for_jobs_that_are_ahead(clock: Clock):
    batch = Batch()
    batch.begin([claim(1), claim(2)], wanted=2)
    batch.take()
    assert batch.may_wait(SUCCESS)
    batch.take()
    assert not batch.may_wait(SUCCESS)


@pytest.mark.parametrize(
    "result",
    [
        Result(outcome=Outcome.EXIT, duration_ms=1, exit_code=1),
        Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0, error="unkillable: pids 7"),
        Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0, stdout=Output(head=b"", tail=b"", total=20_000)),
    ],
    ids=["failure", "error", "much output"],
)
def test_results_that_others_wait_for_or_that_take_memory_are_recorded_at_once(clock: Clock, result: Result):
    batch = Batch()
    batch.begin([claim(1), claim(2)], wanted=2)
    batch.take()
    assert not batch.may_wait(result)


def test_a_batch_is_over_once_its_window_has_passed_and_never_due_when_it_is_settled(clock: Clock):
    batch = Batch()
    assert batch.due_at == NEVER
    batch.begin([claim(1), claim(2)], wanted=2)
    batch.take()
    assert batch.due_at == clock.now + WINDOW

    clock.now += WINDOW
    assert not batch.may_wait(SUCCESS)
    batch.postpone(3)
    assert batch.due_at == clock.now + 3
    assert not batch.may_wait(SUCCESS), "the next job is not started before it is settled"

    batch.ahead.clear()
    assert batch.is_settled
    assert batch.due_at == NEVER


def test_a_batch_that_is_hurried_is_over_at_once(clock: Clock):
    batch = Batch()
    batch.begin([claim(1), claim(2)], wanted=2)
    batch.take()
    batch.hurry()
    assert not batch.may_wait(SUCCESS)


@pytest.mark.parametrize("risky", [{"losses": 1}, {"cwd": "/mnt"}])
def test_a_job_that_may_end_or_block_its_worker_endangers_the_others(clock: Clock, risky: dict[str, object]):
    def endangered(ended: int, ahead: list[Claim]) -> bool:
        batch = Batch()
        batch.begin([claim(0), *ahead], wanted=9)
        first = batch.take()
        batch.ended += [(first, SUCCESS)] * ended
        return batch.endangers_others

    one = replace(claim(1), **risky)
    assert endangered(1, [one]), "a result is not recorded"
    assert endangered(0, [one, claim(2)]), "it would hold back what follows"
    assert not endangered(0, [one]), "it is alone"
    assert not endangered(1, [claim(1), one]), "it is not the next one"


def test_jobs_in_changing_directories_are_claimed_one_by_one(clock: Clock):
    batch = Batch()
    for directory in ("/a", "/b", "/a"):
        batch.begin([replace(claim(1), cwd=directory)])
        batch.take()
        clock.now += 0.001
        assert batch.next_size() == 1
    batch.begin([replace(claim(1), cwd="/a")])
    batch.take()
    assert batch.next_size() == 2
