"""No statement of a worker or an operator scans a large store: a claim costs the same for any number of jobs."""

from __future__ import annotations

import re

import psycopg
import pytest

from queuectl.domain.job import NewJob
from queuectl.store.postgres.database import PostgresDatabase
from queuectl.store.postgres.dialect import statements
from queuectl.store.store import Store
from tests.support.store_driver import START, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tests.support.postgres import Server

JOBS = """
INSERT INTO queuectl.jobs (seq, id, command, queue, state, priority, max_retries, run_at, created_at, updated_at,
    finished_at, signature, needs)
SELECT n, 'job' || n, 'true', 'queue' || n % 3,
    CASE n % 5 WHEN 0 THEN 'pending' WHEN 1 THEN 'dead' ELSE 'completed' END, n % 3, 3,
    CASE n % 10 WHEN 0 THEN 9000000000000 ELSE 1 END, 1, 1, CASE n % 5 WHEN 0 THEN NULL ELSE 1 END,
    CASE n % 5 WHEN 1 THEN 'abcd' || n % 7 END, CASE n % 15 WHEN 0 THEN 'gpu' || n % 2 END
FROM generate_series(1, 60000) AS n
"""
RUNS = """
INSERT INTO queuectl.runs (job, fence, worker, started_at, ended_at, duration_ms, outcome, exit_code)
SELECT seq, 1, 'w', 1, 1, 1, 'success', 0 FROM queuectl.jobs WHERE state = 'completed'
"""
WORKERS = """
INSERT INTO queuectl.workers (id, pool, host, boot_id, pid, started_at) SELECT 'w' || n, 'p', 'h', 'b', 1, 1
FROM generate_series(1, 2000) AS n
"""
VALUES: dict[str, Any] = {
    **{name: [1] for name in ("jobs", "fences", "durations", "out_jobs", "out_fences", "streams", "totals")},
    **{name: [b""] for name in ("heads", "tails")},
    "ids": '["job1"]',
    "seqs": "[1]",
    "id": "job1",
    "queue": "queue1",
    "state": "dead",
    "signature": "abcd1",
    "prefix": "abcd",
    "worker": "w",
    "subject": "job1",
    "actor": "ann@host",
    "tag": None,
    "search": None,
    **dict.fromkeys(("queues", "not_queues", "not_tag", "error", "older", "newer", "exits")),
    "from": 100,
    "to": 200,
    "env": None,
    "tags": None,
    "cwd": None,
    "command": "true",
    "needs": "gpu1",
    "of": "queue0",
    "unserved": '["gpu1"]',
}
QUICK = [
    *("due_job_in_queue", "next_due", "next_due_in_queue", "claim_due", "claim_job", "finish_job", "finish_run"),
    *("succeed_and_claim", "succeed_and_claim_several", "left_to_run", "counts"),
    *("processing_of", "job_by_id", "state_of", "attempts_of", "output_of", "last_words", "cancel_ready"),
    *("cancel_processing", "cancel_requested", "retry_job", "delete_job", "newest_seqs", "newest_seqs_in_state"),
    *("jobs_in_order", "jobs_in_state_in_order", "revive", "prune", "ids_there", "lock_jobs", "sign_job", "hold_job"),
    *("release_job", "prioritise_job", "edit_job", "signatures_like", "dead_seqs", "dead_seqs_of_error"),
    *(
        "newest_dead_of_error",
        "count_dead_of_error",
        "revive_these",
        "purge_these",
        "prunable_seqs",
        "ahead",
        "ahead_in_queue",
        "seqs_of",
    ),
    *("image_of", "put_back_job", "keep_jobs", "browse_newest", "browse_newest_in_state", "browse_oldest"),
    *("due_job", "due_job_needing", "heads_needing", "needs_left", "browse_next_needing", "ahead_needing"),
    *("browse_oldest_in_state", "browse_next", "browse_ids", "browse_ids_in_state", "browse_these", "ready_priorities"),
    *("not_due", "not_due_needing", "jobs_by_ids"),
]


