"""The cost of a worker's statements does not depend on the statistics of the tables."""

from __future__ import annotations

import random
import re

import psycopg
import pytest

from queuectl.domain.attempt import Outcome, Result
from queuectl.domain.job import NewJob
from queuectl.store.postgres.database import PostgresDatabase
from queuectl.store.postgres.dialect import statements
from queuectl.store.store import Store
from tests.support.store_driver import BACKOFF, START, Stage, finish_and_claim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from tests.support.postgres import Server

JOBS = 8_000
FILL = f"""
INSERT INTO queuectl.jobs (seq, id, command, queue, priority, max_retries, run_at, created_at, updated_at)
SELECT n, 'job' || n, 'true', 'default', 0, 3, 1, 1, 1 FROM generate_series(1, {JOBS}) AS n
"""
FINISH = "UPDATE queuectl.jobs SET state = 'completed', finished_at = 1"
RUNS = """
INSERT INTO queuectl.runs (job, fence, worker, started_at, ended_at, duration_ms, outcome, exit_code)
SELECT seq, 1, 'w', 1, 1, 1, 'success', 0 FROM queuectl.jobs
"""
# A long history in other queues, and jobs that are due much later, which a claim must not scan either.
OTHERS = f"""
INSERT INTO queuectl.jobs (seq, id, command, queue, priority, max_retries, run_at, created_at, updated_at, needs)
SELECT {JOBS} + n, 'later' || n, 'true', 'queue' || n % 5, n % 3, 3, 9000000000000, 1, 1,
    CASE n % 5 WHEN 0 THEN 'gpu' END
FROM generate_series(1, 3000) AS n
"""
SIZES = "UPDATE pg_class SET reltuples = {}, relpages = {} WHERE relnamespace = 'queuectl'::regnamespace"
LIES = {
    "all jobs are due": (FILL, "VACUUM ANALYZE", RUNS, FINISH, OTHERS, "VACUUM"),
    "there are no jobs": ("VACUUM ANALYZE", FILL, RUNS, FINISH, OTHERS, "VACUUM", SIZES.format(0, 1)),
    "nothing is known": (FILL, RUNS, FINISH, OTHERS, "VACUUM", SIZES.format(-1, 0), "DELETE FROM pg_statistic"),
    "every job is due later": (FILL, OTHERS, FINISH, "VACUUM ANALYZE", RUNS, "VACUUM"),
    "there are a milliard jobs on few pages": (FILL, RUNS, FINISH, OTHERS, "VACUUM ANALYZE", SIZES.format(1e9, 10)),
    "there is one job on many pages": (FILL, RUNS, FINISH, OTHERS, "VACUUM ANALYZE", SIZES.format(1, 1e6)),
}
HOT = [
    *(
        "claim_due",
        "succeed_and_claim",
        "succeed_and_claim_several",
        "due_job",
        "due_job_in_queue",
        "due_job_needing",
        "claim_job",
    ),
    *("finish_run", "finish_job", "sign_job", "insert_output", "lock_own_row", "renew_session", "processing_of"),
    *("next_due", "next_due_in_queue", "heads_needing", "needs_left", "cancel_requested", "state_after"),
    *(
        "renew_worker",
        "renew_pool",
        "orders_of_pool",
        "expired_workers",
        "write_off_worker",
        "stop_worker",
        "write_down",
    ),
    *("run_started_at", "attempt_is_open", "send_output", "sent_outputs", "discard_output", "take_chore", "lock_jobs"),
]
VALUES: dict[str, Any] = {
    **dict.fromkeys(("worker", "id"), "w"),
    **dict.fromkeys(("head", "tail", "out_head", "out_tail", "err_head", "err_tail"), b""),
    **dict.fromkeys(("out_total", "err_total"), 0),
    **{name: [1] for name in ("jobs", "fences", "durations", "out_jobs", "out_fences", "streams", "totals")},
    **{name: [b""] for name in ("heads", "tails")},
    "session": 0,
    "most": 8,
    "now": START,
    "queue": "default",
    "needs": "gpu",
    "ids": '["job1"]',
    "rows": '[[1, "default", "success", 0, 1]]',
    "state": "completed",
}
SLOW = re.compile(r"Seq Scan on (?!counted_since)|Sort Key: (?!\(\(jobs\.seq \+ 0)|Bitmap|Hash Join|Merge Join")
ONE_ROW = re.compile(r"jobs_(pkey|state)\b")
"""Indexes by number, or by state and number: either finds a single row."""
CONDITION = re.compile(r"^ *(Index Cond|Filter): .*\n?", re.MULTILINE)


@pytest.fixture(scope="module", params=LIES)
def misled(request: pytest.FixtureRequest, server: Server) -> Iterator[Store]:
    """A store with wrong statistics."""
    url = server.create()
    with psycopg.connect(url, autocommit=True) as telling:
        telling.execute("SET session_replication_role = replica")
        for statement in LIES[request.param]:
            telling.execute(statement)
        telling.execute("SELECT setval('queuectl.numbers', 100000)")
    store = Store(PostgresDatabase(url), actor="tester@here")
    # As a worker's connection: its plans are made once.
    store.database.patience = 60
    Stage(store, "w")
    yield store
    store.close()
    server.drop(url)


