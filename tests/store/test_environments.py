"""Environment snapshots: each content is stored once, and as long as a job or an undo needs it."""

from __future__ import annotations

import json
import threading

import pytest

from queuectl.domain.attempt import Outcome
from queuectl.domain.job import JobState, NewJob
from queuectl.store import environments
from queuectl.store.environments import Walk
from tests.store.conftest import on_postgresql
from tests.support.store_driver import Stage
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.store.conftest import OpenStore

HOUR = 3_600_000
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
LANG, TZ = '{"LANG": "C"}', '{"TZ": "UTC"}'


def enqueue(stage: Stage, *ids: str, snapshot: str | None = LANG) -> None:
    jobs = [NewJob(command="true", id=id_) for id_ in ids]
    stage.store.jobs.enqueue(jobs, max_retries=0, now=stage.now, snapshot=snapshot)


def stored(stage: Stage) -> list[str]:
    return [content for (content,) in stage.store.database.query("SELECT variables FROM environments ORDER BY id")]


def number_of(stage: Stage, id_: str) -> int | None:
    return stage.store.jobs.get(id_).job.environment


def sweep(stage: Stage, hours: int = 3) -> None:
    stage.now += hours * HOUR
    walk = stage.store.environments.walk(now=stage.now)
    while not walk.step():
        pass


def test_jobs_with_equal_environments_share_a_snapshot(stage: Stage):
    enqueue(stage, "a", "b")
    enqueue(stage, "c")
    enqueue(stage, "d", snapshot=TZ)
    enqueue(stage, "e", snapshot=None)

    numbers = [number_of(stage, id_) for id_ in "abcde"]

    assert numbers[0] == numbers[1] == numbers[2] != numbers[3]
    assert numbers[3] is not None
    assert numbers[4] is None
    assert stored(stage) == [LANG, TZ]
    assert stage.store.environments.variables(numbers[3]) == {"TZ": "UTC"}
    assert stage.store.environments.names(numbers[0]) == ("LANG",)
    assert stage.store.environments.variables(99) is None
    stage.check()


def test_a_snapshot_may_be_as_large_as_an_environment(stage: Stage):
    large = json.dumps({"A": "x" * 900_000})

    enqueue(stage, "a", snapshot=large)
    enqueue(stage, "b", snapshot=large)

    assert stored(stage) == [large]


def test_a_snapshot_is_that_of_the_transaction_or_none(stage: Stage):
    enqueue(stage, "a", snapshot=None)

    with pytest.raises(Exception, match="already exists"):
        enqueue(stage, "a")

    assert stored(stage) == []


def test_a_claim_has_the_number_of_the_snapshot_and_the_shell(stage: Stage):
    job = NewJob(command="true", id="a", shell="bash")
    stage.store.jobs.enqueue([job], max_retries=0, now=stage.now, snapshot=LANG)

    claim = stage.take()

    assert (claim.environment, claim.shell) == (number_of(stage, "a"), "bash")
    assert stage.store.claims().held_by("w") == [claim]


def test_a_snapshot_of_a_waiting_a_running_or_a_finished_job_is_kept(stage: Stage):
    enqueue(stage, "done")
    stage.run()
    enqueue(stage, "runs", snapshot=TZ)
    stage.take()
    enqueue(stage, "waits", snapshot='{"A": "1"}')

    sweep(stage)

    assert len(stored(stage)) == 3
    stage.check()


def test_a_snapshot_that_no_job_has_is_deleted_and_its_number_is_not_used_again(stage: Stage):
    enqueue(stage, "a")
    enqueue(stage, "b", snapshot=TZ)
    last = number_of(stage, "b")
    for _ in "ab":
        stage.run()
    stage.store.jobs.delete(["a", "b"], now=stage.now)

    sweep(stage)

    assert stored(stage) == []
    enqueue(stage, "c")
    assert last is not None
    assert (number_of(stage, "c") or 0) > last
    stage.check()


def test_a_snapshot_is_kept_while_it_was_used_lately(stage: Stage):
    enqueue(stage, "a")
    stage.run()
    stage.store.jobs.delete(["a"], now=stage.now)

    sweep(stage, hours=1)

    assert stored(stage) == [LANG]


def test_a_snapshot_that_a_job_gets_during_the_walk_is_kept(stage: Stage):
    enqueue(stage, "a")
    stage.run()
    stage.store.jobs.delete(["a"], now=stage.now)
    stage.now += 3 * HOUR
    walk = stage.store.environments.walk(now=stage.now)

    enqueue(stage, "b")
    while not walk.step():
        pass

    assert stored(stage) == [LANG]
    stage.check()


