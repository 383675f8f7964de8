"""Undo of recent actions, for jobs that have not changed since."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queuectl.domain.attempt import Outcome
from queuectl.domain.errors import NotFound, QueuectlError, Refused
from queuectl.domain.job import JobState, NewJob
from queuectl.domain.record import as_dict
from queuectl.store import undo
from queuectl.store.undo import KEPT_MS
from tests.support.store_driver import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from queuectl.store.store import Store

STAMPS = ("updated_at",)


def whole(store: Store) -> dict[str, Any]:
    """Return every job with its history and output, without the time of its last change."""
    found = {}
    for listed in store.jobs.listing(limit=0):
        job = {name: value for name, value in as_dict(listed.job).items() if name not in STAMPS}
        attempts = store.jobs.attempts(listed.job.seq)
        outputs = [store.jobs.output(listed.job.seq, attempt.attempt) for attempt in attempts]
        found[listed.job.id] = (job, attempts, outputs)
    return found


def do(stage: Stage, verb: str, *ids: str) -> int | None:
    """Do an action as an operation does it; return the id of its undo."""
    store, now = stage.store, stage.now
    with store.undo.keeping(verb, now=now) as kept:
        if verb == "cancel":
            for id_ in ids:
                store.jobs.cancel(id_, signal=15, now=now)
        elif verb == "retry":
            store.jobs.retry(ids, now=now)
        elif verb == "delete":
            store.jobs.delete(ids, now=now)
        elif verb == "hold":
            store.edits.hold(ids, now=now)
        elif verb == "release":
            store.edits.release(ids, now=now)
        elif verb == "priority":
            store.edits.prioritise(ids, 9, now=now)
        elif verb == "edit":
            store.edits.edit(ids[0], {"command": "new", "queue": "other"}, requeue=False, now=now)
        elif verb == "requeue":
            store.edits.edit(ids[0], {"command": "new", "env": ()}, requeue=True, now=now)
        elif verb == "revive":
            list(store.jobs.revive(now=now))
        elif verb == "purge":
            store.jobs.prune(JobState.DEAD, before=now, now=now)
        elif verb == "retry error":
            list(store.dlq.revive(store.dlq.errors()[0].signature, now=now))
        else:
            store.dlq.purge(store.dlq.errors()[0].signature, now=now)
    return kept.id


def of_every_kind(stage: Stage) -> None:
    """Jobs `completed`, `dead`, `cancelled`, `failed`, `held` and `pending`."""
    stage.enqueue(NewJob(command="x", id="completed", env=(("A", "é"),), tags=("t",), timeout_ms=5, cwd="/tmp"))
    stage.run(out="fine\n")
    stage.enqueue("dead", max_retries=0)
    stage.run(Outcome.EXIT, err="boom 1\n")
    stage.enqueue("cancelled")
    stage.store.jobs.cancel("cancelled", signal=15, now=stage.now)
    stage.enqueue("failed")
    stage.run(Outcome.EXIT, err="boom 2\n")
    stage.enqueue("held", "pending")
    stage.store.edits.hold(["held"], now=stage.now)
    stage.now += 1000


@pytest.mark.parametrize(
    ("verb", "ids"),
    [
        ("cancel", ["failed", "held", "pending"]),
        ("retry", ["completed", "dead", "cancelled", "failed"]),
        ("delete", ["completed", "dead", "cancelled"]),
        ("hold", ["failed", "pending"]),
        ("release", ["held"]),
        ("priority", ["failed", "held", "pending"]),
        ("edit", ["completed"]),
        ("edit", ["held"]),
        ("requeue", ["completed"]),
        ("requeue", ["failed"]),
        ("revive", ["dead"]),
        ("purge", ["dead"]),
        ("retry error", ["dead"]),
        ("purge error", ["dead"]),
    ],
)
def test_an_undo_restores_the_previous_state(stage: Stage, verb: str, ids: list[str]):
    of_every_kind(stage)
    before, counts = whole(stage.store), stage.counts()

    number = do(stage, verb, *ids)
    assert whole(stage.store) != before
    taken_back = stage.store.undo.take_back(None, now=stage.now)

    assert (taken_back.id, taken_back.left) == (number, ())
    assert sorted(id_ for id_, _ in taken_back.jobs) == sorted(ids)
    assert whole(stage.store) == before
    assert stage.counts() == counts
    with pytest.raises(NotFound, match="nothing was done"):
        stage.store.undo.take_back(None, now=stage.now)


def test_the_last_action_is_undone_first_and_any_other_by_its_number(stage: Stage):
    of_every_kind(stage)
    hold, cancel = do(stage, "hold", "pending"), do(stage, "cancel", "failed")
    assert hold is not None
    assert [each.verb for each in stage.store.undo.list(now=stage.now)] == ["cancel", "hold"]

    assert stage.store.undo.take_back(hold, now=stage.now).verb == "hold"
    with pytest.raises(Refused, match="was undone already"):
        stage.store.undo.take_back(hold, now=stage.now)
    assert stage.store.undo.take_back(None, now=stage.now).id == cancel


def test_an_undo_restores_only_the_fields_that_the_action_changed(stage: Stage):
    of_every_kind(stage)
    do(stage, "hold", "pending")
    do(stage, "priority", "pending")

    stage.store.undo.take_back(1, now=stage.now)

    job = stage.store.jobs.get("pending").job
    assert (job.state, job.priority) == (JobState.PENDING, 9)


@pytest.mark.parametrize(
    ("since", "reason"),
    [
        (lambda stage: stage.run(), "has run since"),
        (lambda stage: stage.store.jobs.cancel("completed", signal=15, now=stage.now), "has been changed since"),
        (
            lambda stage: (
                stage.store.jobs.cancel("completed", signal=15, now=stage.now),
                stage.store.jobs.delete(["completed"], now=stage.now),
            ),
            "has been deleted since",
        ),
    ],
)
def test_a_job_changed_since_is_left_alone_and_named(stage: Stage, since: Callable[[Stage], object], reason: str):
    stage.enqueue("completed")
    stage.run()
    do(stage, "retry", "completed")
    since(stage)
    before = whole(stage.store)

    with pytest.raises(Refused, match=f"the retry cannot be undone any more .completed: it {reason}"):
        stage.store.undo.take_back(None, now=stage.now)

    assert whole(stage.store) == before


def test_a_running_job_is_left_alone_and_the_others_are_restored(stage: Stage):
    stage.enqueue("a", "b")
    stage.run()
    stage.run()
    do(stage, "retry", "a", "b")
    claim = stage.take()

    taken_back = stage.store.undo.take_back(None, now=stage.now)

    assert taken_back.jobs == (("b", "default"),)
    assert taken_back.left == (("a", "it runs"),)
    stage.finish(claim)


def test_a_deleted_job_is_not_restored_when_its_id_is_reused(stage: Stage):
    of_every_kind(stage)
    do(stage, "delete", "completed", "dead")
    stage.enqueue("dead")

    taken_back = stage.store.undo.take_back(None, now=stage.now)

    assert taken_back.left == (("dead", "another job has that id now"),)
    assert stage.store.jobs.state("completed") is JobState.COMPLETED


def test_records_are_kept_for_ten_minutes_and_deleted_by_the_next_action(stage: Stage):
    of_every_kind(stage)
    number = do(stage, "delete", "completed")
    stage.now += KEPT_MS + 1

    with pytest.raises(NotFound):
        stage.store.undo.take_back(None, now=stage.now)
    with pytest.raises(Refused, match="too old"):
        stage.store.undo.take_back(number, now=stage.now)
    do(stage, "hold", "pending")

    for table in ("undo_jobs", "undo_outputs"):
        left = stage.store.database.query(f"SELECT count(*) FROM {table} WHERE undo = {number}")
        assert left == [(0,)], table
    with pytest.raises(NotFound, match="no action 1 that can be undone"):
        stage.store.undo.take_back(number, now=stage.now)


@pytest.mark.parametrize("limit", ["MAX_JOBS", "MAX_BYTES"])
def test_an_action_beyond_the_limits_cannot_be_undone_and_is_not_recorded(
    stage: Stage, limit: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(undo, limit, 1500 if limit == "MAX_JOBS" else 800_000)
    ids = stage.enqueue(*[NewJob(command="true")] * 2500)
    for id_ in ids:
        stage.store.jobs.cancel(id_, signal=15, now=stage.now)

    with stage.store.undo.keeping("delete", now=stage.now) as kept:
        assert stage.store.jobs.prune(JobState.CANCELLED, before=stage.now, now=stage.now) == 2500

    assert kept.id is None
    assert kept.too_much
    assert stage.store.undo.list(now=stage.now) == []
    assert stage.store.database.query("SELECT count(*) FROM undo_jobs") == [(0,)]
    with pytest.raises(Refused, match="the last action was delete, which cannot be undone"):
        stage.store.undo.take_back(None, now=stage.now)


@pytest.mark.parametrize("verb", ["delete", "retry", "purge", "purge error", "revive", "retry error"])
@pytest.mark.parametrize(("limit", "most"), [("MAX_JOBS", 2), ("MAX_JOBS", 3), ("MAX_BYTES", 1), ("MAX_BYTES", 10_000)])
def test_the_check_before_an_action_predicts_whether_it_is_recorded(
    stage: Stage, verb: str, limit: str, most: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(undo, limit, most)
    ids = stage.enqueue("a", "b", "c", max_retries=0)
    for _ in ids:
        stage.run(Outcome.EXIT, err="boom\n")
    errors = [stage.store.dlq.errors()[0].signature] if verb.endswith("error") else None

    deleted = verb.startswith(("delete", "purge"))
    if verb in {"delete", "retry"}:
        predicted = stage.store.undo.keeps(ids, deleted=deleted)
    else:
        predicted = stage.store.undo.keeps_dead(errors, deleted=deleted)

    assert predicted == (most in {3, 10_000})
    assert predicted == (do(stage, verb, *ids) is not None)


def test_the_output_of_deleted_jobs_counts_in_the_check_too(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(undo, "MAX_BYTES", 10_000)
    stage.enqueue("a", max_retries=0)
    stage.run(Outcome.EXIT, err="boom\n" * 4000)

    assert stage.store.undo.keeps(["a"])
    assert not stage.store.undo.keeps(["a"], deleted=True)


def test_a_refused_action_leaves_nothing_to_undo(stage: Stage):
    of_every_kind(stage)

    with pytest.raises(Refused):
        do(stage, "hold", "pending", "completed")

    assert stage.store.undo.list(now=stage.now) == []


def test_an_undo_skips_no_action_that_cannot_be_undone(stage: Stage):
    of_every_kind(stage)
    hold = do(stage, "hold", "pending")
    with stage.store.undo.keeping("prune", now=stage.now, keeps=False) as kept:
        stage.store.jobs.prune(JobState.COMPLETED, before=stage.now, now=stage.now)
    before = whole(stage.store)

    with pytest.raises(Refused, match="the last action was prune, which cannot be undone"):
        stage.store.undo.take_back(None, now=stage.now)

    assert kept.id is None
    assert whole(stage.store) == before
    assert [each.id for each in stage.store.undo.list(now=stage.now)] == [hold]
    with pytest.raises(Refused, match="cannot be undone"):
        stage.store.undo.take_back(2, now=stage.now)
    assert stage.store.undo.take_back(hold, now=stage.now).verb == "hold"


def test_an_action_that_did_nothing_is_not_the_last_one(stage: Stage):
    of_every_kind(stage)
    hold = do(stage, "hold", "pending")
    with stage.store.undo.keeping("prune", now=stage.now, keeps=False):
        stage.store.jobs.prune(JobState.COMPLETED, before=0, now=stage.now)
    with pytest.raises(Refused):
        do(stage, "hold", "completed")

    assert stage.store.undo.take_back(None, now=stage.now).id == hold


def test_the_cancel_of_a_running_job_cannot_be_undone(stage: Stage):
    stage.enqueue("a")
    claim = stage.take()

    assert do(stage, "cancel", "a") is None

    with pytest.raises(Refused, match="the last action was cancel, which cannot be undone"):
        stage.store.undo.take_back(None, now=stage.now)
    stage.finish(claim, Outcome.CANCELLED)


def test_an_undo_records_an_event_for_each_job(stage: Stage):
    of_every_kind(stage)
    stage.store.events.command = "queuectl hold pending failed"
    do(stage, "hold", "pending", "failed")
    stage.store.events.command = "queuectl undo"

    assert stage.store.undo.list(now=stage.now)[0].command == "queuectl hold pending failed"
    stage.store.undo.take_back(None, now=stage.now)

    events = stage.store.events.events(limit=9, subject="pending")
    assert [(event.verb, event.detail, event.command) for event in events] == [
        ("hold", None, "queuectl hold pending failed"),
        ("undo", "hold", "queuectl undo"),
    ]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    verbs=st.lists(
        st.tuples(
            st.sampled_from(["cancel", "retry", "delete", "hold", "release", "priority", "edit", "requeue", "revive"]),
            st.sampled_from(["completed", "dead", "cancelled", "failed", "held", "pending"]),
        ),
        max_size=12,
    )
)
def test_undoing_every_action_restores_the_first_state(
    tmp_path_factory: pytest.TempPathFactory, verbs: list[tuple[str, str]]
):
    from queuectl.store.sqlite.database import SqliteDatabase
    from queuectl.store.store import Store

    stage = Stage(Store(SqliteDatabase(str(tmp_path_factory.mktemp("s") / "queue.db")), actor="tester@here"))
    of_every_kind(stage)
    before = whole(stage.store)
    done = []
    for verb, id_ in verbs:
        try:
            number = do(stage, verb, id_)
        except QueuectlError:
            continue
        done += [number] if number is not None else []

    for number in reversed(done):
        assert stage.store.undo.take_back(None, now=stage.now).id == number

    assert whole(stage.store) == before
    stage.check()
    stage.store.close()