@pytest.fixture(scope="module")
def plans() -> dict[str, str]:
    """The plan of each statement with the first of the wrong statistics."""
    return {}


def plan_of(store: Store, name: str) -> str:
    statement = statements()[name]
    values = {parameter: VALUES.get(parameter, 1) for parameter in statement.parameters}
    database = store.database
    assert isinstance(database, PostgresDatabase)
    return "\n".join(line for (line,) in database._fetch(f"EXPLAIN (COSTS OFF) {statement.text}", values))


def shape(plan: str) -> str:
    return CONDITION.sub("", ONE_ROW.sub("", plan)).strip()


def read_by(store: Store, work: Callable[[], object]) -> int:
    """Return how many pages of the store's tables and indexes `work` reads; its changes are rolled back."""
    counted = (
        "SELECT CAST(sum(pg_stat_get_xact_blocks_fetched(oid)) AS BIGINT) FROM pg_class "
        "WHERE relnamespace = 'queuectl'::regnamespace"
    )
    database = store.database
    assert isinstance(database, PostgresDatabase)
    database.execute("BEGIN")
    database.within = True
    try:
        ((before,),) = database.query(counted)
        work()
        ((after,),) = database.query(counted)
    finally:
        database.execute("ROLLBACK")
        database.within = False
    return int(after - before)


@pytest.mark.parametrize("name", HOT)
def test_the_plan_does_not_depend_on_statistics(misled: Store, plans: dict[str, str], name: str):
    plan = plan_of(misled, name)

    assert shape(plan) == shape(plans.setdefault(name, plan))
    assert not SLOW.search(plan), plan


@pytest.mark.parametrize(
    ("name", "index"),
    [
        *(
            ("claim_due", "ready_jobs"),
            ("succeed_and_claim", "ready_jobs"),
            ("succeed_and_claim_several", "ready_jobs"),
            ("due_job", "ready_jobs"),
        ),
        *(("next_due", "ready_jobs"), ("due_job_in_queue", "ready_jobs_in_queue")),
        *(("next_due_in_queue", "ready_jobs_in_queue"), ("due_job_needing", "ready_jobs_needing")),
        *(("heads_needing", "ready_jobs_needing"), ("needs_left", "ready_jobs_needing")),
    ],
)
def test_a_query_for_due_jobs_uses_the_index_with_their_order(misled: Store, name: str, index: str):
    used = set(re.findall(r"using (\w+) on jobs", plan_of(misled, name)))

    assert index in used
    assert used <= {index, "jobs_pkey", "jobs_state"}


def test_a_workers_statements_read_few_pages_with_any_statistics(misled: Store):
    any_queue, one_queue = misled.claims(), misled.claims(["default"])
    given = misled.claims([], ["gpu"])
    result = Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0)

    def claim_and_finish() -> None:
        for _ in range(2):
            misled.jobs.enqueue([NewJob(command="true", priority=0)], max_retries=3, now=START)
        claim = any_queue.claim("w", now=START)
        assert claim is not None
        _, following = finish_and_claim(any_queue, claim, "w", result, now=START)
        assert following is not None

    def claim_in_a_queue() -> None:
        misled.jobs.enqueue([NewJob(command="true")], max_retries=3, now=START)
        claim = one_queue.claim("w", now=START)
        assert claim is not None
        one_queue.finish(claim, "w", result, backoff=BACKOFF, random=random.Random(1), now=START)

    looks: dict[str, Callable[[], object]] = {
        "claim and finish": claim_and_finish,
        "claim in a queue": claim_in_a_queue,
        "idle": any_queue.next_due,
        "idle in a queue": one_queue.next_due,
        "idle with a label": given.next_due,
        "left to run": given.left_to_run,
        "held": lambda: any_queue.held_by("w"),
        "lease": lambda: misled.leases.renew("w", None, lease_ms=1000),
        "counters": misled.counts,
    }
    pages = {name: read_by(misled, look) for name, look in looks.items()}

    assert not {name: read for name, read in pages.items() if read > 250}


def test_a_plan_made_for_an_empty_store_suits_a_large_one(server: Server):
    url = server.create()
    store = Store(PostgresDatabase(url), actor="tester@here")
    store.database.patience = 60
    stage = Stage(store, "w")
    for _ in range(12):
        # After that, both driver and server reuse a plan for each statement.
        stage.enqueue(NewJob(command="true"))
        stage.run()
        store.claims().next_due()
    with psycopg.connect(url, autocommit=True) as filling:
        filling.execute("SET session_replication_role = replica")
        for statement in (FILL.replace("AS n", "AS n WHERE n > 1000"), FINISH, RUNS, OTHERS):
            filling.execute(statement + (" WHERE seq > 1000" if statement in {FINISH, RUNS} else ""))
        filling.execute("VACUUM")
        filling.execute("SELECT setval('queuectl.numbers', 100000)")
    stage.enqueue(NewJob(command="true"))

    assert read_by(store, stage.run) < 250

    store.close()
    server.drop(url)
