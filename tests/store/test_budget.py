"""Attempts, losses and retries of a job fit its state, also where two actions meet. Both were found by the model."""

from __future__ import annotations

import pytest

from queuectl.domain.attempt import Outcome
from queuectl.domain.errors import Refused
from queuectl.domain.job import JobState
from tests.support.store_driver import Stage


def test_a_job_that_is_cancelled_while_it_is_lost_for_the_third_time_is_cancelled_without_losses(stage: Stage):
    stage.enqueue("a")
    stage.run(Outcome.LOST)
    stage.run(Outcome.LOST)
    claim = stage.take()
    stage.store.jobs.cancel("a", signal=15, now=stage.now)

    assert stage.finish(claim, Outcome.LOST) is JobState.CANCELLED

    assert stage.store.jobs.get("a").job.losses == 0


@pytest.mark.parametrize("retries", [0, 5])
def test_a_retry_is_not_undone_when_the_number_of_retries_was_changed_since(stage: Stage, retries: int):
    stage.enqueue("a", max_retries=1)
    stage.run(Outcome.EXIT)
    stage.run(Outcome.EXIT)
    with stage.store.undo.keeping("retry", now=stage.now) as kept:
        stage.store.jobs.retry(["a"], now=stage.now)
    stage.store.edits.edit("a", {"max_retries": retries}, requeue=False, now=stage.now)

    with pytest.raises(Refused, match="its retries have been changed since"):
        stage.store.undo.take_back(kept.id, now=stage.now)

    assert stage.store.jobs.state("a") is JobState.PENDING
