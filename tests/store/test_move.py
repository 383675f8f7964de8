"""A move to a server: complete, with counters and continued numbers; or without any effect."""

from __future__ import annotations

import threading
from pathlib import Path

import apsw
import psycopg
import pytest

from queuectl.domain.errors import Refused, StoreBusy, StoreError, StoreUnreadable
from queuectl.domain.job import NewJob
from queuectl.store import move as moving
from queuectl.store.postgres.database import PostgresDatabase
from queuectl.store.sqlite.database import SqliteDatabase
from queuectl.store.store import Store
from tests.support.full_store import lived
from tests.support.waiting import PATIENCE, wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from queuectl.store.move import Contents
    from tests.support.postgres import Server

LEFT = {"pools", "workers", "undoing", "counters", "sqlite_sequence"}
"""Tables that are not moved: processes of a host, temporary rows, and counters, which the new store keeps itself."""

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return lived(tmp_path)


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    """URL of an empty database."""
    made = server.create(empty=True)
    yield made
    server.drop(made)


def nothing(*_: object) -> None:
    """Ignore progress."""


def on_file(path: str, wait: float = 30) -> Store:
    return Store(SqliteDatabase(path, wait=wait), actor="tester@here")


def on_server(url: str) -> Store:
    return Store(PostgresDatabase(url, wait=30), actor="tester@here")


def moved(path: str, url: str, *, progress: Callable[[int, int, str], None] = nothing) -> Contents:
    old, watch, new = on_file(path), on_file(path), on_server(url)
    try:
        return moving.move(old, watch, lambda: new, check=nothing, progress=progress)
    finally:
        for store in (old, watch, new):
            store.close()


def do(path: str, statement: str) -> None:
    """Change the file without the store."""
    connection = apsw.Connection(path)
    connection.execute(statement).fetchall()
    connection.close()


def tables(path: str) -> dict[str, list[str]]:
    """Return the columns of every table of the file."""
    connection = apsw.Connection(path)
    rows = connection.execute(
        "SELECT tables.name, columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns"
        " WHERE tables.type = 'table'"
    ).fetchall()
    connection.close()
    found: dict[str, list[str]] = {}
    for table, column in rows:
        found.setdefault(str(table), []).append(str(column))
    return found


def rows_of(execute: Callable[[str], Any], table: str, columns: list[str]) -> list[tuple[Any, ...]]:
    return sorted(execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall(), key=repr)


def is_empty(url: str) -> bool:
    with psycopg.connect(url, options="-c search_path=queuectl") as connection:
        return not any(
            connection.execute(f"SELECT 1 FROM {table}").fetchone() is not None
            for table in (*moving.TABLES, "counted", "counted_since")
        )


