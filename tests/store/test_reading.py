"""Lists, counts, prune and backup; and that none of them scans a large store needlessly."""

from __future__ import annotations

import pytest

from queuectl.domain.attempt import Outcome
from queuectl.domain.errors import NotFound
from queuectl.domain.filter import Filter
from queuectl.domain.job import JobState, NewJob
from queuectl.store.queries import load
from queuectl.store.store import Store
from tests.support.store_driver import ON_SQLITE, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tests.store.conftest import OpenStore


def ids(store: Store, *, limit: int = 0, **conditions: Any) -> list[str]:
    return [listed.job.id for listed in store.jobs.listing(limit=limit, chosen=Filter(**conditions))]


def test_a_listing_is_the_newest_that_match_and_the_newest_last(stage: Stage):
    stage.enqueue(*(NewJob(command=f"echo {n}", id=f"job{n}", queue="odd" if n % 2 else "even") for n in range(10)))

    assert ids(stage.store) == [f"job{n}" for n in range(10)]
    assert ids(stage.store, limit=3) == ["job7", "job8", "job9"]
    assert ids(stage.store, limit=2, queues=("even",)) == ["job6", "job8"]
    assert ids(stage.store, queues=("missing",)) == []


def test_a_listing_of_several_states_keeps_the_order(stage: Stage):
    stage.enqueue(*"abcdef")
    for id_ in "ace":
        assert stage.run() == id_ if id_ == "a" else True
    stage.store.jobs.cancel("f", signal=15, now=stage.now)
    states = {id_: stage.store.jobs.state(id_) for id_ in "abcdef"}

    both = [JobState.COMPLETED, JobState.CANCELLED]
    assert ids(stage.store, states=tuple(both)) == [id_ for id_ in "abcdef" if states[id_] in both]
    assert ids(stage.store, states=tuple(both), limit=1) == ["f"]
    assert ids(stage.store, states=(*JobState, *JobState)) == list("abcdef")


def test_a_listing_spans_pages_and_excludes_jobs_enqueued_meanwhile(stage: Stage):
    stage.enqueue(*(f"job{n}" for n in range(2500)))

    found = stage.store.jobs.listing(limit=2200)
    first = next(found)
    stage.enqueue("late")

    assert first.job.id == "job300"
    assert [listed.job.id for listed in found] == [f"job{n}" for n in range(301, 2500)]


@pytest.mark.parametrize("text", ["100%", "a_b", "back\\slash", "'; DROP TABLE jobs;--", "É", '"', "%", "_"])
def test_a_search_is_literal(stage: Stage, text: str):
    stage.enqueue(
        "plain", NewJob(command=f"echo {text} end", id="command"), NewJob(command="true", id=f"id {text} end")
    )

    assert ids(stage.store, text=text) == ["command", f"id {text} end"]


def test_a_tag_matches_only_as_a_whole(stage: Stage):
    stage.enqueue(
        NewJob(command="true", id="a", tags=("red", "blue")), NewJob(command="true", id="b", tags=("redder",))
    )

    assert ids(stage.store, tag="red") == ["a"]
    assert ids(stage.store, tag="r%") == []


def test_a_job_is_read_as_it_was_enqueued(stage: Stage):
    new = NewJob(
        command="echo 'é\n日本' \\",
        id="a",
        queue="mail",
        priority=-7,
        max_retries=5,
        timeout_ms=1500,
        run_at=stage.now + 5,
        cwd="/tmp/é",
        env=(("A", "1 ' \" \n"), ("B", "")),
        tags=("x", "y"),
    )
    stage.enqueue(new)

    job = stage.store.jobs.get("a").job

    same = ["command", "id", "queue", "priority", "max_retries", "timeout_ms", "run_at", "cwd", "env", "tags"]
    assert [getattr(job, name) for name in same] == [getattr(new, name) for name in same]


def test_a_number_in_use_as_an_id_is_skipped(stage: Stage):
    stage.enqueue("2", "4")

    assert stage.enqueue(NewJob(command="true"), NewJob(command="true"), NewJob(command="true")) == ["3", "5", "6"]


def test_output_is_kept_to_the_byte(stage: Stage):
    stage.enqueue("a")
    stage.run(Outcome.EXIT, out="out\n", err="err\n")

    stdout, stderr = stage.store.jobs.output(1, 1)

    assert (stdout.head, stderr.head) == (b"out\n", b"err\n")
    assert stage.store.jobs.last_words(1, 1, 3) == b"rr\n"


def test_a_delete_removes_the_history_too(stage: Stage):
    stage.enqueue("a")
    stage.run(out="text")

    stage.store.jobs.delete(["a"], now=stage.now)

    for table in ("jobs", "runs", "outputs"):
        assert stage.store.database.query(f"SELECT count(*) FROM {table}") == [(0,)]
    with pytest.raises(NotFound):
        stage.store.jobs.get("a")
    assert stage.enqueue(NewJob(command="true")) == ["2"], "its number is not used again"


