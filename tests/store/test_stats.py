"""Rollups, percentiles, slow commands and the audit log."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.attempt import Outcome, Result
from queuectl.domain.job import NewJob
from queuectl.store.events import bucket
from queuectl.store.queries import load
from queuectl.store.stats import Stats, duration_of, spread
from tests.support.store_driver import BACKOFF, ON_SQLITE, START, Stage

MINUTE = 60_000


def history(stage: Stage) -> Stats:
    return stage.store.stats


def run(stage: Stage, milliseconds: int, outcome: Outcome = Outcome.SUCCESS, *, waited: int = 0) -> None:
    due = stage.store.claims().next_due()
    assert due is not None
    stage.now = max(stage.now, due + waited)
    claim = stage.take()
    result = Result(outcome=outcome, duration_ms=milliseconds, exit_code=0 if outcome is Outcome.SUCCESS else 1)
    claims = stage.store.claims()
    claims.finish(claim, "w", result, backoff=BACKOFF, random=random.Random(1), now=stage.now)
    claims.write_down("w")


@given(st.integers(0, 10 * 366 * 86_400_000))
def test_the_duration_of_a_bucket_is_within_a_tenth(milliseconds: int):
    assert abs(duration_of(bucket(milliseconds)) - milliseconds) <= 0.0906 * (milliseconds + 1) + 0.5


@given(st.integers(1, 200))
def test_the_duration_of_a_bucket_falls_into_it_or_a_neighbour(number: int):
    assert abs(bucket(duration_of(number)) - number) <= 1 or number < 8


@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=200))
def test_percentiles_are_within_a_fifth_of_the_exact_ones(durations: list[int]):
    histogram: dict[int, int] = {}
    for each in durations:
        histogram[bucket(each)] = histogram.get(bucket(each), 0) + 1
    found = spread(histogram)

    ordered = sorted(durations)
    assert found.n == len(durations)
    for percent, value in ((50, found.p50), (95, found.p95), (99, found.p99)):
        exact = ordered[-(-len(ordered) * percent // 100) - 1]
        assert value is not None
        assert abs(value - exact) <= exact / 5 + 1


def test_no_durations_have_no_percentiles():
    assert spread({}).p50 is None
    assert spread({}).n == 0


def test_an_empty_store_has_empty_statistics(stage: Stage):
    found = history(stage).rollup(now=stage.now)

    assert found.enqueued == found.completed == found.failed == (0,) * 60
    assert found.failure_rate is None
    assert found.queues == ()
    assert found.wait_p95 == (None,) * 60


def test_enqueues_and_outcomes_are_counted_by_minute(stage: Stage):
    stage.enqueue("a", "b", NewJob(command="true", id="c", queue="mail"), max_retries=0)
    run(stage, 1000)
    run(stage, 1000, Outcome.EXIT)
    stage.now += 2 * MINUTE
    run(stage, 4000, Outcome.TIMEOUT)

    found = history(stage).rollup(now=stage.now)

    assert found.enqueued[-3:] == (3, 0, 0)
    assert found.completed[-3:] == (1, 0, 0)
    assert found.failed[-3:] == (1, 0, 1)
    assert found.outcomes == {"exit": 1, "success": 1, "timeout": 1}
    assert found.failure_rate == pytest.approx(2 / 3)
    assert found.run.n == found.wait.n == 3
    assert found.run.p50 == duration_of(bucket(1000))
    assert found.run_p95[-1] == duration_of(bucket(4000))
    assert [(line.queue, line.enqueued, line.completed, line.failed) for line in found.queues] == [
        ("default", 2, 1, 1),
        ("mail", 1, 0, 1),
    ]
    assert found.queues[1].wait.p50 == pytest.approx(2 * MINUTE, rel=0.1)


def test_a_long_period_has_long_slots_and_excludes_older_minutes(stage: Stage):
    stage.enqueue("a")
    stage.now += 25 * 60 * MINUTE
    stage.enqueue("b", "c")

    found = history(stage).rollup(now=stage.now, slots=72, step=20)

    assert len(found.enqueued) == 72
    assert sum(found.enqueued) == found.enqueued[-1] == 2
    assert found.first % 20 == 0


def test_slow_commands_come_with_their_number_of_jobs(stage: Stage):
    stage.enqueue(*(NewJob(command=command) for command in ("fast", "slow", "slow", "bad")), max_retries=0)
    for milliseconds in (5, 1000, 3000):
        run(stage, milliseconds)
    run(stage, 700, Outcome.EXIT)

    found = history(stage).slow_commands(limit=2)

    assert [(each.command, each.jobs, each.typical_ms, each.longest_ms) for each in found] == [
        ("slow", 2, 2000, 3000),
        ("bad", 1, 700, 700),
    ]


def test_events_come_newest_first_page_by_page(stage: Stage):
    stage.enqueue("a", "b")
    stage.store.jobs.cancel("a", signal=15, now=stage.now)
    stage.store.set_config("backoff_base", "3", now=stage.now)

    first = history(stage).events(limit=2)
    second = history(stage).events(limit=2, before=first[-1].seq)

    assert [event.verb for event in first + second] == ["set_config", "cancel", "enqueue", "start_pool"]
    assert (first[0].subject, first[0].detail) == ("backoff_base", "3")
    assert first[0].actor == "tester@here"


def test_events_are_searched_literally(stage: Stage):
    stage.enqueue("a_b", "axb")
    stage.store.jobs.cancel("a_b", signal=15, now=stage.now)
    stage.store.jobs.cancel("axb", signal=15, now=stage.now)

    assert [event.verb for event in history(stage).events(search="a_b")] == ["cancel", "enqueue"]
    assert history(stage).events(search="%") == []


def test_deaths_are_counted_by_error_and_time(stage: Stage):
    stage.enqueue("a", "b", "c", max_retries=0)
    stage.run(Outcome.EXIT, err="one")
    stage.now += MINUTE
    stage.run(Outcome.EXIT, err="two")
    stage.run(Outcome.EXIT, err="one")

    found = history(stage).deaths(first=START - MINUTE, step=MINUTE, slots=3)

    assert sorted(found.values()) == [(0, 0, 1), (0, 1, 1)]


@ON_SQLITE
@pytest.mark.parametrize("name", ["rollup", "events_before"])
def test_rollups_are_read_by_the_primary_key(stage: Stage, name: str):
    values = {
        ":first": "1",
        ":last": "2",
        ":step": "1",
        ":before": "9",
        ":after": "0",
        ":search": "NULL",
        ":limit": "5",
    }
    statement = load("sqlite")[name]
    for parameter, value in values.items():
        statement = statement.replace(parameter, value)

    plan = " ".join(row[3] for row in stage.store.database.query(f"EXPLAIN QUERY PLAN {statement}"))

    assert "SEARCH" in plan
