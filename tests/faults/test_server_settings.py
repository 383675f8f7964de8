"""A server that is set up for other programs: every setting is hostile, it is read-only, or it is behind a pooler."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.pooler import Pooler
from tests.support.postgres import Server
from tests.support.queue import Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = {
    "standard_conforming_strings": "off",
    "search_path": "pg_catalog",
    "client_encoding": "LATIN1",
    "datestyle": "German",
    "intervalstyle": "sql_standard",
    "timezone": "Asia/Kathmandu",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "backslash_quote": "off",
    "escape_string_warning": "on",
    "xmloption": "document",
    "row_security": "off",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "exit_on_error": "on",
    "synchronous_commit": "off",
    "statement_timeout": "30s",
    "transaction_timeout": "30s",
    "idle_session_timeout": "1s",
    "idle_in_transaction_session_timeout": "1ms",
    "lock_timeout": "1ms",
    "plan_cache_mode": "force_custom_plan",
    "jit_above_cost": "0",
    "enable_indexscan": "off",
    "enable_indexonlyscan": "off",
    "enable_nestloop": "off",
    "work_mem": "64kB",
}


@pytest.fixture
def refusing(server: Server, tmp_path: Path) -> Iterator[Queue]:
    """A queue that is created and used by a role all of whose settings are hostile."""
    url = server.create(empty=True)
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS hostile")
        admin.execute("CREATE ROLE hostile LOGIN SUPERUSER")
        for name, value in HOSTILE.items():
            admin.execute(f"ALTER ROLE hostile SET {name} = '{value}'")
    made = Queue(tmp_path, store=url.replace("postgres@", "hostile@"))
    yield made
    made.close()
    server.drop(url)


def test_a_role_all_of_whose_settings_are_hostile_changes_nothing(refusing: Queue):
    words = r"printf '%s\n' 'C:\new' é"
    refusing.run("enqueue", words, "--id", "job", "--tag", "a_b")
    refusing.run("enqueue", "exit 3", "--id", "bad", "--max-retries", "0")
    refusing.run("enqueue", "true", "--id", "job", code=4)

    assert [job["id"] for job in refusing.json("list", "--search", r"C:\new")] == ["job"]
    assert [job["id"] for job in refusing.json("list", "--tag", "a_b")] == ["job"]
    refusing.run("worker", "start", "--drain")

    assert refusing.state("job") == "completed"
    assert refusing.state("bad") == "dead"
    assert refusing.run("logs", "job").stdout == "C:\\new\né\n"
    assert refusing.json("show", "job")["command"] == words
    assert refusing.json("status")["jobs"]["completed"] == 1


@pytest.mark.parametrize("where", ["ROLE postgres", "DATABASE"])
def test_a_default_of_read_only_transactions_is_overridden(server: Server, database: str, tmp_path: Path, where: str):
    name = database.partition("@/")[2].partition("?")[0]
    queue = Queue(tmp_path, store=database)
    subject = where if where != "DATABASE" else f"DATABASE {name}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute(f"ALTER {subject} SET default_transaction_read_only = on")
        try:
            queue.run("enqueue", "true", "--id", "job")
            queue.run("worker", "start", "--drain")
        finally:
            admin.execute("BEGIN READ WRITE")
            admin.execute(f"ALTER {subject} RESET default_transaction_read_only")
            admin.execute("COMMIT")

    assert queue.state("job") == "completed"
    queue.close()


def test_a_role_for_which_no_trigger_fires_is_refused(server: Server, database: str, tmp_path: Path):
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS replica")
        admin.execute("CREATE ROLE replica LOGIN SUPERUSER; ALTER ROLE replica SET session_replication_role = replica")
    queue = Queue(tmp_path, store=database.replace("postgres@", "replica@"))

    refused = queue.run("enqueue", "true", code=5)

    assert "triggers do not fire" in refused.stderr
    assert "session_replication_role" in refused.stderr
    queue.close()


def test_a_read_only_server_is_reported_and_can_be_read(tmp_path: Path):
    server = Server()
    try:
        queue = Queue(tmp_path, store=server.create())
        queue.run("enqueue", "true", "--id", "job")
        server.stop()
        server.become_a_standby()
        server.start()

        assert [job["id"] for job in queue.json("list")] == ["job"]
        for words in (("enqueue", "true"), ("cancel", "job"), ("worker", "start", "--drain")):
            refused = queue.run(*words, code=5)
            assert "is read-only" in refused.stderr
            assert "primary" in refused.stderr
        asked = Queue(tmp_path, store=f"{queue.path}&target_session_attrs=read-write")
        assert "is read-only" in asked.run("list", code=5).stderr
    finally:
        server.close()


@pytest.mark.parametrize("words", [("enqueue", "true"), ("list",), ("worker", "start", "--drain")], ids=" ".join)
def test_a_pooler_that_keeps_no_session_is_named_and_left_as_it_was(
    database: str, tmp_path: Path, words: tuple[str, ...]
):
    with Pooler(database, keeps_sessions=False) as pooler:
        queue = Queue(tmp_path, store=pooler.url)

        refused = queue.run(*words, code=5)

        assert "connection pooler in transaction or statement mode" in refused.stderr
        assert "pool_mode = session" in refused.stderr
        with psycopg.connect(pooler.url, autocommit=True, prepare_threshold=None) as other:
            assert other.execute("SHOW search_path").fetchone() == ('"$user", public',)
            assert other.execute("SHOW enable_seqscan").fetchone() == ("on",)
        queue.close()


def test_a_pooler_that_keeps_a_session_for_each_client_works(database: str, tmp_path: Path):
    with Pooler(database, keeps_sessions=True) as pooler:
        queue = Queue(tmp_path, store=pooler.url)
        queue.run("enqueue", "true", "--id", "job")

        queue.run("worker", "start", "--drain")

        assert queue.state("job") == "completed"
        queue.close()