@pytest.fixture(scope="module")
def large(server: Server) -> Iterator[Store]:
    """A store of many jobs: some due, some later, some dead, most of them done."""
    url = server.create()
    with psycopg.connect(url, autocommit=True) as filling:
        filling.execute("SET session_replication_role = replica")
        filling.execute(JOBS)
        filling.execute(RUNS)
        filling.execute(WORKERS)
        filling.execute("SELECT setval('queuectl.numbers', 60000)")
        filling.execute("VACUUM ANALYZE")
    store = Store(PostgresDatabase(url), actor="tester@here")
    yield store
    store.close()
    server.drop(url)


def plan_of(store: Store, name: str) -> str:
    statement = statements()[name]
    values = {parameter: VALUES.get(parameter, 1) for parameter in statement.parameters}
    if "now" in values:
        values["now"] = START
    database = store.database
    assert isinstance(database, PostgresDatabase)
    rows = database._fetch(f"EXPLAIN (COSTS OFF) {statement.text}", values)
    return "\n".join(line for (line,) in rows)


@pytest.mark.parametrize(
    ("name", "changed"), [("claim_due", 1), ("succeed_and_claim", 2), ("succeed_and_claim_several", 3)]
)
def test_a_claim_uses_the_index_of_ready_jobs_and_nothing_else(large: Store, name: str, changed: int):
    plan = plan_of(large, name)

    used = re.findall(r"using (\w+) on jobs", plan)
    assert "ready_jobs" in used
    assert "LockRows" in plan
    for slow in ("Seq Scan", "Sort", "Bitmap", "Hash"):
        assert slow not in plan, plan
    # Changed rows are found by number (or state and number), all others by the index.
    assert len([index for index in used if index in {"jobs_pkey", "jobs_state"}]) == changed
    assert set(used) <= {"ready_jobs", "jobs_pkey", "jobs_state"}


def test_a_claim_in_a_queue_uses_the_index_of_that_queue(large: Store):
    plan = plan_of(large, "due_job_in_queue")

    assert set(re.findall(r"using (\w+) on jobs", plan)) == {"ready_jobs_in_queue"}
    assert "Sort" not in plan


def test_a_claim_with_labels_uses_the_index_of_jobs_with_needs(large: Store):
    plan = plan_of(large, "due_job_needing")

    assert set(re.findall(r"using (\w+) on jobs", plan)) == {"ready_jobs_needing"}
    assert "Sort" not in plan


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("next_due", "ready_jobs"),
        ("next_due_in_queue", "ready_jobs_in_queue"),
        ("ready_priorities", "ready_jobs"),
        ("heads_needing", "ready_jobs_needing"),
    ],
)
def test_a_query_for_ready_jobs_reads_only_an_index(large: Store, name: str, index: str):
    plan = plan_of(large, name)

    found = re.findall(r"(Index [\w ]*Scan[\w ]*) using (\w+) on jobs", plan)
    assert {(scan.startswith("Index Only Scan"), used) for scan, used in found} == {(True, index)}, plan


@pytest.mark.parametrize("name", QUICK)
def test_a_statement_finds_its_rows_by_an_index(large: Store, name: str):
    plan = plan_of(large, name)

    assert "Seq Scan on jobs" not in plan, plan


@pytest.mark.parametrize("name", QUICK)
def test_no_statement_scans_a_whole_index(large: Store, name: str):
    plan = plan_of(large, name)

    index = r"(?:(?:jobs|runs|workers)_|ready_jobs)\w*"
    whole = re.search(rf"Scan[\w ]* using {index} on \w+.*\n(?!\s+Index Cond)", f"{plan}\n")
    assert whole is None or "Limit" in plan, plan


def test_a_claim_reads_the_same_few_pages_with_a_large_store_behind_it(large: Store):
    stage = Stage(large, "w")
    stage.enqueue(NewJob(command="true", priority=9))

    with large.database.transaction():
        plan = "\n".join(
            line
            for (line,) in large.database._fetch(  # type: ignore[attr-defined]
                f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statements()['claim_due'].text}",
                {"worker": "w", "session": 0, "now": START},
            )
        )
        taken = re.search(r"shared hit=(\d+)(?: read=(\d+))?", plan)
        assert taken is not None
        pages = int(taken[1]) + int(taken[2] or 0)
        ((worker,),) = large.database.query("SELECT owner FROM jobs WHERE priority = 9")
        assert worker == "w"
        large.database.query("ROLLBACK; BEGIN")

    assert pages < 120, plan