@pytest.mark.parametrize("piece", [3, moving._BATCH])
def test_every_row_of_every_table_arrives(path: str, url: str, piece: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(moving, "_BATCH", piece)

    contents = moved(path, url)

    old = apsw.Connection(path)
    with psycopg.connect(url, options="-c search_path=queuectl") as new:
        for table, columns in tables(path).items():
            if table not in LEFT:
                sent = rows_of(old.execute, table, columns)
                assert rows_of(new.execute, table, columns) == sent, table
                assert len(sent) == contents.rows[table] > 0, f"no row of {table} was there to be moved"
    old.close()


def test_a_moved_store_satisfies_the_invariants_and_has_counters(path: str, url: str):
    moved(path, url)

    old, new = on_file(path), on_server(url)
    assert [checked for checked in new.invariants() if checked.broken] == []
    assert sorted(new.counts()) == sorted(old.counts())
    assert new.database.query("SELECT count(*) FROM counted_since") == [(0,)]
    old.close()
    new.close()


def test_numbers_continue_after_the_last_one_in_the_file(path: str, url: str):
    moved(path, url)

    old, new = on_file(path), on_server(url)
    ids = [store.jobs.enqueue([NewJob(command="true")], max_retries=1, now=1) for store in (old, new)]
    assert ids == [["11"], ["11"]], "10 was deleted, and is not given again"
    last_events = [store.events.events(limit=1)[0].seq for store in (old, new)]
    assert last_events[0] == last_events[1]
    undos = []
    for store in (old, new):
        with store.undo.keeping("hold", now=1) as kept:
            store.edits.hold(["11"], now=1)
        undos.append(kept.id)
    assert undos == [6, 6]
    old.close()
    new.close()


def test_an_empty_store_is_moved_too(tmp_path: Path, url: str):
    path = str(tmp_path / "new.db")

    assert sum(moved(path, url).rows.values()) == 0

    new = on_server(url)
    assert new.jobs.enqueue([NewJob(command="true")], max_retries=1, now=1) == ["1"]
    new.close()


def test_the_old_store_is_unchanged(path: str, url: str):
    before = {
        each.name: each.read_bytes() for each in Path(path).parent.glob("queue.db*") if not each.name.endswith("-shm")
    }

    moved(path, url)

    assert before == {
        each.name: each.read_bytes() for each in Path(path).parent.glob("queue.db*") if not each.name.endswith("-shm")
    }


def test_progress_is_reported_in_rows(path: str, url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(moving, "_CHECK_EVERY", 1)
    reported: list[tuple[int, int, str]] = []

    contents = moved(path, url, progress=lambda *words: reported.append(words))

    total = sum(contents.rows.values())
    assert reported == [*((done, total, "rows") for done in range(1, total + 1)), (total, total, "rows")]


@pytest.mark.parametrize(
    ("act", "holds"),
    [
        (
            lambda store: store.jobs.enqueue([NewJob(command="x"), NewJob(command="x")], max_retries=1, now=1),
            "jobs 2, ",
        ),
        (lambda store: store.set_config("max_retries", "7", now=1), "config 1, events 1"),
        (lambda store: store.views.save("mine", "state:dead", now=1), "views 1, "),
    ],
)
def test_a_store_that_is_not_empty_is_not_overwritten(path: str, url: str, act: Callable[[Store], None], holds: str):
    used = on_server(url)
    act(used)
    before = used.events.events(limit=10)

    with pytest.raises(Refused, match=holds):
        moved(path, url)

    assert used.events.events(limit=10) == before
    used.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE jobs SET cwd = char(0) WHERE id = 'twice'", "job twice cannot be moved: cwd holds a NUL"),
        ("INSERT INTO signatures VALUES ('ab', char(0), 1, 1, 1)", "error ab cannot be moved: text holds a NUL"),
        (
            "INSERT INTO events (seq, at, actor, verb, detail) VALUES (77, 1, 'a', 'b', char(0))",
            "event 77 cannot be moved: detail holds a NUL",
        ),
        (
            "INSERT INTO undo_jobs (undo, job, id, before) VALUES (2, 1, 'odd', char(0))",
            "job odd cannot be moved: before holds a NUL",
        ),
    ],
)
def test_a_value_that_the_server_cannot_store_is_named_and_nothing_is_moved(
    path: str, url: str, change: str, message: str
):
    do(path, change)

    with pytest.raises(Refused, match=message):
        moved(path, url)

    assert is_empty(url)


@pytest.mark.parametrize("text", ["x'61ff'", "x'eda080'"], ids=["no UTF-8", "half of a pair"])
def test_an_invalid_text_is_reported_with_its_job(path: str, url: str, text: str):
    do(path, f"UPDATE jobs SET command = CAST({text} AS TEXT) WHERE id = 'signalled'")

    with pytest.raises(StoreUnreadable, match="job signalled cannot be read"):
        moved(path, url)

    assert is_empty(url)


def test_a_move_after_a_failed_one_works_and_no_number_was_used(path: str, url: str):
    do(path, "INSERT INTO views VALUES ('v', char(0), 1, 'a')")
    with pytest.raises(Refused):
        moved(path, url)
    ((is_called, last),) = on_server_once(url, "SELECT is_called, last_value FROM numbers")
    assert (is_called, last) == (False, 1)

    do(path, "DELETE FROM views WHERE name = 'v'")

    assert moved(path, url).rows["jobs"] == 9


def on_server_once(url: str, statement: str) -> list[tuple[Any, ...]]:
    store = on_server(url)
    rows = store.database.query(statement)
    store.close()
    return rows


