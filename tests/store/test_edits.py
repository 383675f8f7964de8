"""Hold, release, priority and edit: what they change, and what they leave alone."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queuectl.domain.attempt import Outcome
from queuectl.domain.errors import NotFound, Refused, UsageError
from queuectl.domain.job import JobState, NewJob
from tests.support.store_driver import START, Stage

TYPE_CHECKING = False


def test_a_held_job_is_not_claimed_and_a_drain_does_not_wait_for_it(stage: Stage):
    stage.enqueue("a", "b")

    stage.store.edits.hold(["a"], now=stage.now)

    assert stage.run() == "b"
    assert stage.claim() is None
    assert stage.store.claims().next_due() is None
    assert stage.store.claims().left_to_run() == 0
    assert stage.counts() == {"held": 1, "completed": 1}

    assert stage.store.edits.release(["a"], now=stage.now) == ["default"]
    assert stage.run() == "a"


def test_a_released_job_has_its_previous_state_and_due_time(stage: Stage):
    stage.enqueue("failed", "lost", "fresh")
    edits = stage.store.edits
    stage.finish(stage.take(), Outcome.EXIT)
    stage.finish(stage.take(), Outcome.LOST)
    due = stage.store.jobs.get("failed").job.run_at
    everyone = ["failed", "lost", "fresh"]
    before = [stage.store.jobs.get(id_).job for id_ in everyone]

    edits.hold(everyone, now=stage.now)
    edits.release(everyone, now=stage.now)

    assert [stage.store.jobs.get(id_).job for id_ in everyone] == before
    assert [job.state for job in before] == [JobState.FAILED, JobState.PENDING, JobState.PENDING]
    assert due > stage.now


def test_a_job_that_was_retried_by_hand_is_released_as_pending(stage: Stage):
    stage.enqueue("a")
    stage.run(Outcome.EXIT)
    stage.store.jobs.retry(["a"], now=stage.now)

    stage.store.edits.hold(["a"], now=stage.now)
    stage.store.edits.release(["a"], now=stage.now)

    assert stage.store.jobs.state("a") is JobState.PENDING


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(ends=st.lists(st.sampled_from([Outcome.EXIT, Outcome.TIMEOUT, Outcome.RELEASED, Outcome.LOST]), max_size=6))
def test_hold_and_release_leave_a_job_unchanged_after_any_history(stage: Stage, ends: list[Outcome]):
    (id_,) = stage.enqueue(NewJob(command="true"), max_retries=5)
    for end in ends:
        if stage.store.jobs.state(id_) in {JobState.PENDING, JobState.FAILED}:
            stage.run(end)
    before = stage.store.jobs.get(id_).job

    if before.state is not JobState.DEAD:
        stage.store.edits.hold([id_], now=before.updated_at)
        stage.store.edits.release([id_], now=before.updated_at)
        assert stage.store.jobs.get(id_).job == before
        stage.store.jobs.cancel(id_, signal=15, now=stage.now)


def test_a_held_job_can_be_cancelled(stage: Stage):
    stage.enqueue("a")
    stage.store.edits.hold(["a"], now=stage.now)

    stage.store.jobs.cancel("a", signal=15, now=stage.now)

    assert stage.counts() == {"cancelled": 1}


def test_hold_changes_all_jobs_or_none(stage: Stage):
    stage.enqueue("done", "a")
    stage.run()

    with pytest.raises(Refused, match="job done is completed and cannot be held"):
        stage.store.edits.hold(["a", "done"], now=stage.now)
    with pytest.raises(NotFound):
        stage.store.edits.prioritise(["a", "missing"], 5, now=stage.now)

    assert stage.store.jobs.get("a").job.state is JobState.PENDING
    assert stage.store.jobs.get("a").job.priority == 0


def test_a_job_of_higher_priority_is_claimed_first(stage: Stage):
    stage.enqueue("a", "b", "c")

    assert stage.store.edits.prioritise(["c"], 7, now=stage.now) == ["default"]

    assert [stage.run() for _ in range(3)] == ["c", "a", "b"]


def test_an_edit_changes_only_the_given_fields(stage: Stage):
    stage.enqueue(NewJob(command="old", id="a", env=(("A", "1"),), tags=("x",), priority=3))
    before = stage.store.jobs.get("a").job

    stage.store.edits.edit("a", {"command": "new", "queue": "mail", "tags": ()}, requeue=False, now=stage.now)

    after = stage.store.jobs.get("a").job
    assert (after.command, after.queue, after.tags) == ("new", "mail", ())
    assert (after.env, after.priority, after.run_at, after.state) == (before.env, 3, before.run_at, JobState.PENDING)
    assert stage.store.counts() == [("mail", "pending", 1)] or ("mail", "pending", 1) in stage.store.counts()
    assert stage.store.events.events(limit=1)[0].detail == "command, queue, tags"


def test_a_dead_job_is_edited_and_requeued_in_one(stage: Stage):
    stage.enqueue("a", max_retries=0)
    stage.run(Outcome.EXIT)

    stage.store.edits.edit("a", {"command": "true", "max_retries": 2}, requeue=True, now=stage.now)

    job = stage.store.jobs.get("a").job
    assert (job.state, job.attempts, job.max_retries, job.run_at) == (JobState.PENDING, 0, 2, stage.now)
    assert len(stage.store.jobs.attempts(job.seq)) == 1
    assert stage.run() == "a"


def test_a_held_job_is_requeued_with_a_due_time(stage: Stage):
    stage.enqueue("a")
    stage.store.edits.hold(["a"], now=stage.now)

    stage.store.edits.edit("a", {"run_at": START + 60_000}, requeue=True, now=stage.now)

    assert stage.store.jobs.get("a").job.state is JobState.PENDING
    assert stage.store.claims().next_due() == START + 60_000


def test_a_running_job_cannot_be_edited(stage: Stage):
    stage.enqueue("a")
    claim = stage.take()

    with pytest.raises(Refused, match="job a is running and cannot be edited"):
        stage.store.edits.edit("a", {"command": "new"}, requeue=False, now=stage.now)

    stage.finish(claim)


def test_an_edit_without_effect_is_refused(stage: Stage):
    stage.enqueue("failed", "dead", max_retries=3)
    edits = stage.store.edits
    for _ in range(3):
        stage.run(Outcome.EXIT)

    tried = {id_: stage.store.jobs.get(id_).job.attempts for id_ in ("failed", "dead")}
    with pytest.raises(UsageError, match="so max_retries must be at least"):
        edits.edit("failed", {"max_retries": tried["failed"] - 1}, requeue=False, now=stage.now)
    stage.store.jobs.cancel("dead", signal=15, now=stage.now)
    for changes in ({"max_retries": 9}, {"run_at": START + 9}):
        with pytest.raises(UsageError, match="has an effect only if it runs again"):
            edits.edit("dead", changes, requeue=False, now=stage.now)
    edits.edit("failed", {"max_retries": tried["failed"]}, requeue=False, now=stage.now)
