"""A key that acts on a row acts on a row of the current request, or on none."""

from __future__ import annotations

from typing import Any

import pytest

from queuectl.domain.job import JobState
from queuectl_tui import typed
from queuectl_tui.widgets.job_table import JobTable
from tests.support.key_burst import burst
from tests.support.pilot import screen_of
from tests.support.slow_reader import SlowReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]
pytestmark = pytest.mark.asyncio


def states(app: Any) -> list[tuple[str, str, int]]:
    return sorted(app.reader._open().store.counts())


def held(counts: list[tuple[str, str, int]]) -> int:
    return sum(count for _, state, count in counts if state == JobState.HELD)


@pytest.mark.parametrize(
    "asks",
    ["/state:failed\r", "/state:failed\r\x1b[B", "o", ":jobs state:failed\r", "/state:failed\ro"],
    ids=["filter", "filter and a move", "order", "command", "filter and order"],
)
async def test_a_key_after_a_change_of_filter_or_order_acts_on_a_new_row(make_app: Make, asks: str):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        table = app.view.query_one(JobTable)
        first, before = table.cursor_row, states(app)
        slow = SlowReader(app, "rows-")

        await burst(pilot, asks + "h")
        assert states(app) == before

        slow.answer()
        await pilot.pause()
        row = table.cursor_row
        assert app.reader._open().store.jobs.get(row.id).job.state is JobState.HELD
        assert held(states(app)) == held(before) + 1
        # In another order the cursor stays on its job; another filter has other jobs.
        assert (row.id == first.id) is (asks == "o")


@pytest.mark.parametrize("keys", ["x", "h", "r", " h", "jx", "D", "e", "K", "P"])
async def test_a_key_whose_rows_do_not_arrive_is_refused_with_a_message(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, keys: str
):
    monkeypatch.setattr(typed, "_PATIENCE", 0.0)
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        table = app.view.query_one(JobTable)
        before, slow = states(app), SlowReader(app, "rows-")

        await burst(pilot, "/state:pending\r" + keys)

        assert "the store is still being read: press again" in screen_of(app)
        assert len(app.screen_stack) == 1
        assert not table.marks
        assert states(app) == before
        slow.answer()
        await pilot.pause()
        assert states(app) == before


@pytest.mark.parametrize("action", ["cancel", "hold", "delete", "retry", "kill", "edit", "priority"])
async def test_an_action_clicked_before_the_rows_arrive_is_refused_with_a_message(make_app: Make, action: str):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        before = states(app)
        SlowReader(app, "rows-")
        app.view.set_filter("state:pending")
        await pilot.pause()

        await app.run_action(action, app.view)
        await pilot.pause()

        assert "still being read" in screen_of(app)
        assert states(app) == before


async def test_a_filter_can_be_changed_while_its_rows_are_being_read(make_app: Make):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        slow = SlowReader(app, "rows-")

        await burst(pilot, "/state:failed\r/\x15state:held\r")

        assert app.view.bar.text == "state:held"
        slow.answer()
        await pilot.pause()
        assert app.view.query_one(JobTable).filter.states == ("held",)


async def test_a_key_after_mark_all_waits_for_the_marks(make_app: Make):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        app.view.set_filter("state:pending")
        await pilot.pause()
        before, slow = states(app), SlowReader(app, "mark")

        await burst(pilot, "ah")
        assert states(app) == before

        slow.answer()
        await pilot.pause()
        assert "Hold 3 jobs?" in screen_of(app)


async def test_jobs_of_a_previous_filter_are_not_marked(make_app: Make):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        slow = SlowReader(app, "mark")
        await burst(pilot, "a")
        app.view.set_filter("state:pending")
        await pilot.pause()

        slow.answer()
        await pilot.pause()

        assert not app.view.query_one(JobTable).marks


@pytest.mark.parametrize("asks", ["b", "\r", "\x1b[C"], ids=["one by one", "expand", "expand by an arrow"])
async def test_a_key_after_a_change_of_grouping_waits_for_it(make_app: Make, asks: str):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        before, slow = states(app), SlowReader(app, "dead.load")

        await burst(pilot, asks + "jr")
        assert states(app) == before

        slow.answer()
        await pilot.pause()
        # One job, not the group that the cursor was on.
        assert "retried job " in screen_of(app)


async def test_a_key_of_a_jobs_page_waits_for_the_job(make_app: Make):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        app.view.set_filter("state:pending")
        await pilot.pause()
        job = app.view.query_one(JobTable).cursor_row.id
        before, slow = states(app), SlowReader(app, "job:")

        await burst(pilot, "\rh")
        assert states(app) == before

        slow.answer()
        await pilot.pause()
        assert app.reader._open().store.jobs.get(job).job.state is JobState.HELD
