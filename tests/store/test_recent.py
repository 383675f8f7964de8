"""Recently ended attempts: their durations, and bursts of failures with one error."""

from __future__ import annotations

import re

import pytest

from queuectl import bootstrap
from queuectl.domain.attempt import Outcome
from queuectl.domain.job import JobState, NewJob
from queuectl.store.queries import load
from tests.support import seed as seeds
from tests.support.store_driver import ON_SQLITE, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MINUTE = 60_000


def fail(stage: Stage, queue: str, count: int, error: str) -> None:
    for _ in range(count):
        stage.enqueue(NewJob(command="false", queue=queue))
        claim = stage.claim("w", queue)
        assert claim is not None
        stage.finish(claim, Outcome.EXIT, err=error)


def test_durations_come_from_the_newest_completed_jobs(stage: Stage):
    stage.enqueue("a", "b", NewJob(command="make", id="c", queue="video"))
    for _ in range(3):
        stage.run()

    took = stage.store.recent.took(limit=2)
    before = stage.store.recent.took(below=took[-1].seq, limit=2)

    assert [(each.queue, each.command, each.duration_ms) for each in took] == [
        ("video", "make", 10), ("default", "true", 10),
    ]  # fmt: skip
    assert [each.command for each in before] == ["true"]
    assert stage.store.recent.took(below=before[-1].seq, limit=2) == []


def test_many_failures_with_one_error_are_a_burst(stage: Stage):
    fail(stage, "mail", 4, "cannot reach host 17")
    fail(stage, "video", 3, "disk is full")
    fail(stage, "mail", 1, "cannot reach host 18")

    burst = stage.store.recent.failure_burst(since=stage.now - 2 * MINUTE, least=4)

    assert burst is not None
    assert (burst.queue, burst.jobs) == ("mail", 5)
    assert "cannot reach host" in burst.text


def test_few_failures_and_old_ones_are_no_burst(stage: Stage):
    fail(stage, "mail", 5, "cannot reach host 17")
    recent = stage.store.recent

    assert recent.failure_burst(since=stage.now - 2 * MINUTE, least=6) is None
    assert recent.failure_burst(since=stage.now + 1, least=5) is None
    stage.now += 3 * MINUTE
    assert recent.failure_burst(since=stage.now - 2 * MINUTE, least=5) is None


def test_failures_with_errors_of_their_own_are_no_burst(stage: Stage):
    for word in ("one", "two", "three", "four"):
        fail(stage, "mail", 1, f"this is {word}")

    assert stage.store.recent.failure_burst(since=stage.now - MINUTE, least=2) is None


def test_a_change_to_a_failed_job_is_not_a_failure(stage: Stage):
    fail(stage, "mail", 6, "cannot reach host 17")
    stage.now += 3 * MINUTE
    fail(stage, "video", 5, "disk is full")
    ids = [each.job.id for each in stage.store.jobs.listing(limit=0, states=[JobState.FAILED])]

    stage.store.edits.prioritise(ids, 5, now=stage.now)

    burst = stage.store.recent.failure_burst(since=stage.now - 2 * MINUTE, least=4)
    assert burst is not None
    assert (burst.queue, burst.jobs) == ("video", 5)


@ON_SQLITE
@pytest.mark.parametrize("name", ["took", "failed_lately"])
def test_recently_ended_attempts_are_read_from_an_index(stage: Stage, name: str):
    statement = re.sub(r":[a-z]+\b", "1", load("sqlite")[name])
    plan = [str(row[3]) for row in stage.store.database.query(f"EXPLAIN QUERY PLAN {statement}")]
    assert not [step for step in plan if step.startswith(("SCAN jobs", "SCAN runs"))]


def test_a_query_for_recent_failures_does_not_grow_with_the_store(tmp_path: Path):
    steps = []
    for count in (1000, 20_000):
        (tmp_path / str(count)).mkdir()
        steps.append(_steps(tmp_path / str(count), lambda seeder, n=count: seeder.many(n)))  # type: ignore[misc]  # mypy gives a default no type
    assert steps[1] < steps[0] * 2


def _steps(directory: Path, seed: Callable[[seeds.Seeder], None]) -> int:
    """Return the number of calls of the progress handler: one for each hundred steps of SQLite's machine."""
    store = bootstrap.open_store(seeds.seeded(directory, seed), actor="test@here")
    asked = 0

    def ask() -> bool:
        nonlocal asked
        asked += 1
        return False

    store.database._connection.set_progress_handler(ask, 100)  # type: ignore[attr-defined]  # SQLite's
    store.recent.took(limit=400)
    store.database.rows("failed_lately", since=0, among=400, least=1)
    store.close()
    return asked
