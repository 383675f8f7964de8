"""A console whose store is replaced sends nothing to the new store that was meant for jobs of the first."""

from __future__ import annotations

import os
from typing import Any

import pytest

from queuectl import bootstrap
from queuectl.domain.errors import StoreGone
from queuectl.domain.job import JobState
from queuectl.operations import find
from queuectl_tui.widgets.job_table import JobTable
from queuectl_tui.writer import ActionDone
from tests.support import seed as seeds
from tests.support.pilot import screen_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]
pytestmark = pytest.mark.asyncio
OTHERS = 5


def other_store(directory: Path) -> Path:
    """Create a store whose first two actions were to hold its jobs 1 and 2."""
    directory.mkdir()
    path = seeds.seeded(directory, lambda seeder: seeder.many(OTHERS, state="pending"))
    context = bootstrap.context(path, clock=seeds.StoppedClock())
    hold = find("hold")
    for id_ in ("1", "2"):
        hold.run(context, hold.params(ids=(id_,)))
    context.close()
    return directory / "queue.db"


async def replace_store(pilot: Pilot[int], path: Path, other: Path) -> None:
    """Replace the store by `other`, and let the console notice it."""
    app: Any = pilot.app
    os.replace(other, path)
    for part in ("-wal", "-shm"):
        path.with_name(path.name + part).unlink(missing_ok=True)
    app.reader.refresh()
    await pilot.pause()
    assert isinstance(app.snapshot.failure, StoreGone)
    app.reader.refresh()
    await pilot.pause()
    assert app.snapshot.total == OTHERS


def states(app: Any, *ids: str) -> list[JobState]:
    return [app.reader._open().store.jobs.get(id_).job.state for id_ in ids]


async def test_undo_cursor_and_marks_are_not_those_of_the_previous_store(make_app: Make, tmp_path: Path):
    app: Any = make_app(workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        table = app.view.query_one(JobTable)
        app.view.set_filter("state:pending")
        await pilot.pause()
        await pilot.press("h")
        assert "u undo" in screen_of(app)
        app.view.set_filter("")
        await pilot.pause()
        await pilot.press("space", "j")

        await replace_store(pilot, tmp_path / "queue.db", other_store(tmp_path / "other"))

        assert "u undo" not in screen_of(app)
        assert (table.cursor_row.id, list(table.marks)) == (str(OTHERS), [])
        await pilot.press("u")
        assert states(app, "1", "2") == [JobState.HELD, JobState.PENDING]


async def test_a_store_that_returns_keeps_cursor_marks_and_undo(make_app: Make, tmp_path: Path):
    app: Any = make_app(workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        table = app.view.query_one(JobTable)
        await pilot.press("space", "j")
        before = table.cursor_row.id, list(table.marks)
        path = tmp_path / "queue.db"
        path.rename(tmp_path / "away.db")
        app.reader.refresh()
        await pilot.pause()
        assert isinstance(app.snapshot.failure, StoreGone)

        (tmp_path / "away.db").rename(path)
        app.reader.refresh()
        await pilot.pause()

        assert app.snapshot.error is None
        assert (table.cursor_row.id, list(table.marks)) == before


async def test_an_action_on_a_lost_store_drops_the_undo(make_app: Make):
    app: Any = make_app(workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        app.view.set_filter("state:pending")
        await pilot.pause()
        await pilot.press("h")
        undo = find("undo")
        sent: list[Any] = []
        app.writer.changing.append("undo")

        app.post_message(ActionDone(undo, undo.params(undo=1), "undid", error=StoreGone("the store is gone")))
        await pilot.pause()
        app.writer.run = lambda _operation, params, *_: sent.append(params)
        await pilot.press("u")

        assert sent == [undo.params()]
