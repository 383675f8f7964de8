"""A store on a server is created once, also by simultaneous commands, and never in a schema of another program."""

from __future__ import annotations

import multiprocessing

import psycopg
import pytest

from queuectl.domain.errors import StoreTooNew, StoreUnreadable
from queuectl.domain.job import NewJob
from queuectl.store.database import SCHEMA_VERSION
from queuectl.store.migrations import migrations
from queuectl.store.postgres.database import PostgresDatabase
from queuectl.store.store import Store
from tests.store.test_migrations import VIEWS_OF_VERSION_6
from tests.support.waiting import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Server


@pytest.fixture
def empty(server: Server) -> Iterator[str]:
    """URL of an empty database."""
    url = server.create(empty=True)
    yield url
    server.drop(url)


def names(found: list[tuple[int, str]]) -> list[str]:
    return [path.rpartition("/")[2] for _, path in found]


def test_both_stores_have_the_same_migrations():
    assert names(migrations("postgres")) == names(migrations("sqlite"))
    assert [number for number, _ in migrations("postgres")] == list(range(1, SCHEMA_VERSION + 1))


def first_command(url: str, start, results) -> None:
    start.wait()
    store = Store(PostgresDatabase(url), actor="tester@here")
    results.put(store.jobs.enqueue([NewJob(command="true")], max_retries=3, now=1))
    store.close()


def test_simultaneous_first_commands_create_one_store(empty: str):
    context = multiprocessing.get_context("fork")
    start, results = context.Event(), context.Queue()
    processes = [context.Process(target=first_command, args=(empty, start, results)) for _ in range(6)]
    for process in processes:
        process.start()
    start.set()

    assert sorted(results.get(timeout=PATIENCE)[0] for _ in processes) == list("123456")
    for process in processes:
        process.join()


def test_a_store_of_version_1_is_migrated_with_its_contents(empty: str):
    with psycopg.connect(empty, autocommit=True) as old:
        old.execute(
            "CREATE SCHEMA queuectl; CREATE TABLE queuectl.schema (application TEXT NOT NULL, version INTEGER NOT NULL)"
        )
        with open(dict(migrations("postgres"))[1], encoding="utf-8") as script:
            old.execute(script.read())
        old.execute("INSERT INTO queuectl.schema VALUES ('queuectl', 1)")
        old.execute(
            "INSERT INTO queuectl.jobs (seq, id, command, queue, max_retries, run_at, created_at, updated_at)"
            " SELECT nextval('queuectl.numbers'), id, 'true', 'q', 3, 1, 1, 1 FROM unnest(ARRAY['a', 'b']) AS id"
        )

    store = Store(PostgresDatabase(empty), actor="tester@here")

    assert store.database.query("SELECT version FROM schema") == [(SCHEMA_VERSION,)]
    store.edits.hold(["a"], now=2)
    assert store.jobs.enqueue([NewJob(command="true")], max_retries=3, now=2) == ["3"]
    assert sorted(counted for counted in store.counts() if counted[2]) == [
        ("default", "pending", 1),
        ("q", "held", 1),
        ("q", "pending", 1),
    ]
    assert not [checked.name for checked in store.invariants() if checked.broken]
    store.close()


def test_a_store_of_version_2_is_migrated_with_its_contents(empty: str):
    with psycopg.connect(empty, autocommit=True) as old:
        old.execute(
            "CREATE SCHEMA queuectl; CREATE TABLE queuectl.schema (application TEXT NOT NULL, version INTEGER NOT NULL)"
        )
        for version in (1, 2):
            with open(dict(migrations("postgres"))[version], encoding="utf-8") as script:
                old.execute(script.read())
        old.execute("INSERT INTO queuectl.schema VALUES ('queuectl', 2)")
        old.execute(
            "INSERT INTO queuectl.jobs (seq, id, command, queue, max_retries, run_at, created_at, updated_at)"
            " SELECT nextval('queuectl.numbers'), id, 'true', 'q', 3, 1, 1, 1 FROM unnest(ARRAY['a', 'b']) AS id;"
            "INSERT INTO queuectl.pools (id, host, pid, queues, size, started_at) VALUES ('p', 'here', 1, '[]', 1, 1)"
        )

    store = Store(PostgresDatabase(empty), actor="tester@here")

    assert store.database.query("SELECT version FROM schema") == [(SCHEMA_VERSION,)]
    store.jobs.enqueue([NewJob(command="true", id="train", needs=("gpu",))], max_retries=3, now=1)
    assert [each.job.needs for each in store.jobs.listing(limit=0)] == [(), (), ("gpu",)]
    assert [each.labels for each in store.workers.running_pools()] == [()]
    assert (store.claims().left_to_run(), store.claims((), ("gpu",)).left_to_run()) == (2, 3)
    indexes = store.database.query("SELECT indexname FROM pg_indexes WHERE schemaname = 'queuectl' ORDER BY 1")
    assert {"ready_jobs", "ready_jobs_in_queue", "ready_jobs_needing"} <= {name for (name,) in indexes}
    assert not [checked.name for checked in store.invariants() if checked.broken]
    store.close()


