"""Actions on the page of a job, and their results in its own echo line."""

from __future__ import annotations

from typing import Any

import pytest

from queuectl.store import undo
from queuectl_tui.screens.form import JobForm
from queuectl_tui.screens.job import JobScreen
from queuectl_tui.screens.number import NumberPrompt
from tests.support import seed as seeds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

pytestmark = pytest.mark.asyncio


def two(seeder: seeds.Seeder) -> None:
    seeder.job("python sync.py", "dead", id="dead", age=900 * seeds.SECOND, runs=[("exit", 1, 900, None, "no", "w1")])
    seeder.job("./later.sh", "pending", id="later", age=9 * seeds.SECOND, due=7200 * seeds.SECOND)


async def page_of(app: Any, pilot: Any, job_id: str) -> JobScreen:
    await pilot.pause()
    app.pages.job(job_id)
    await pilot.pause()
    assert isinstance(app.screen, JobScreen)
    return app.screen


async def test_e_edits_while_the_log_has_the_focus(make_app: Make):
    app: Any = make_app(two, workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await page_of(app, pilot, "dead")
        assert app.focused is page.log_pane.view
        await pilot.press("e")
        await pilot.pause()
        form: Any = app.screen
        assert isinstance(form, JobForm)
        await pilot.press("escape")
        await pilot.pause()
        assert len(app.screen_stack) == 2


async def test_a_priority_is_set_and_undone_and_the_page_reports_both(make_app: Make):
    app: Any = make_app(two, workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await page_of(app, pilot, "later")
        await pilot.press("P")
        await pilot.pause()
        assert isinstance(app.screen, NumberPrompt)
        await pilot.press("7", "enter")
        await pilot.pause()
        page.job.read()
        await pilot.pause()
        assert page.job.page is not None
        assert page.job.page.job.priority == 7
        assert page.echo.command == "queuectl priority later 7"
        assert page.echo.display
        await pilot.press("u")
        await pilot.pause()
        page.job.read()
        await pilot.pause()
        assert page.job.page.job.priority == 0
        assert "undid" in page.echo.visual.plain  # type: ignore[attr-defined]  # it shows content


async def test_a_refused_action_is_reported_on_the_page(make_app: Make):
    app: Any = make_app(two, workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        page: Any = await page_of(app, pilot, "dead")
        await pilot.press("P")
        await pilot.pause()
        assert app.screen is page
        assert "is dead and cannot be given another priority" in page.echo.visual.plain


@pytest.mark.parametrize("key", ["e", "P", "u", "r"])
async def test_a_read_only_page_refuses(make_app: Make, key: str):
    app: Any = make_app(two, workers=False, read_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        page: Any = await page_of(app, pilot, "later" if key == "P" else "dead")
        await pilot.press(key)
        await pilot.pause()
        assert app.screen is page
        assert "this console is read-only" in page.echo.visual.plain


async def test_an_action_too_large_to_undo_is_reported(make_app: Make, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(undo, "MAX_JOBS", 0)
    app: Any = make_app(two, workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        page: Any = await page_of(app, pilot, "dead")
        await pilot.press("r")
        await pilot.pause()
        assert page.echo.visual.plain.rstrip().endswith("too many to undo")
        await pilot.press("q")
        await pilot.pause()
        assert app.echo.visual.plain.rstrip().endswith("too many to undo")


async def test_editing_a_deleted_job_is_refused(make_app: Make):
    app: Any = make_app(two, workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.pages.edit_job("gone")
        await pilot.pause()
        assert len(app.screen_stack) == 1
        assert "gone" in app.echo.visual.plain
