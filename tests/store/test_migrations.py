"""An SQLite store is created once, also by simultaneous commands, and never in place of another file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from array import array

import apsw
import pytest

from queuectl.domain.errors import StoreBusy
from queuectl.domain.filter import parse_filter
from queuectl.domain.job import JobState, NewJob
from queuectl.domain.view_layout import parse_view
from queuectl.store.database import APPLICATION_ID, SCHEMA_VERSION
from queuectl.store.migrations import migrations
from queuectl.store.queries import load
from queuectl.store.sqlite.database import SqliteDatabase
from queuectl.store.sqlite.files import Files
from queuectl.store.sqlite.schema import migrate
from queuectl.store.store import Store
from tests.support.command import environment, finished, run, start
from tests.support.store_driver import ON_SQLITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from tests.store.conftest import OpenStore


OF_VERSION_5 = """
    INSERT INTO pools (id, host, pid, queues, size, started_at) VALUES ('p', 'here', 1, '[]', 1, 1);
    INSERT INTO workers (id, pool, host, boot_id, pid, started_at) VALUES ('w', 'p', 'here', 'boot', 2, 1);
    INSERT INTO jobs (seq, id, command, queue, max_retries, run_at, created_at, updated_at, cwd, env)
    VALUES (1, 'waits', 'true', 'q', 3, 1, 1, 1, '/', '{"A": "1"}');
    INSERT INTO jobs (seq, id, command, queue, max_retries, run_at, created_at, updated_at, priority)
    VALUES (2, 'changed', 'true', 'q', 3, 1, 1, 1, 5), (3, 'x', 'true', 'q', 3, 1, 1, 1, 0);
    DELETE FROM jobs WHERE id = 'x';
    INSERT INTO undos (id, at, actor, verb) VALUES (1, :now, 'ann@host', 'priority'), (2, :now, 'ann@host', 'delete');
    INSERT INTO undo_jobs (undo, job, id, before, after)
    SELECT 1, seq, id, json_set(image, '$.priority', 0), image FROM (
        SELECT seq, id, json_object(
            'command', command, 'queue', queue, 'state', state, 'priority', priority, 'attempts', attempts,
            'max_retries', max_retries, 'losses', losses, 'timeout_ms', timeout_ms, 'run_at', run_at,
            'created_at', created_at, 'updated_at', updated_at, 'finished_at', finished_at, 'fence', fence, 'cwd', cwd,
            'env', env, 'tags', tags, 'signature', signature, 'needs', needs) AS image
        FROM jobs WHERE id = 'changed');
    INSERT INTO undo_jobs (undo, job, id, before, runs) VALUES (2, 3, 'deleted',
        '{"command": "true", "queue": "q", "state": "cancelled", "priority": 2, "attempts": 0, "max_retries": 3,
          "losses": 0, "timeout_ms": null, "run_at": 1, "created_at": 1, "updated_at": 1, "finished_at": 1, "fence": 0,
          "cwd": null, "env": null, "tags": null, "signature": null, "needs": null}', '[]')
