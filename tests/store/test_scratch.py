"""Scratch databases on a server, and lifetimes of workers that have stopped."""

from __future__ import annotations

import psycopg
import pytest

from queuectl.domain.errors import StoreUnreachable, StoreUnreadable, UsageError
from queuectl.domain.worker import WorkerLife
from queuectl.store.postgres import scratch
from queuectl.store.postgres.database import PostgresDatabase
from queuectl.store.store import Store
from tests.support.store_driver import ON_SQLITE, START, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.postgres import Server


def test_a_scratch_database_is_created_and_dropped_with_open_connections(database: str, tmp_path: Path):
    url = scratch.make(database, "beside_it")
    store = Store(PostgresDatabase(url), actor="tester@here")
    assert list(store.jobs.listing(limit=0)) == []
    assert scratch.clients(store.database) == 1

    scratch.drop(database, "beside_it")
    scratch.drop(database, "beside_it")

    store.close()
    with pytest.raises(StoreUnreadable, match="does not exist"):
        PostgresDatabase(url)


def test_a_role_without_createdb_is_refused(database: str, server: Server):
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute("CREATE ROLE modest LOGIN")
        try:
            with pytest.raises(StoreUnreadable, match="may not make a database") as raised:
                scratch.make(database.replace("postgres@", "modest:secret@"), "beside_it")
        finally:
            admin.execute("DROP ROLE modest")
    assert "secret" not in raised.value.message


def test_an_unreachable_server_and_an_invalid_url_are_reported(tmp_path: Path):
    with pytest.raises(StoreUnreachable, match="does not answer"):
        scratch.make(f"postgresql://ann:secret@/db?host={tmp_path}", "beside_it")
    with pytest.raises(UsageError, match="is not the address of a server"):
        scratch.make("postgresql://ann@here@there/db", "beside_it")


@ON_SQLITE
def test_a_file_has_no_clients_to_count(store: Store):
    assert scratch.clients(store.database) is None


def test_lifetimes_of_workers_are_known_after_their_end(stage: Stage):
    stage.now += 1
    stage.add("w2")
    stage.store.workers.stop_worker("w", now=START + 5)

    assert stage.store.workers.lives() == [
        WorkerLife(id="w", pool="pool", queues=(), started_at=START, stopped_at=START + 5),
        WorkerLife(id="w2", pool="pool", queues=(), started_at=START + 1, stopped_at=None),
    ]
