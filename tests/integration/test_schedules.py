"""Pools that fire schedules."""

from __future__ import annotations

from itertools import pairwise

from queuectl.domain.units import parse_time
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tests.support.queue import Queue


def fires(queue: Queue, name: str) -> list[dict[str, Any]]:
    """Return the fires of a schedule that enqueued a job, the oldest first."""
    found: list[dict[str, Any]] = queue.json("schedule", "show", name)["fires"]
    return [each for each in found if each["job"] is not None][::-1]


def test_a_pool_enqueues_and_runs_the_jobs_of_a_schedule(queue: Queue):
    queue.run("schedule", "add", "poll", "--every", "1s", "echo for $QUEUECTL_SCHEDULED_FOR")
    queue.start()
    wait_until(lambda: len(fires(queue, "poll")) >= 3)
    first, second, *_ = fires(queue, "poll")

    assert parse_time(second["scheduled_for"]) - parse_time(first["scheduled_for"]) >= 1000
    assert queue.wait_for(first["job"]) == "completed"
    shown = queue.json("show", first["job"])
    assert (shown["schedule"], shown["scheduled_for"]) == ("poll", first["scheduled_for"])
    assert queue.run("logs", first["job"]).stdout == f"for {first['scheduled_for']}\n"


def test_two_pools_fire_each_time_once(queue: Queue):
    queue.run("schedule", "add", "poll", "--every", "1s", "--overlap", "allow", "true")
    for _ in range(2):
        queue.start()
    wait_until(lambda: len(fires(queue, "poll")) >= 4)

    times = [each["scheduled_for"] for each in fires(queue, "poll")]
    jobs = [each["scheduled_for"] for each in queue.json("list") if each["schedule"] == "poll"]
    assert len(set(times)) == len(times)
    assert len(set(jobs)) == len(jobs)


def test_a_steward_that_is_killed_leaves_no_time_out_and_fires_none_twice(queue: Queue):
    queue.run("schedule", "add", "poll", "--every", "1s", "--overlap", "allow", "--missed", "all", "true")
    for _ in range(3):
        pool = queue.start()
        count = len(fires(queue, "poll"))
        wait_until(lambda count=count: len(fires(queue, "poll")) > count)  # type: ignore[misc]  # of this round
        pool.kill()
    queue.start()
    count = len(fires(queue, "poll"))
    wait_until(lambda: len(fires(queue, "poll")) > count)

    times = [parse_time(each["scheduled_for"]) for each in queue.json("list") if each["schedule"] == "poll"]
    assert len(set(times)) == len(times), "no time twice"
    times.sort()
    assert {later - earlier for earlier, later in pairwise(times)} == {1000}, "no time left out"


def test_a_schedule_without_workers_is_reported(queue: Queue):
    assert (
        "no workers are running, so no schedule fires" in queue.run("schedule", "add", "poll", "@daily", "true").stderr
    )
    assert "no workers are running" in queue.run("schedule", "list").stderr
    queue.start()
    assert "no workers are running" not in queue.run("schedule", "list").stderr


def test_a_running_job_is_replaced_by_that_of_the_next_time(queue: Queue):
    queue.run("schedule", "add", "poll", "--every", "2s", "--overlap", "replace", "sleep 600")
    queue.start()
    wait_until(lambda: len(fires(queue, "poll")) >= 2)
    first, second, *_ = fires(queue, "poll")

    assert queue.wait_for(first["job"]) == "cancelled"
    queue.run("schedule", "pause", "poll")
    queue.run("cancel", "--all", "--yes", code=None)
    assert queue.wait_for(second["job"]) == "cancelled"
