"""The same tests for every store."""

from __future__ import annotations

import pytest

from queuectl.store.sqlite import SqliteDatabase
from queuectl.store.store import Store
from tests.support.stage import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    OpenStore = Callable[[], Store]


@pytest.fixture(params=["sqlite"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens a store of the kind under test, the same one each time."""
    return lambda: Store(SqliteDatabase(str(tmp_path / "queue.db"), wait=30), actor="tester@here")


@pytest.fixture
def store(open_store: OpenStore) -> Iterator[Store]:
    """A store that is new."""
    opened = open_store()
    yield opened
    opened.close()


@pytest.fixture
def stage(store: Store) -> Iterator[Stage]:
    """A store with worker `w`. What a test leaves behind keeps every promise."""
    made = Stage(store)
    yield made
    made.check()
