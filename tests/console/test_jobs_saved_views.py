"""Saved views in the console: shown, saved and deleted, as by `queuectl view`."""

from __future__ import annotations

import pytest

from queuectl import bootstrap
from queuectl.domain.errors import UsageError
from queuectl.operations import find
from queuectl.store.job_pages import Sort
from queuectl_tui.screens.saved_views import SavedViews, ViewName
from queuectl_tui.widgets.filter_bar import FilterBar
from queuectl_tui.widgets.job_table import JobTable
from queuectl_tui.widgets.tabs import Tabs
from tests.support import seed as seeds
from tests.support.pilot import screen_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

pytestmark = pytest.mark.asyncio
SIZE = (120, 40)


def tabs_of(app: ConsoleApp) -> str:
    return app.query_one(Tabs).render_line(0).text


def saved(directory: Path, **views: str) -> dict[str, str]:
    """Save views, and return all saved ones."""
    store = bootstrap.open_store(str(directory / "queue.db"), actor="bob@ops")
    for name, words in views.items():
        store.views.save(name, words, now=seeds.NOW)
    found = {view.name: view.filter for view in store.views.list()}
    store.close()
    return found


async def test_a_view_brings_its_filter_order_and_columns(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    saved(tmp_path, ops="state:failed,dead queue:mail sort:-duration columns:-worker,+due", other="tag:vip")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("V")
        assert isinstance(app.screen, SavedViews)
        await pilot.press("enter")
        await pilot.pause()
        table = app.query_one(JobTable)
        assert app.query_one(FilterBar).text == "state:failed,dead queue:mail"
        assert (table.sort, table.reverse) == (Sort.DURATION, True)
        assert (set(table.lines.hidden), set(table.lines.wanted)) == ({"worker"}, {"due"})
        assert table.window.total == 14
        assert tabs_of(app).endswith("view: ops ▾ ")
        assert table.has_focus


async def test_its_name_disappears_when_the_filter_is_changed(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    saved(tmp_path, ops="state:failed")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("V", "enter")
        await pilot.pause()
        assert "view: ops" in tabs_of(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "view:" not in tabs_of(app)
        assert app.query_one(JobTable).window.total == 68


async def test_a_view_without_a_layout_keeps_order_and_columns(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    saved(tmp_path, ops="state:failed")
    async with app.run_test(size=SIZE) as pilot:
        table = app.query_one(JobTable)
        table.choose_columns({"worker"}, ())
        await pilot.press("o", "V", "enter")
        await pilot.pause()
        assert (table.sort, set(table.lines.hidden)) == (Sort.OLDEST, {"worker"})


async def test_the_current_view_is_saved_as_by_the_command_line(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        app.query_one(JobTable).choose_columns({"worker"}, ())
        await pilot.press("slash", *"queue:mail", "enter", "o", "o", "V", "s")
        assert isinstance(app.screen, ViewName)
        await pilot.press(*"mine")
        line = "queuectl view save mine queue:mail sort:next-run columns:-worker"
        assert f"$ {line}" in screen_of(app)
        await pilot.press("enter")
        await pilot.pause()
        await pilot.pause()
        assert saved(tmp_path) == {"mine": "queue:mail sort:next-run columns:-worker"}
        assert f"$ {line}" in screen_of(app)
        assert "view: mine" in tabs_of(app)


async def test_a_view_is_deleted(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    saved(tmp_path, a="tag:x", b="tag:y")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("V", "j", "D")
        await pilot.pause()
        assert saved(tmp_path) == {"a": "tag:x"}
        assert "$ queuectl view delete b" in screen_of(app)


async def test_an_existing_name_is_announced_to_be_replaced(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    saved(tmp_path, ops="tag:x")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("V", "s", *"ops")
        assert "The view ops will be replaced." in screen_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert saved(tmp_path) == {"ops": "sort:newest"}


async def test_read_only_shows_views_and_saves_none(make_app: Make, tmp_path: Path) -> None:
    app = make_app(read_only=True)
    saved(tmp_path, ops="state:failed")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("V", "D")
        await pilot.pause()
        await pilot.press("V", "s")
        await pilot.pause()
        assert len(app.screen_stack) == 1
        assert saved(tmp_path) == {"ops": "state:failed"}
        await pilot.press("V", "enter")
        await pilot.pause()
        assert app.query_one(JobTable).window.total == 3


async def test_the_name_beside_the_tabs_opens_the_list(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    saved(tmp_path, ops="state:failed")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("V", "enter", "2")
        await pilot.pause()
        await pilot.click(Tabs, offset=(SIZE[0] - 4, 0))
        await pilot.pause()
        assert isinstance(app.screen, SavedViews)
        assert app.view.view_name == "jobs"


async def test_an_invalid_view_of_an_older_program_is_refused_with_the_reason(make_app: Make, tmp_path: Path) -> None:
    app = make_app()
    saved(tmp_path, odd="sort:", strange="state:nope")
    async with app.run_test(size=SIZE) as pilot:
        for keys in (("V", "enter"), ("V", "j", "enter")):
            await pilot.press(*keys)
            await pilot.pause()
            assert "cannot be shown" in screen_of(app)
        assert app.query_one(JobTable).window.total == 68


async def test_list_accepts_a_view_with_a_layout_and_save_refuses_an_invalid_one(tmp_path: Path) -> None:
    context = bootstrap.context(seeds.seeded(tmp_path), clock=seeds.StoppedClock())
    save, listed = find("view save"), find("list")
    save.run(context, save.params(name="ops", words=("state:failed", "sort:duration", "columns:-worker")))

    assert len(list(listed.run(context, listed.params(view="ops")))) == 3
    for word in ("sort:nonsense", "sort:", "columns:worker"):
        with pytest.raises(UsageError):
            save.run(context, save.params(name="bad", words=(word,)))
    context.close()