def test_a_walk_visits_all_jobs(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(environments, "_STEP", 2)
    enqueue(stage, *"abcde", snapshot=None)
    enqueue(stage, "last")
    enqueue(stage, "gone", snapshot=TZ)
    stage.store.jobs.cancel("gone", signal=15, now=stage.now)
    stage.store.jobs.delete(["gone"], now=stage.now)

    walk = Walk(stage.store.database, now=stage.now + 3 * HOUR)
    steps = 1
    while not walk.step():
        steps += 1

    assert stored(stage) == [LANG]
    assert steps == 4, "two jobs in each step, and none left in the last"


def test_prune_deletes_the_snapshots_of_pruned_jobs(stage: Stage):
    enqueue(stage, "a")
    stage.run()
    stage.now += 3 * HOUR

    stage.store.jobs.prune(JobState.COMPLETED, before=stage.now, now=stage.now)

    assert stored(stage) == []


def test_a_deleted_job_comes_back_with_its_snapshot(stage: Stage):
    enqueue(stage, "a")
    number = number_of(stage, "a")
    stage.run()
    stage.now += 3 * HOUR
    with stage.store.undo.keeping("delete", now=stage.now) as kept:
        stage.store.jobs.delete(["a"], now=stage.now)
    sweep(stage, hours=0)

    stage.store.undo.take_back(kept.id, now=stage.now)
    sweep(stage, hours=0)

    assert number_of(stage, "a") == number
    assert stored(stage) == [LANG]
    stage.check()


def test_retry_keeps_the_snapshot_and_edit_replaces_it_until_it_is_undone(stage: Stage):
    enqueue(stage, "a")
    number = number_of(stage, "a")
    stage.run(Outcome.EXIT)
    stage.store.jobs.retry(["a"], now=stage.now)
    assert number_of(stage, "a") == number

    stage.now += 3 * HOUR
    with stage.store.undo.keeping("edit", now=stage.now) as kept:
        stage.store.edits.edit("a", {"snapshot": TZ, "shell": "bash"}, requeue=False, now=stage.now)
    assert number_of(stage, "a") != number
    stage.store.edits.edit("a", {"priority": 1}, requeue=False, now=stage.now)
    sweep(stage, hours=0)
    stage.store.undo.take_back(kept.id, now=stage.now)
    sweep(stage, hours=0)

    job = stage.store.jobs.get("a").job
    assert (job.environment, job.shell, job.priority) == (number, None, 1)
    assert LANG in stored(stage)
    stage.check()


def test_an_edit_can_remove_the_snapshot(stage: Stage):
    enqueue(stage, "a")

    stage.store.edits.edit("a", {"snapshot": None}, requeue=False, now=stage.now)

    assert number_of(stage, "a") is None


def test_a_job_without_its_snapshot_breaks_an_invariant(open_store: OpenStore):
    store = open_store()
    store.jobs.enqueue([NewJob(command="true")], max_retries=0, now=1, snapshot=LANG)
    with store.database.transaction():
        store.database.query("DELETE FROM environments")

    broken = [checked.name for checked in store.invariants() if checked.broken]

    assert broken == ["environment"]
    store.close()


def test_two_sessions_that_store_the_same_snapshot_store_it_once(open_store: OpenStore):
    first, second = open_store(), open_store()
    for number in range(6):
        store = (first, second)[number % 2]
        store.jobs.enqueue([NewJob(command="true")], max_retries=0, now=number * HOUR, snapshot=LANG)

    assert first.database.query("SELECT count(*), max(used_at) FROM environments") == [(1, 5 * HOUR)]
    first.close()
    second.close()


def test_a_session_waits_for_another_that_is_storing_the_same_snapshot(database: str):
    first, second, watcher = (on_postgresql(database)() for _ in range(3))
    ids: list[str] = []

    def enqueue_too() -> None:
        ids.extend(second.jobs.enqueue([NewJob(command="true")], max_retries=0, now=2, snapshot=LANG))

    other = threading.Thread(target=enqueue_too)
    with first.database.transaction():
        number = environments.intern(first.database, LANG, now=1)
        other.start()
        wait_until(lambda: watcher.database.query(WAITING)[0][0])
    other.join()

    assert second.jobs.get(ids[0]).job.environment == number
    assert first.database.query("SELECT variables FROM environments") == [(LANG,)]
    for store in (first, second, watcher):
        store.close()
