"""A store is made once, whoever comes first, and only where nothing else is."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

from queuectl.store import migrate
from queuectl.store.queries import load
from queuectl.store.sqlite import APPLICATION_ID, SCHEMA_VERSION
from queuectl.store.store import Store
from tests.support.command import Done, environment, run, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from tests.store.conftest import OpenStore


def test_the_newest_migration_is_the_version_of_the_schema():
    numbers = [number for number, _ in migrate.migrations()]

    assert numbers == list(range(1, SCHEMA_VERSION + 1))


def test_a_new_store_is_ours_and_nobody_elses(open_store: OpenStore, tmp_path: Path):
    store = open_store()

    assert store.database.query("PRAGMA application_id") == [(APPLICATION_ID,)]
    assert store.database.query("PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert store.database.query("PRAGMA journal_mode") == [("wal",)]
    for file in tmp_path.glob("queue.db*"):
        assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    store.close()


def test_many_first_commands_at_once_make_one_store(tmp_path: Path):
    for number in range(5):
        env = environment(tmp_path / str(number) / "queue.db")
        processes = [start("enqueue", "true", env=env) for _ in range(8)]
        assert [Done(process).code for process in processes] == [0] * 8
        assert run("doctor", "--check", env=env).code == 0
        assert len(run("list", env=env).out.splitlines()) == 9


def test_a_first_command_that_is_killed_leaves_a_store_that_the_next_can_use(tmp_path: Path):
    killed = (
        "import os, signal, sys\n"
        "from queuectl.store import migrate, sqlite\n"
        "import apsw\n"
        "def trace(connection, sql, bindings):\n"
        "    if 'CREATE TABLE stats' in sql: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return True\n"
        "original = apsw.Connection\n"
        "def made(*a, **k):\n"
        "    c = original(*a, **k); c.exec_trace = trace; return c\n"
        "apsw.Connection = made\n"
        "sqlite.SqliteDatabase(sys.argv[1])\n"
    )

    done = subprocess.run([sys.executable, "-c", killed, str(tmp_path / "queue.db")], check=False)

    assert done.returncode == -9
    assert run("enqueue", "true", env=environment(tmp_path / "queue.db")).out == "1\n"


def test_the_log_stays_short_although_nobody_has_the_store_open(tmp_path: Path, open_store: OpenStore):
    store: Store | None = None
    for _ in range(30):
        # A connection for each, as short-lived commands have.
        store = open_store()
        for number in range(5):
            store.set_config("lease", str(number), now=1)
        store.close()

    assert (tmp_path / "queue.db-wal").stat().st_size < 130 * 4120


def test_every_statement_compiles(open_store: OpenStore):
    store = open_store()
    for source in ("queries.sql", "invariants.sql"):
        for statement in load("sqlite", source).values():
            store.database._connection.execute(  # type: ignore[attr-defined]
                "EXPLAIN " + statement, _Any()
            ).fetchall()
    store.close()


class _Any(dict):  # type: ignore[type-arg]
    def __missing__(self, _name: str) -> int:
        return 1
