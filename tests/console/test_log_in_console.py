"""The pages of one job as the console opens them."""

from __future__ import annotations

import pytest

from queuectl_tui.screens.job import JobScreen
from queuectl_tui.screens.log import LogScreen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.app import ConsoleApp

pytestmark = pytest.mark.asyncio


async def test_the_page_and_the_log_open_and_close(make_app: Callable[..., ConsoleApp]):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.pages.job("42")
        await pilot.pause()
        assert isinstance(app.screen, JobScreen)
        assert app.screen.job.page is not None
        assert app.screen.log_pane.view.rows.lines
        await pilot.press("l")
        await pilot.pause()
        assert isinstance(app.screen, LogScreen)
        await pilot.press("slash", *"key", "enter", "n")
        await pilot.pause()
        assert app.screen.log_pane.view.rows.hits
        await pilot.press("escape", "escape", "escape")
        await pilot.pause()
        assert len(app.screen_stack) == 1


async def test_enter_and_l_on_a_row_open_them(make_app: Callable[..., ConsoleApp]):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, JobScreen)
        await pilot.press("q", "l")
        await pilot.pause()
        assert isinstance(app.screen, LogScreen)


async def test_a_log_is_read_by_the_reader_thread(make_app: Callable[..., ConsoleApp]):
    app = make_app(live=True)
    async with app.run_test(size=(120, 40)) as pilot:
        app.pages.log("42")
        for _ in range(100):
            await pilot.pause(0.05)
            if isinstance(app.screen, LogScreen) and app.screen.log_pane.view.rows.lines:
                break
        assert isinstance(app.screen, LogScreen)
        assert app.screen.log_pane.view.rows.lines
        await pilot.press("left_square_bracket")
        for _ in range(100):
            await pilot.pause(0.05)
            if app.screen.log_pane.attempt == 3:
                break
        assert app.screen.log_pane.attempt == 3
        await pilot.press("q")


async def test_the_page_acts_on_its_job_and_reports_the_result(make_app: Callable[..., ConsoleApp]):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.pages.job("42")
        await pilot.pause()
        page = app.screen
        assert isinstance(page, JobScreen)
        assert page.job.page is not None
        await pilot.press("x")
        await pilot.pause()
        assert "is dead and cannot be cancelled" in str(page.echo.visual)
        await pilot.press("r")
        await pilot.pause()
        page.job.read()
        await pilot.pause()
        assert page.job.page.job.state == "pending"
        assert "queuectl retry 42" in page.echo.command
        await pilot.press("x")
        await pilot.pause()
        page.job.read()
        await pilot.pause()
        assert page.job.page.job.state == "cancelled"
        await pilot.press("D")
        await pilot.pause()
        assert app.screen is not page
        await pilot.press("y")
        await pilot.pause()
        page.job.read()
        await pilot.pause()
        assert page.job.problem == "this job has been deleted"


async def test_read_only_changes_nothing(make_app: Callable[..., ConsoleApp]):
    app = make_app(read_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.pages.job("42")
        await pilot.pause()
        page = app.screen
        assert isinstance(page, JobScreen)
        assert page.act_hints() == []
        await pilot.press("r")
        await pilot.pause()
        page.job.read()
        await pilot.pause()
        assert page.job.page is not None
        assert page.job.page.job.state == "dead"
        assert "read-only" in str(page.echo.visual)
