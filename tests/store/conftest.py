"""Fixtures that run the same tests on every backend."""

from __future__ import annotations

import pytest

from queuectl.store.sqlite.database import SqliteDatabase
from queuectl.store.store import Store
from tests.support.store_driver import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.postgres import Server

    OpenStore = Callable[[], Store]


def on_sqlite(tmp_path: Path) -> OpenStore:
    return lambda: Store(SqliteDatabase(str(tmp_path / "queue.db"), wait=30), actor="tester@here")


def on_postgresql(url: str) -> OpenStore:
    from queuectl.store.postgres.database import PostgresDatabase

    return lambda: Store(PostgresDatabase(url, wait=30), actor="tester@here")


@pytest.fixture(params=["sqlite", "postgresql"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens a store of the kind under test, the same one each time.

    A test that knows SQLite's files or plans says so: `@ON_SQLITE` (tests/support/store_driver.py).
    """
    if request.param == "sqlite":
        return on_sqlite(tmp_path)
    return on_postgresql(request.getfixturevalue("database"))


@pytest.fixture(params=["sqlite", "postgresql"])
def new_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Store]]:
    """Opens a store of the kind under test, another one each time; the one before is gone."""
    server: Server | None = request.getfixturevalue("server") if request.param == "postgresql" else None
    urls: list[str] = []

    def opened() -> Store:
        if server is None:
            return on_sqlite(tmp_path_factory.mktemp("store"))()
        drop()
        urls.append(server.create())
        return on_postgresql(urls[-1])()

    def drop() -> None:
        while server is not None and urls:
            server.drop(urls.pop())

    yield opened
    drop()


@pytest.fixture
def store(open_store: OpenStore) -> Iterator[Store]:
    """A new store."""
    opened = open_store()
    yield opened
    opened.close()


@pytest.fixture
def stage(store: Store) -> Iterator[Stage]:
    """A store with worker `w`. After the test its invariants are checked."""
    made = Stage(store)
    yield made
    made.check()
