"""Schedules: what is enqueued when, and what is not enqueued twice, on both stores."""

from __future__ import annotations

import pytest

from queuectl.domain.errors import UsageError
from queuectl.domain.job import JobState, NewJob
from queuectl.domain.queue_settings import Pause
from queuectl.domain.record import replace
from queuectl.domain.schedule import Missed, Overlap, Schedule, Timing
from queuectl.store.schedules import KEPT_MS, job_text
from tests.support.store_driver import START, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.store import Store
    from tests.store.conftest import OpenStore

MINUTE = 60_000
FIRST = START // MINUTE * MINUTE + MINUTE
"""The first minute after the start of a stage."""


def add(store: Store, name: str = "poll", *, command: str = "true", **changes: object) -> Schedule:
    """Add a schedule that fires each minute, and first at FIRST."""
    schedule = Schedule(
        name=name,
        timing=Timing(cron="* * * * *", zone="UTC", since=START),
        job=job_text(NewJob(command=command, queue="mail", tags=("a",), env=(("A", "1"),))),
        created_at=START,
        created_by="ada@here",
        next_at=FIRST,
    )
    schedule = replace(schedule, **changes)
    store.schedules.change(name, lambda _: schedule, verb="schedule_add", snapshot='{"LANG": "C"}', now=START)
    return schedule


def fire(stage: Stage, at: int, name: str = "poll") -> list[str]:
    """Let the clock be `at`, fire all that is due, and return the ids of the new jobs."""
    stage.now = at
    ids: list[str] = []
    while name in list(stage.store.schedules.due(at)):
        fired = stage.store.schedules.fire(name, max_retries=3, now=at)
        ids += fired.ids
        if not fired.moved:
            break
    return ids


def planned(store: Store, name: str = "poll") -> list[tuple[int, str | None]]:
    """Return the planned times in minutes after FIRST, and why they were skipped, the oldest first."""
    return [((each.planned_at - FIRST) // MINUTE, each.skipped) for each in store.schedules.fires(name, limit=999)][
        ::-1
    ]


def test_a_fire_enqueues_its_job_with_its_planned_time_and_environment(stage: Stage):
    add(stage.store, command="./poll.sh")
    assert stage.store.schedules.next_fire() == FIRST
    assert fire(stage, FIRST - 1) == []

    (id_,) = fire(stage, FIRST + 5)

    job = stage.store.jobs.get(id_).job
    assert (job.command, job.queue, job.tags, job.env) == ("./poll.sh", "mail", ("a",), (("A", "1"),))
    assert (job.schedule, job.scheduled_for, job.run_at, job.created_at) == ("poll", FIRST, FIRST, FIRST + 5)
    assert job.environment is not None
    assert stage.store.environments.names(job.environment) == ("LANG",)
    assert stage.take().scheduled_for == FIRST
    assert stage.store.schedules.next_fire() == FIRST + MINUTE


def test_no_planned_time_fires_twice_when_the_clock_is_set_back(stage: Stage):
    add(stage.store, overlap=Overlap.ALLOW)
    assert len(fire(stage, FIRST)) == 1
    assert len(fire(stage, FIRST + MINUTE)) == 1

    assert fire(stage, FIRST - 10 * MINUTE) == []
    assert fire(stage, FIRST) == []
    assert fire(stage, FIRST + MINUTE) == []
    assert len(fire(stage, FIRST + 2 * MINUTE)) == 1


def test_two_stewards_fire_a_time_once(open_store: OpenStore):
    one, two = open_store(), open_store()
    add(one)
    fired = [store.schedules.fire("poll", max_retries=3, now=FIRST) for store in (one, two, one, two)]

    assert sum(len(each.ids) for each in fired) == 1
    for store in (one, two):
        store.close()


def test_a_time_that_was_fired_under_this_name_is_not_fired_again_by_a_schedule_added_anew(stage: Stage):
    add(stage.store)
    assert len(fire(stage, FIRST)) == 1
    stage.store.schedules.change("poll", lambda _: None, verb="schedule_delete", now=FIRST)
    add(stage.store)

    assert fire(stage, FIRST) == []
    assert stage.store.schedules.next_fire() == FIRST + MINUTE


def test_while_the_job_before_waits_or_runs_a_time_is_skipped(stage: Stage):
    add(stage.store)
    (first,) = fire(stage, FIRST)
    assert fire(stage, FIRST + MINUTE) == []
    claim = stage.take()
    assert fire(stage, FIRST + 2 * MINUTE) == []
    stage.finish(claim)

    (second,) = fire(stage, FIRST + 3 * MINUTE)

    assert planned(stage.store) == [(0, None), (1, "overlap"), (2, "overlap"), (3, None)]
    assert first != second
    assert "schedule_skip" in [event.verb for event in stage.store.events.events(limit=99, subject="poll")]


def test_overlapping_jobs_are_enqueued_where_that_is_allowed(stage: Stage):
    add(stage.store, overlap=Overlap.ALLOW)

    assert [len(fire(stage, FIRST + n * MINUTE)) for n in range(3)] == [1, 1, 1]


def test_a_waiting_job_is_replaced_at_once(stage: Stage):
    add(stage.store, overlap=Overlap.REPLACE)
    (first,) = fire(stage, FIRST)

    (second,) = fire(stage, FIRST + MINUTE)

    assert stage.store.jobs.state(first) is JobState.CANCELLED
    assert stage.store.jobs.state(second) is JobState.PENDING


def test_a_running_job_is_cancelled_and_its_successor_waits_for_its_end(stage: Stage):
    add(stage.store, overlap=Overlap.REPLACE)
    fire(stage, FIRST)
    claim = stage.take()

    stage.now = FIRST + MINUTE
    fired = stage.store.schedules.fire("poll", max_retries=3, now=stage.now)
    assert (fired.ids, fired.cancelled, fired.moved) == ((), "w", False)
    assert stage.store.jobs.get(claim.id).job.cancel_requested == 15
    assert fire(stage, FIRST + MINUTE + 500) == [], "it still runs"
    stage.finish(claim)

    (second,) = fire(stage, FIRST + MINUTE + 900)

    assert stage.store.jobs.get(second).job.scheduled_for == FIRST + MINUTE


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        (Missed.ONCE, [(0, "missed"), (10, None)]),
        (Missed.SKIP, [(0, "missed"), (10, None)]),
        (Missed.ALL, [(n, None) for n in range(11)]),
    ],
)
def test_times_without_a_pool_are_made_up_for_as_the_schedule_says(
    stage: Stage, missed: Missed, expected: list[tuple[int, str | None]]
):
    add(stage.store, missed=missed, overlap=Overlap.ALLOW)

    fire(stage, FIRST + 10 * MINUTE + 59_000)

    assert planned(stage.store) == expected


