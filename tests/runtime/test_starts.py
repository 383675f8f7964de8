"""Start refusals: when the worker claims again, and whether the job or the machine is the cause."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from queuectl.domain.attempt import Outcome, Result
from queuectl.runtime import process
from queuectl.runtime.locks import AttemptLock
from queuectl.runtime.log import Log
from queuectl.runtime.starts import Starts
from queuectl.store.rows import Claim

REFUSED = Result(outcome=Outcome.RELEASED, duration_ms=1, error="not started: File too large", refused=True)
STARTED = Result(outcome=Outcome.EXIT, duration_ms=1, exit_code=1)


def claim(seq: int) -> Claim:
    return Claim(
        seq=seq, id=f"job{seq}", command="true", queue="default", attempts=1, max_retries=0, losses=0, timeout_ms=None,
        run_at=0, fence=1, cwd=None, env=(),
    )  # fmt: skip


@pytest.fixture
def starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Starts:
    # Processes that other tests fork must not inherit the descriptors of the first start.
    monkeypatch.setattr(process, "_null", -1)
    return Starts(Log("w"), AttemptLock(str(tmp_path / "lock")), dict(os.environb))


def refuse_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    def spawn(*_: object, **__: object) -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "posix_spawn", spawn)


def pauses(starts: Starts, *claims: Claim) -> list[float | None]:
    """Return how long each refusal makes the worker wait, when the trial after it succeeds."""
    found = []
    for each in claims:
        starts.judge(REFUSED, each)
        found.append(starts.pause)
        starts.try_again()
        assert starts.pause is None
    return found


def test_refusals_between_good_trials_make_the_worker_wait_longer_and_longer_until_a_job_has_started(starts: Starts):
    assert pauses(starts, *map(claim, range(4))) == [0.1, 0.2, 0.4, 0.8]

    starts.judge(STARTED, claim(9))

    assert pauses(starts, claim(10)) == [0.1]


def test_a_job_that_is_refused_time_and_again_between_good_trials_is_refused_by_its_own_fault(starts: Starts):
    # Others are refused in between, and start.
    for _ in range(3):
        pauses(starts, claim(1), claim(2))
        starts.judge(STARTED, claim(3))

    result = starts.judge(REFUSED, claim(1))

    assert (result.outcome, result.refused, result.error) == (
        Outcome.SPAWN_ERROR, False, "cannot start: File too large",
    )  # fmt: skip
    assert starts.pause is None
    # Its next attempt is judged anew.
    assert starts.judge(REFUSED, claim(1)) == REFUSED


def test_a_start_ends_the_count_of_a_jobs_refusals(starts: Starts):
    pauses(starts, *[claim(1)] * 3)
    starts.judge(STARTED, claim(1))

    assert starts.judge(REFUSED, claim(1)) == REFUSED


def test_while_the_machine_refuses_trials_too_no_refusal_is_a_jobs_fault(
    starts: Starts, monkeypatch: pytest.MonkeyPatch
):
    refuse_everything(monkeypatch)

    for _ in range(10):
        assert starts.judge(REFUSED, claim(1)) == REFUSED
        starts.try_again()
        assert starts.pause is not None
    assert starts.pause == 5.0