def test_prune_deletes_old_jobs_in_batches(stage: Stage):
    stage.enqueue(*(f"old{n}" for n in range(2300)))
    for n in range(2300):
        stage.store.jobs.cancel(f"old{n}", signal=15, now=stage.now)
    stage.now += 1000
    stage.enqueue("young", "waits")
    stage.store.jobs.cancel("young", signal=15, now=stage.now)

    pruned = stage.store.jobs.prune(JobState.CANCELLED, before=stage.now - 1, now=stage.now)

    assert pruned == 2300
    assert ids(stage.store) == ["young", "waits"]
    notes = stage.store.database.query("SELECT detail FROM events WHERE verb = 'prune' ORDER BY seq")
    counts = [int(detail.partition(" ")[0]) for (detail,) in notes]
    assert counts[0] == 1000
    assert sum(counts) == 2300
    assert len(counts) <= 3


def test_every_dead_job_is_revived_once(stage: Stage):
    stage.enqueue(*(f"job{n}" for n in range(3)), max_retries=0)
    for _ in range(3):
        stage.run(Outcome.EXIT)

    revived = [id_ for step in stage.store.jobs.revive(now=stage.now) for id_, _ in step]

    assert revived == ["job0", "job1", "job2"]
    assert stage.counts() == {"pending": 3}
    assert list(stage.store.jobs.revive(now=stage.now)) == []


def test_a_write_of_another_connection_is_noticed(open_store: OpenStore, stage: Stage):
    other = open_store()
    seen = stage.store.changed()
    assert stage.store.changed() == seen

    other.set_config("lease", "20", now=1)

    assert stage.store.changed() != seen
    other.close()


@ON_SQLITE
def test_a_backup_is_one_state_of_the_store_while_others_write(open_store: OpenStore, stage: Stage, tmp_path: Path):
    stage.enqueue(*(NewJob(command="x" * 1000, id=f"job{n}") for n in range(20_000)))
    other = open_store()
    copy = tmp_path / "copy.db"
    copy.touch()
    steps = 0

    def progress(_left: int, _pages: int) -> None:
        nonlocal steps
        steps += 1
        assert steps < 100, "each write made the copy begin again"
        other.set_config("lease", str(10 + steps), now=1)

    stage.store.backup(str(copy), progress)

    from queuectl.store.sqlite.database import SqliteDatabase

    saved = Store(SqliteDatabase(str(copy)), actor="tester@here")
    assert steps > 1
    assert saved.config() == {}
    assert sum(n for _, _, n in saved.counts()) == 20_000
    assert not [checked for checked in saved.invariants() if checked.broken]
    saved.close()
    other.close()


# Signs of a slow statement: a scan of a table, or a sort.
SLOW = ("SCAN jobs", "SCAN runs", "USE TEMP B-TREE")
QUICK = {
    "due_job",
    "due_job_in_queue",
    "next_due",
    "next_due_in_queue",
    "claim_job",
    "finish_job",
    "finish_run",
    "processing_of",
    "job_by_id",
    "state_of",
    "attempts_of",
    "output_of",
    "last_words",
    "counts",
    "left_to_run",
    "cancel_ready",
    "cancel_processing",
    "cancel_requested",
    "retry_job",
    "delete_job",
    "newest_seqs_in_state",
    "jobs_in_state_in_order",
    "revive",
    "prune",
    "ids_there",
    "claim_due",
    "claim_several_due",
    "insert_runs",
    "succeed_runs",
    "succeed_jobs",
    "withdraw_job",
    "sign_job",
    "hold_job",
    "release_job",
    "prioritise_job",
    "edit_job",
    "signatures_like",
    "dead_seqs",
    "dead_seqs_of_error",
    "newest_dead_of_error",
    "revive_these",
    "purge_these",
    "prunable_seqs",
    "ahead",
    "ahead_in_queue",
    "ahead_needing",
    "due_job_needing",
    "seqs_of",
    "image_of",
    "put_back_job",
    "keep_jobs",
    "keep_changes",
    "keep_runs",
    "keep_outputs",
    "newest_events_of",
}


@ON_SQLITE
@pytest.mark.parametrize("name", sorted(QUICK))
def test_a_statement_finds_its_rows_by_an_index(stage: Stage, name: str):
    statement = load("sqlite")[name]
    plan = stage.store.database._connection.execute(  # type: ignore[attr-defined]  # SQLite's
        "EXPLAIN QUERY PLAN " + statement, _Anything()
    ).fetchall()

    steps = [step for *_, step in plan]
    assert not [step for step in steps if step.startswith(SLOW)], steps


@ON_SQLITE
def test_a_page_of_a_listing_is_read_in_the_order_of_the_table(stage: Stage):
    for name in ("newest_seqs", "jobs_in_order"):
        plan = stage.store.database._connection.execute(  # type: ignore[attr-defined]  # SQLite's
            "EXPLAIN QUERY PLAN " + load("sqlite")[name], _Anything()
        ).fetchall()
        assert plan[0][3] == "SEARCH jobs USING INTEGER PRIMARY KEY (rowid<?)" or "rowid>?" in plan[0][3], plan
        assert not [step for *_, step in plan if "TEMP" in step]


class _Anything(dict):  # type: ignore[type-arg]  # of anything
    def __missing__(self, _name: str) -> int:
        return 1