def test_a_time_that_is_late_by_less_than_a_minute_is_no_missed_one(stage: Stage):
    add(stage.store, missed=Missed.SKIP, timing=Timing(cron="0 * * * *", zone="UTC"))

    assert len(fire(stage, FIRST + MINUTE)) == 1


def test_a_time_that_is_late_by_more_than_a_minute_is_skipped_where_the_schedule_says_so(stage: Stage):
    add(stage.store, missed=Missed.SKIP, timing=Timing(cron="0 * * * *", zone="UTC"))

    assert fire(stage, FIRST + MINUTE + 1) == []
    assert planned(stage.store) == [(0, "missed")]


def test_all_missed_times_are_fired_one_after_another_where_they_must_not_overlap(stage: Stage):
    add(stage.store, missed=Missed.ALL)
    now = FIRST + 2 * MINUTE
    for number in range(3):
        (id_,) = fire(stage, now)
        assert stage.store.jobs.get(id_).job.scheduled_for == FIRST + number * MINUTE
        assert fire(stage, now) == [], "the job before has not ended"
        stage.finish(stage.take())

    assert fire(stage, now) == []
    assert stage.store.schedules.next_fire() == FIRST + 3 * MINUTE


def test_no_more_than_a_hundred_missed_times_are_fired(stage: Stage):
    add(stage.store, missed=Missed.ALL, overlap=Overlap.ALLOW)

    ids = fire(stage, FIRST + 1000 * MINUTE)

    assert len(ids) == 100
    assert planned(stage.store)[0] == (0, "missed")
    assert planned(stage.store)[1][0] == 901


def test_a_paused_schedule_does_not_fire(stage: Stage):
    add(stage.store)
    stage.store.schedules.change(
        "poll",
        lambda of: None if of is None else replace(of, pause=Pause(at=1, by="ada@here")),
        verb="schedule_pause",
        now=START,
    )

    assert fire(stage, FIRST + MINUTE) == []
    assert stage.store.schedules.next_fire() is None
    assert stage.store.schedules.fire("poll", max_retries=3, now=FIRST).ids == ()