"""
"""Jobs, and actions that can be undone, as a store of version 5 holds them."""


VIEWS_OF_VERSION_6 = {
    "comma": ("state:dead queue:a,b tag:x sort:-duration", 'state:dead queue:"a,b" tag:x sort:-duration'),
    "text": ("report,queue:a,b xqueue:a,b", "report,queue:a,b xqueue:a,b"),
    "states": ("state:dead,failed queue:mail", "state:dead,failed queue:mail"),
    "several": ("queue:a,b,c", 'queue:"a,b,c"'),
}
"""Filters of saved views by name, as they were and as they are migrated."""


def test_the_newest_migration_is_the_version_of_the_schema():
    numbers = [number for number, _ in migrations("sqlite")]

    assert numbers == list(range(1, SCHEMA_VERSION + 1))


@ON_SQLITE
def test_a_new_store_has_the_application_id_and_private_permissions(open_store: OpenStore, tmp_path: Path):
    store = open_store()

    assert store.database.query("PRAGMA application_id") == [(APPLICATION_ID,)]
    assert store.database.query("PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert store.database.query("PRAGMA journal_mode") == [("wal",)]
    for file in tmp_path.glob("queue.db*"):
        assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    store.close()


def test_a_store_of_version_1_is_migrated_with_its_contents(tmp_path: Path):
    path = str(tmp_path / "queue.db")
    connection = apsw.Connection(path)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    with open(dict(migrations("sqlite"))[1], encoding="utf-8") as script:
        connection.execute(script.read()).fetchall()
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1").fetchall()
    connection.execute(
        """
        INSERT INTO pools VALUES ('p', 'here', 1, '[]', 1, NULL, 1, NULL);
        INSERT INTO workers VALUES ('w', 'p', 'here', 'boot', 2, 3, 1, NULL, 0, 0);
        INSERT INTO jobs (seq, id, command, queue, max_retries, run_at, created_at, updated_at)
        VALUES (1, 'done', 'true', 'q', 3, 1, 1, 1), (2, 'dead', 'false', 'q', 0, 1, 1, 1),
            (3, 'runs', 'sleep 9', 'q', 3, 1, 1, 1), (7, 'waits', 'true', 'mail', 3, 1, 1, 1);
        UPDATE jobs SET state = 'processing', owner = 'w', fence = 1, attempts = 1 WHERE seq < 4;
        INSERT INTO runs (job, fence, worker, started_at) VALUES (1, 1, 'w', 2), (2, 1, 'w', 2), (3, 1, 'w', 2);
        UPDATE runs SET outcome = iif(job = 1, 'success', 'exit'), exit_code = job - 1, ended_at = 3 WHERE job < 3;
        INSERT INTO outputs VALUES (2, 1, 2, x'6f68206e6f', x'', 5);
        UPDATE jobs SET state = iif(seq = 1, 'completed', 'dead'), owner = NULL, finished_at = 3 WHERE seq < 3;
        DELETE FROM jobs WHERE seq = 7;
        INSERT INTO events (at, actor, verb, subject) VALUES (1, 'ann@host', 'enqueue', 'done');
        """
    ).fetchall()
    connection.close()
    old = apsw.Connection(path)
    assert old.execute("SELECT count(*) FROM jobs").get == 3

    store = Store(SqliteDatabase(path), actor="tester@here")

    assert store.database.query("PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert [(listed.job.id, listed.job.state.value) for listed in store.jobs.listing(limit=0)] == [
        ("done", "completed"),
        ("dead", "dead"),
        ("runs", "processing"),
    ]
    assert store.jobs.output(2, 1)[1].head == b"oh no"
    assert store.jobs.enqueue([NewJob(command="true")], max_retries=3, now=5) == ["8"], "no number is used again"
    store.edits.hold(["8"], now=6)
    assert store.jobs.state("8") is JobState.HELD
    assert [error.signature for error in store.dlq.errors()] == ["none"]
    assert store.dlq.resolve("none") is None
    assert [listed.job.id for listed in store.dlq.listing(None, limit=0)] == ["dead"]
    assert [event.command for event in store.events.events(limit=9)] == [None] * 3
    assert not [checked.name for checked in store.invariants() if checked.broken]
    assert not [finding for finding in store.findings(thorough=True) if finding.cure]
    # A worker that had the store open all the time continues.
    assert (
        old.execute("UPDATE jobs SET state = 'completed', owner = NULL, finished_at = 9 WHERE id = 'runs'").get is None
    )
    assert store.jobs.state("runs") is JobState.COMPLETED
    old.close()
    store.close()


def test_a_store_of_version_2_is_migrated_and_an_old_worker_stops_claiming(tmp_path: Path):
    path = str(tmp_path / "queue.db")
    old = apsw.Connection(path)
    old.execute("PRAGMA journal_mode = WAL").fetchall()
    for version in (1, 2):
        with open(dict(migrations("sqlite"))[version], encoding="utf-8") as script:
            old.execute(f"BEGIN; {script.read()}; COMMIT").fetchall()
    old.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2").fetchall()
    old.execute(
        """
        INSERT INTO pools VALUES ('p', 'here', 1, '["mail"]', 1, NULL, 1, NULL);
        INSERT INTO jobs (seq, id, command, queue, max_retries, run_at, created_at, updated_at, tags)
        VALUES (1, 'waits', 'true', 'mail', 3, 1, 1, 1, ' x '), (2, 'later', 'true', 'mail', 3, 9, 1, 1, NULL);
        """
    ).fetchall()
    claim_of_then = "SELECT seq FROM jobs INDEXED BY jobs_ready WHERE state IN ('pending', 'failed') AND priority = 0"
    assert len(old.execute(claim_of_then).fetchall()) == 2

    store = Store(SqliteDatabase(path), actor="tester@here")

    assert store.database.query("PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert [(each.id, each.queues, each.labels) for each in store.workers.running_pools()] == [("p", ("mail",), ())]
    assert [(each.job.id, each.job.tags, each.job.needs) for each in store.jobs.listing(limit=0)] == [
        ("waits", ("x",), ()),
        ("later", (), ()),
    ]
    store.jobs.enqueue([NewJob(command="true", id="train", needs=("gpu",))], max_retries=3, now=1)
    assert store.claims().next_due() == 1
    # It would run jobs that need a label it lacks.
    with pytest.raises(apsw.SQLError, match="no such index"):
        old.execute(claim_of_then).fetchall()
    assert not [checked.name for checked in store.invariants() if checked.broken]
    assert not [finding for finding in store.findings(thorough=True) if finding.cure]
    old.close()
    store.close()


def test_a_store_of_version_5_is_migrated_with_its_jobs_and_their_undos(tmp_path: Path):
    path = str(tmp_path / "queue.db")
    old = apsw.Connection(path)
    old.execute("PRAGMA journal_mode = WAL").fetchall()
    for version in range(1, 6):
        with open(dict(migrations("sqlite"))[version], encoding="utf-8") as script:
            old.execute(f"BEGIN; {script.read()}; COMMIT").fetchall()
    old.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 5").fetchall()
    old.execute(OF_VERSION_5.replace(":now", "1000000")).fetchall()
    claim_of_then = (
        "UPDATE jobs SET state = 'processing', fence = 1, attempts = 1, owner = 'w' WHERE seq = 1"
        " RETURNING id, cwd, env"
    )

    store = Store(SqliteDatabase(path), actor="tester@here")

    assert store.database.query("PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert [
        (each.job.id, each.job.env, each.job.environment, each.job.shell) for each in store.jobs.listing(limit=0)
    ] == [("waits", (("A", "1"),), None, None), ("changed", (), None, None)]
    for undo in store.undo.list(now=1_000_001):
        store.undo.take_back(undo.id, now=1_000_001)
    assert [(each.job.id, each.job.priority) for each in store.jobs.listing(limit=0)] == [
        ("waits", 0),
        ("changed", 0),
        ("deleted", 2),
    ]
    assert store.jobs.enqueue([NewJob(command="true")], max_retries=3, now=5, snapshot='{"A": "1"}') == ["4"]
    # A worker that had the store open all the time continues.
    assert old.execute(claim_of_then).fetchall() == [("waits", "/", '{"A": "1"}')]
    old.execute("INSERT INTO runs (job, fence, worker, started_at) VALUES (1, 1, 'w', 1)").fetchall()
    assert not [checked.name for checked in store.invariants() if checked.broken]
    assert not [finding for finding in store.findings(thorough=True) if finding.cure]
    old.close()
    store.close()


def test_saved_views_of_version_6_keep_a_queue_whose_name_has_a_comma(tmp_path: Path):
    path = str(tmp_path / "queue.db")
    old = apsw.Connection(path)
    old.execute("PRAGMA journal_mode = WAL").fetchall()
    for version in range(1, 7):
        with open(dict(migrations("sqlite"))[version], encoding="utf-8") as script:
            old.execute(f"BEGIN; {script.read()}; COMMIT").fetchall()
    old.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 6").fetchall()
    for name, (before, _) in VIEWS_OF_VERSION_6.items():
        old.execute("INSERT INTO views VALUES (?, ?, 1, 'ann@host')", (name, before)).fetchall()
    old.close()

    store = Store(SqliteDatabase(path), actor="tester@here")

    assert {each.name: each.filter for each in store.views.list()} == {
        name: after for name, (_, after) in VIEWS_OF_VERSION_6.items()
    }
    chosen, _ = parse_view(VIEWS_OF_VERSION_6["comma"][1])
    assert parse_filter(chosen).queues == ("a,b",)
    store.close()


def test_a_migrated_store_has_the_schema_of_a_new_one(tmp_path: Path):
    stores = []
    for versions in ((1,), (1, 2), (1, 2, 3), (1, 2, 3, 4, 5), (1, 2, 3, 4, 5, 6, 7)):
        connection = apsw.Connection(str(tmp_path / f"{len(versions)}.db"))
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        for version in versions:
            with open(dict(migrations("sqlite"))[version], encoding="utf-8") as script:
                connection.execute(f"BEGIN; {script.read()}; COMMIT").fetchall()
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {versions[-1]}").fetchall()
        connection.close()
        store = Store(SqliteDatabase(str(tmp_path / f"{len(versions)}.db")), actor="tester@here")
        stores.append(store.database.query("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"))
        store.close()

    assert all(each == stores[0] for each in stores)
    assert any("'cancelled', 'held'" in (sql or "") for _, name, sql in stores[0] if name == "jobs")


def test_simultaneous_first_commands_create_one_store(tmp_path: Path):
    for number in range(5):
        env = environment("", QUEUECTL_DB=None, XDG_DATA_HOME=str(tmp_path / str(number)))
        processes = [start("enqueue", "true", env=env) for _ in range(8)]
        assert [finished(process).code for process in processes] == [0] * 8
        assert run("doctor", "--check", env=env).code == 0
        assert len(run("list", env=env).out.splitlines()) == 9


def _store_without_log(path: Path) -> str:
    """Return the path of a store whose first command has committed its schema, and has not yet switched to a log."""
    connection = apsw.Connection(str(path))
    migrate(connection, str(path))
    connection.close()
    return str(path)


def test_a_first_command_waits_for_another_one_that_reads_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = _store_without_log(tmp_path / "queue.db")
    reader = apsw.Connection(path)
    row = reader.execute("SELECT name FROM sqlite_schema")
    next(row)
    monkeypatch.setattr("queuectl.store.sqlite.database.wait_for_leavers", lambda _path, _wait: None)
    monkeypatch.setattr("queuectl.store.sqlite.database.time.sleep", lambda _seconds: row.close())

    database = SqliteDatabase(path)

    assert database.query("PRAGMA journal_mode") == [("wal",)]
    database.close()


def test_a_first_command_that_cannot_switch_to_a_log_names_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = _store_without_log(tmp_path / "queue.db")
    # It has looked for users of a deleted log before the other command took its lock.
    monkeypatch.setattr("queuectl.store.sqlite.database.wait_for_leavers", lambda _path, _wait: None)
    reader = apsw.Connection(path)
    row = reader.execute("SELECT name FROM sqlite_schema")
    next(row)

    with pytest.raises(StoreBusy, match="locked by another process"):
        SqliteDatabase(path, wait=0.01)


def test_a_first_command_uses_the_log_that_another_one_is_creating(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = _store_without_log(tmp_path / "queue.db")
    found: list[Files] = []

    def files(path: str) -> Files:
        if not found:
            # An exclusive connection creates a log and no shared memory, as any does for a moment.
            other = apsw.Connection(path)
            keep = array("i", [1])
            other.file_control("main", apsw.SQLITE_FCNTL_PERSIST_WAL, keep.buffer_info()[0])
            other.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA user_version").fetchall()
            other.close()
        found.append(Files(path))
        return found[-1]

    monkeypatch.setattr("queuectl.store.sqlite.database.Files", files)
    database = SqliteDatabase(path)

    assert [each.complete for each in found] == [False, True]
    with database.transaction():
        assert database.query("PRAGMA journal_mode") == [("wal",)]
    database.close()


@pytest.mark.parametrize("statement", ["CREATE TABLE stats", "application_id =", "COMMIT", "journal_mode"])
def test_a_store_is_usable_after_its_first_command_was_killed(tmp_path: Path, statement: str):
    killed = (
        "import os, signal, sys\n"
        "from queuectl.store.sqlite import database, schema\n"
        "import apsw\n"
        "def trace(connection, sql, bindings):\n"
        "    if sys.argv[2] in sql: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return True\n"
        "original = apsw.Connection\n"
        "def made(*a, **k):\n"
        "    c = original(*a, **k); c.exec_trace = trace; return c\n"
        "apsw.Connection = made\n"
        "database.SqliteDatabase(sys.argv[1])\n"
    )

    done = subprocess.run([sys.executable, "-c", killed, str(tmp_path / "queue.db"), statement], check=False)

    assert done.returncode == -9
    assert run("enqueue", "true", env=environment(tmp_path / "queue.db")).out == "1\n"
    assert "journal mode wal" in run("doctor", env=environment(tmp_path / "queue.db")).out


@ON_SQLITE
def test_the_log_stays_short_without_a_process_that_keeps_the_store_open(tmp_path: Path, open_store: OpenStore):
    store: Store | None = None
    for _ in range(30):
        # A connection for each, as short-lived commands have.
        store = open_store()
        for number in range(5):
            store.set_config("lease", str(number), now=1)
        store.close()

    assert (tmp_path / "queue.db-wal").stat().st_size < 130 * 4120


@ON_SQLITE
def test_every_statement_compiles(open_store: OpenStore):
    store = open_store()
    for source in ("queries.sql", "invariants.sql"):
        for statement in load("sqlite", source).values():
            store.database._connection.execute(  # type: ignore[attr-defined]  # SQLite's
                "EXPLAIN " + statement, _Any()
            ).fetchall()
    store.close()


class _Any(dict):  # type: ignore[type-arg]  # of anything
    def __missing__(self, _name: str) -> int:
        return 1
