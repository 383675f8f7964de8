"""Migration of an old store by several processes at once, or killed in the middle: it is old or new, and whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from queuectl.store.database import APPLICATION_ID, SCHEMA_VERSION
from queuectl.store.migrations import migrations
from tests.support import command

JOBS = 300
KILLED_AT_STATEMENT = """
import os, signal, sys
import apsw
from queuectl.store.sqlite import database

left = int(sys.argv[2])

def trace(connection, sql, bindings):
    global left
    if sys.argv[3] in sql or left < int(sys.argv[2]):
        left -= 1
    if left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return True

original = apsw.Connection

def traced(*words, **options):
    connection = original(*words, **options)
    connection.exec_trace = trace
    return connection

apsw.Connection = traced
database.SqliteDatabase(sys.argv[1])
"""


FIRST_STATEMENT = {1: "writable_schema", 2: "ADD COLUMN needs", 5: "CREATE TABLE environments"}
"""A part of the first statement of a migration, by the version of the old store."""


def kill_at(path: Path, statement: int, version: int) -> list[str]:
    return [sys.executable, "-c", KILLED_AT_STATEMENT, str(path), str(statement), FIRST_STATEMENT[version]]


def make_old(path: Path, last: int) -> None:
    """Create a store as an earlier version of queuectl did, by the migrations that it had."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    for number, file in migrations("sqlite")[:last]:
        script = Path(file).read_text(encoding="utf-8")
        connection.execute(f"BEGIN; {script}; COMMIT").fetchall()
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number}").fetchall()
    connection.execute("BEGIN").fetchall()
    connection.executemany(
        "INSERT INTO jobs (id, command, queue, max_retries, run_at, created_at, updated_at)"
        " VALUES (?, 'true', 'default', 3, 1, 1, 1)",
        [(f"job{number}",) for number in range(JOBS)],
    ).fetchall()
    connection.execute("COMMIT").fetchall()
    connection.close()
    os.chmod(path, 0o600)


def assert_migrated(path: Path) -> None:
    env = command.environment(path)
    done = command.run("doctor", "--check", env=env)
    assert done.code == 0, done.out + done.err
    assert len(command.run("list", "--limit", "0", env=env).out.splitlines()) == JOBS + 1
    assert command.run("enqueue", "--id", "new", "true", env=env).out == "new\n"
    assert version(path) == SCHEMA_VERSION


def version(path: Path) -> int:
    connection = apsw.Connection(str(path))
    try:
        return int(connection.execute("PRAGMA user_version").get)
    finally:
        connection.close()


@pytest.mark.parametrize("old", [1, 2, 5])
@pytest.mark.parametrize("round_", range(2))
def test_several_commands_that_migrate_one_old_store_at_once(tmp_path: Path, round_: int, old: int):
    path = tmp_path / f"old{round_}.db"
    make_old(path, old)

    processes = [command.start("status", env=command.environment(path)) for _ in range(4)]

    for process in processes:
        done = command.finished(process)
        assert done.code == 0, done.err
    assert_migrated(path)


@pytest.mark.parametrize(
    ("old", "statement"),
    [
        *((1, number) for number in (1, 2, 3, 4, 6, 9, 13, 18, 22)),
        *((2, number) for number in range(1, 10)),
        *((5, number) for number in range(1, 6)),
    ],
)
def test_a_migration_that_is_killed_at_any_statement_leaves_the_old_store(tmp_path: Path, old: int, statement: int):
    path = tmp_path / "old.db"
    make_old(path, old)

    done = subprocess.run(kill_at(path, statement, old), check=False)

    assert done.returncode == -signal.SIGKILL
    assert version(path) == old
    assert_migrated(path)


@pytest.mark.parametrize("old", [1, 2, 5])
def test_migrations_that_are_killed_beside_one_that_is_not(tmp_path: Path, old: int):
    path = tmp_path / "old.db"
    make_old(path, old)

    killed = [subprocess.Popen(kill_at(path, number, old)) for number in (2, 5, 8)]
    whole = command.finished(command.start("status", env=command.environment(path)))

    # A process that follows the successful one finds nothing to do.
    assert {process.wait(60) for process in killed} <= {0, -signal.SIGKILL}
    assert whole.code == 0, whole.err
    assert_migrated(path)