def test_a_jitter_delays_the_job_by_the_same_time_in_every_process(stage: Stage):
    add(stage.store, jitter_ms=30_000, overlap=Overlap.ALLOW)
    delays = set()
    for number in range(20):
        (id_,) = fire(stage, FIRST + number * MINUTE)
        job = stage.store.jobs.get(id_).job
        delays.add(job.run_at - (job.scheduled_for or 0))

    assert len(delays) > 5
    assert all(0 <= delay <= 30_000 for delay in delays)


def test_a_run_by_hand_leaves_the_times_alone(stage: Stage):
    schedule = add(stage.store)

    ids = [stage.store.schedules.run(schedule, max_retries=3, now=START + 5).ids for _ in range(2)]

    assert ids == [("1",), ("2",)]
    assert stage.store.schedules.next_fire() == FIRST
    assert {stage.store.jobs.get(id_).job.scheduled_for for (id_,) in ids} == {START + 5, START + 6}


def test_a_schedule_without_a_next_time_never_fires(stage: Stage):
    add(stage.store, next_at=None)

    assert stage.store.schedules.next_fire() is None
    assert fire(stage, FIRST) == []


def test_fires_are_forgotten_after_four_hundred_days(stage: Stage):
    add(stage.store)
    fire(stage, FIRST)

    stage.store.schedules.forget_fires(now=FIRST + KEPT_MS)
    assert planned(stage.store) == [(0, None)]
    stage.store.schedules.forget_fires(now=FIRST + KEPT_MS + 1)
    assert planned(stage.store) == []
    assert fire(stage, FIRST) == [], "what was fired is not fired again"


def test_the_environment_of_a_schedule_is_kept_while_no_job_has_it(stage: Stage):
    schedule = add(stage.store)
    stored = stage.store.schedules.find("poll")
    assert stored is not None
    assert stored.environment is not None
    assert schedule.environment is None
    walk = stage.store.environments.walk(now=START + 10 * 24 * 3600 * 1000)
    while not walk.step():
        pass

    assert stage.store.environments.names(stored.environment) == ("LANG",)


def test_schedules_that_wait_for_their_jobs_do_not_keep_others_from_firing(stage: Stage):
    for number in range(120):
        add(stage.store, f"s{number:03}", missed=Missed.ALL)
        fire(stage, FIRST, f"s{number:03}")
    add(stage.store, "zz", overlap=Overlap.ALLOW, next_at=FIRST + MINUTE)

    due = list(stage.store.schedules.due(FIRST + MINUTE))

    assert len(due) == 121
    assert due[-1] == "zz"


def test_an_undo_of_a_pause_does_not_make_up_for_its_times(stage: Stage):
    add(stage.store, missed=Missed.ALL, overlap=Overlap.ALLOW)
    with stage.store.undo.keeping("schedule pause", now=START) as kept:
        stage.store.schedules.change(
            "poll",
            lambda of: None if of is None else replace(of, pause=Pause(at=1, by="ada@here")),
            verb="schedule_pause",
            now=START,
        )

    stage.store.undo.take_back(kept.id, now=FIRST + 5 * MINUTE + 1)

    assert stage.store.schedules.next_fire() == FIRST + 6 * MINUTE


def test_the_last_job_is_known_after_any_number_of_skips(stage: Stage):
    add(stage.store)
    assert stage.store.schedules.last_job("poll") is None
    (id_,) = fire(stage, FIRST)
    for number in range(1, 20):
        fire(stage, FIRST + number * MINUTE)

    assert stage.store.schedules.last_job("poll") == id_


def test_a_job_of_another_version_is_an_error_of_that_schedule(stage: Stage):
    add(stage.store, job='{"command": "true", "colour": "red"}')

    with pytest.raises(UsageError, match="the job of schedule poll is not of this version"):
        stage.store.schedules.fire("poll", max_retries=3, now=FIRST)


def test_changes_of_a_schedule_are_undone_without_firing_again_what_has_fired(stage: Stage):
    add(stage.store, overlap=Overlap.ALLOW)
    with stage.store.undo.keeping("schedule edit", now=START) as kept:
        stage.store.schedules.change(
            "poll", lambda of: None if of is None else replace(of, jitter_ms=5), verb="schedule_edit", now=START
        )
    fire(stage, FIRST)

    done = stage.store.undo.take_back(kept.id, now=FIRST)

    assert done.changed_schedules == ("poll",)
    restored = stage.store.schedules.find("poll")
    assert restored is not None
    assert (restored.jitter_ms, restored.last_at, restored.next_at) == (0, FIRST, FIRST + MINUTE)