def test_jobs_of_dead_workers_must_be_recovered_first(path: str, url: str):
    store = on_file(path)
    store.claims(["mail"]).claim("w", now=2**42)
    store.close()

    with pytest.raises(Refused, match="processing: signalled") as refused:
        moved(path, url)

    assert "doctor --fix" in (refused.value.hint or "")


def test_a_write_to_the_old_store_during_the_move_is_not_lost(path: str, url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(moving, "_CHECK_EVERY", 1)
    writer = on_file(path)

    def write(done: int, _total: int, _what: str) -> None:
        if done == 5:
            writer.jobs.enqueue([NewJob(command="true", id="late")], max_retries=1, now=1)

    with pytest.raises(Refused, match="written to while it was copied"):
        moved(path, url, progress=write)

    assert writer.jobs.state("late") == "pending"
    assert is_empty(url)
    writer.close()


def test_a_write_after_the_last_row_is_noticed(path: str, url: str):
    writer = on_file(path)

    def write(done: int, total: int, _what: str) -> None:
        if done == total:
            writer.set_config("lease", "20", now=1)

    with pytest.raises(Refused, match="written to while it was copied"):
        moved(path, url, progress=write)

    assert is_empty(url)
    writer.close()


def test_the_old_store_is_locked_while_the_new_one_is_committed(path: str, url: str, monkeypatch: pytest.MonkeyPatch):
    writer = on_file(path, wait=0.01)
    kept_out = []
    execute = PostgresDatabase.execute

    def committing(database: PostgresDatabase, sql: str) -> str:
        if sql == "COMMIT":
            with pytest.raises(StoreBusy):
                writer.set_config("lease", "20", now=1)
            kept_out.append(sql)
        return execute(database, sql)

    monkeypatch.setattr(PostgresDatabase, "execute", committing)
    moved(path, url)
    monkeypatch.undo()

    assert kept_out == ["COMMIT"]
    writer.set_config("lease", "20", now=1)
    writer.close()


@pytest.mark.parametrize("begin", [1, 40])
def test_writers_to_the_new_store_wait_for_the_move(path: str, url: str, begin: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(moving, "_CHECK_EVERY", 1)
    ids: list[str] = []

    def enqueue() -> None:
        store = on_server(url)
        ids.extend(store.jobs.enqueue([NewJob(command="true")], max_retries=1, now=1))
        store.close()

    def set_lease() -> None:
        store = on_server(url)
        store.set_config("lease", "20", now=1)
        store.close()

    def count() -> None:
        store = on_server(url)
        store.events.count(1, "elsewhere", "success")
        with store.database.transaction():
            store.events.write_down()
        store.close()

    others = [threading.Thread(target=each) for each in (enqueue, set_lease, count)]

    def start(done: int, _total: int, _what: str) -> None:
        if done == begin:
            for other in others:
                other.start()
            wait_until(lambda: on_server_once(url, WAITING)[0][0] == len(others))

    moved(path, url, progress=start)
    for other in others:
        other.join(PATIENCE)

    assert ids == ["11"]
    assert on_server_once(url, "SELECT key FROM config ORDER BY key") == [("lease",), ("max_retries",)]
    assert on_server_once(url, "SELECT count(*) FROM stats WHERE queue = 'elsewhere'") == [(1,)]


def test_a_missing_row_is_noticed(path: str, url: str, monkeypatch: pytest.MonkeyPatch):
    fill = PostgresDatabase.fill

    def lossy(
        database: PostgresDatabase, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]], /
    ) -> None:
        fill(database, table, columns, list(rows)[1:] if table == "outputs" else rows)

    monkeypatch.setattr(PostgresDatabase, "fill", lossy)

    with pytest.raises(StoreError, match="5 of 6 rows of outputs"):
        moved(path, url)

    assert is_empty(url)


def test_a_store_on_a_server_is_not_moved(url: str, database: str):
    old, new = on_server(database), on_server(url)

    with pytest.raises(Refused, match="only a store in an SQLite file"):
        moving.move(old, old, lambda: new, check=nothing, progress=nothing)

    old.close()
    new.close()