def test_a_store_of_version_5_is_migrated_with_its_jobs_and_their_undos(empty: str):
    with psycopg.connect(empty, autocommit=True) as old:
        old.execute(
            "CREATE SCHEMA queuectl; CREATE TABLE queuectl.schema (application TEXT NOT NULL, version INTEGER NOT NULL)"
        )
        for version in range(1, 6):
            with open(dict(migrations("postgres"))[version], encoding="utf-8") as script:
                old.execute(script.read())
        old.execute("INSERT INTO queuectl.schema VALUES ('queuectl', 5); SET search_path = queuectl")
        old.execute(
            "INSERT INTO jobs (seq, id, command, queue, max_retries, run_at, created_at, updated_at, env)"
            " SELECT nextval('numbers'), 'waits', 'true', 'q', 3, 1, 1, 1, '{\"A\": \"1\"}';"
            "INSERT INTO undos (at, actor, verb) VALUES (1000, 'ann@host', 'delete');"
            "INSERT INTO undo_jobs (undo, job, id, before, runs)"
            " SELECT 1, nextval('numbers'), 'deleted', json_build_object("
            "'command', 'true', 'queue', 'q', 'state', 'cancelled', 'priority', 2, 'attempts', 0, 'max_retries', 3,"
            "'losses', 0, 'timeout_ms', null, 'run_at', 1, 'created_at', 1, 'updated_at', 1, 'finished_at', 1,"
            "'fence', 0, 'cwd', null, 'env', null, 'tags', null, 'signature', null, 'needs', null), '[]'"
        )

    store = Store(PostgresDatabase(empty), actor="tester@here")

    assert store.database.query("SELECT version FROM schema") == [(SCHEMA_VERSION,)]
    store.undo.take_back(1, now=1001)
    assert [(each.job.id, each.job.env, each.job.environment) for each in store.jobs.listing(limit=0)] == [
        ("waits", (("A", "1"),), None),
        ("deleted", (), None),
    ]
    assert store.jobs.enqueue([NewJob(command="true")], max_retries=3, now=2, snapshot='{"A": "1"}') == ["3"]
    assert store.jobs.get("3").job.environment == 1
    assert not [checked.name for checked in store.invariants() if checked.broken]
    store.close()


def test_other_schemas_of_the_database_are_left_alone(empty: str):
    with psycopg.connect(empty, autocommit=True) as other:
        other.execute("CREATE TABLE jobs (mine TEXT); INSERT INTO jobs VALUES ('precious')")

        PostgresDatabase(empty).close()

        assert other.execute("SELECT mine FROM jobs").fetchall() == [("precious",)]


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE queuectl.something (a INT)",
        "CREATE TABLE queuectl.schema (a INT)",
        "CREATE TABLE queuectl.schema (application TEXT, version INT)",
        "CREATE TABLE queuectl.schema (application TEXT, version INT); INSERT INTO queuectl.schema VALUES ('other', 1)",
    ],
)
def test_a_schema_of_another_program_is_refused_untouched(empty: str, made: str):
    with psycopg.connect(empty, autocommit=True) as other:
        other.execute(f"CREATE SCHEMA queuectl; {made}")

        with pytest.raises(StoreUnreadable, match="another program's schema"):
            PostgresDatabase(empty)

        found = other.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'queuectl'").fetchall()
    assert found == [(1,)]


def test_a_newer_store_is_refused(database: str):
    with psycopg.connect(database, autocommit=True) as newer:
        newer.execute("UPDATE queuectl.schema SET version = 999")

        with pytest.raises(StoreTooNew, match="schema 999"):
            PostgresDatabase(database)

        assert newer.execute("SELECT version FROM queuectl.schema").fetchall() == [(999,)]


def test_saved_views_of_version_6_keep_a_queue_whose_name_has_a_comma(empty: str):
    with psycopg.connect(empty, autocommit=True) as old:
        old.execute(
            "CREATE SCHEMA queuectl; CREATE TABLE queuectl.schema (application TEXT NOT NULL, version INTEGER NOT NULL)"
        )
        for version in range(1, 7):
            with open(dict(migrations("postgres"))[version], encoding="utf-8") as script:
                old.execute(script.read())
        old.execute("INSERT INTO queuectl.schema VALUES ('queuectl', 6)")
        for name, (before, _) in VIEWS_OF_VERSION_6.items():
            old.execute("INSERT INTO queuectl.views VALUES (%s, %s, 1, 'ann@host')", (name, before))

    store = Store(PostgresDatabase(empty), actor="tester@here")

    assert {each.name: each.filter for each in store.views.list()} == {
        name: after for name, (_, after) in VIEWS_OF_VERSION_6.items()
    }
    store.close()
