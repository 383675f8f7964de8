"""A move beyond the loaded rows ends when the rows have arrived, and the next key acts on the row that it leads to."""

from __future__ import annotations

from typing import Any

import pytest

from queuectl.domain.job import JobState
from queuectl_tui import typed
from queuectl_tui.widgets.job_table import JobTable
from tests.support.key_burst import burst
from tests.support.slow_reader import SlowReader
from tests.support.waiting import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.app import ConsoleApp
    from tests.support.seed import Seeder

    Make = Callable[..., ConsoleApp]
pytestmark = pytest.mark.asyncio
JOBS = 2000
UP, PAGE_DOWN, PAGE_UP, HOME = "\x1b[A", "\x1b[6~", "\x1b[5~", "\x1b[H"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed, "_PATIENCE", PATIENCE)


def waiting(seeder: Seeder) -> None:
    seeder.many(JOBS, state="pending")


def held(app: Any) -> list[str]:
    return [str(seq) for seq in range(1, JOBS + 1) if state(app, str(seq)) is JobState.HELD]


def state(app: Any, id_: str) -> JobState:
    return JobState(app.reader._open().store.jobs.get(id_).job.state)


@pytest.mark.parametrize(
    ("before", "move", "to"),
    [("", "G", 1), ("", "\x1b[F", 1), ("G", "g", JOBS), ("G", HOME, JOBS)],
    ids=["G", "end", "g", "home"],
)
async def test_a_key_after_a_move_to_an_end_acts_on_the_row_there(make_app: Make, before: str, move: str, to: int):
    app: Any = make_app(waiting, workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        table = app.view.query_one(JobTable)
        await burst(pilot, before)
        slow = SlowReader(app, "rows-")

        await burst(pilot, move + "h")
        assert held(app) == []
        # The store changes, or the view is read again: the move is still pending.
        table.refresh_rows()

        slow.answer()
        await pilot.pause()
        assert table.cursor_row.id == str(to)
        assert held(app) == [str(to)]


@pytest.mark.parametrize(
    ("keys", "by"),
    [("j" * 300, 300), (PAGE_DOWN * 9, None), ("j" * 40 + PAGE_DOWN * 6 + UP * 150, None)],
    ids=["rows", "pages", "there and back"],
)
async def test_moves_of_one_read_go_as_far_as_slowly_typed_ones(make_app: Make, keys: str, by: int | None):
    app: Any = make_app(waiting, workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        table = app.view.query_one(JobTable)
        page = table.viewport.height - 1
        if by is None:
            by = keys.count("j") + page * keys.count(PAGE_DOWN) - keys.count(UP)

        await burst(pilot, keys + "h")

        assert held(app) == [str(JOBS - by)]


async def test_a_move_beyond_the_loaded_rows_ends_when_they_arrive(make_app: Make):
    app: Any = make_app(waiting, workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        table = app.view.query_one(JobTable)
        page, slow = table.viewport.height - 1, SlowReader(app, "rows-")
        pages = len(table.window.rows) // page + 1

        await burst(pilot, PAGE_DOWN * pages + "h")
        assert held(app) == []

        slow.answer()
        await pilot.pause()
        assert held(app) == [str(JOBS - pages * page)]


async def test_a_move_continues_from_a_row_scrolled_out_of_view(make_app: Make):
    app: Any = make_app(waiting, workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        table = app.view.query_one(JobTable)
        slow = SlowReader(app, "rows-")
        table.scroll_to(y=1000, animate=False, force=True)
        await pilot.pause()
        slow.answer()
        await pilot.pause()
        assert table.window.index(table.cursor_row.id) is None
        slow = SlowReader(app, "rows-")
        table.scroll_to(y=1500, animate=False, force=True)
        await pilot.pause()

        await burst(pilot, "jh")
        assert held(app) == []

        slow.answer()
        await pilot.pause()
        assert held(app) == [str(JOBS - 1)]
