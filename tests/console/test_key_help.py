"""The help and the palette list exactly the keys that apply."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Static

from queuectl_tui.keymap import KEYS, remap
from queuectl_tui.screens.help import Help
from queuectl_tui.screens.job import JobScreen
from queuectl_tui.screens.palette import ConsoleCommands
from queuectl_tui.widgets.log_view import SCROLLING
from tests.support.pilot import screen_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

pytestmark = pytest.mark.asyncio
BY_ID = {key.id: key for key in KEYS}
WRITES = ("list.retry", "list.delete", "list.edit", "global.new_job", "global.start_pool", "global.more", "global.undo")
VIEWS = ["jobs", "workers", "dead", "queues", "overview", "activity"]


def help_text(app: Any) -> str:
    assert isinstance(app.screen, Help)
    return str(app.screen.query_one("#keys", Static).visual)


async def entries_of(app: Any) -> set[str]:
    return {str(hit.text) async for hit in ConsoleCommands(app.screen).discover()}


def entry(id_: str) -> str:
    return f"{BY_ID[id_].help} ({BY_ID[id_].shown})"


async def test_the_help_on_a_jobs_page_has_its_keys_and_those_of_its_log(make_app: Make):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.pages.job("42")
        await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()
        text = help_text(app)
        for id_ in (*JobScreen.own_keys, *SCROLLING, "log.search"):
            assert text.count(BY_ID[id_].help.split(";")[0]) >= 1, id_
        # The page uses this key for something else.
        assert BY_ID["log.next_error"].help not in text
        assert text.index("A job\n") < text.index("A job's output") < text.index("Everywhere")
        everywhere = text[text.index("Everywhere") :]
        assert BY_ID["global.leave"].help not in everywhere


async def test_every_key_of_the_page_does_what_the_help_says(make_app: Make):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.pages.job("42")
        await pilot.pause()
        bound = app.screen.active_bindings
        for key in remap({}):
            if key.id in JobScreen.own_keys or key.id in SCROLLING:
                found = bound[key.keys.split(",")[0]]
                assert found.binding.id == key.id
                name = f"action_{key.does.partition('(')[0]}"
                assert hasattr(found.node, name)


@pytest.mark.parametrize("view", ["workers", "dead", "activity"])
async def test_the_help_on_a_list_includes_its_moves(make_app: Make, view: str):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.show_view(view)
        await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()
        assert BY_ID["list.end"].help in help_text(app)
        assert BY_ID["list.columns"].help not in help_text(app)


@pytest.mark.parametrize("view", VIEWS)
async def test_the_palette_lists_only_actions_of_the_view(make_app: Make, view: str):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.show_view(view)
        await pilot.pause()
        entries = await entries_of(app)
    assert (entry("list.sort") in entries) == (view == "jobs")
    assert (entry("list.cancel") in entries) == (view == "jobs")
    assert (entry("dead.purge") in entries) == (view == "dead")
    assert (entry("workers.log") in entries) == (view == "workers")
    assert entry("global.new_job") in entries


async def test_the_palette_on_a_jobs_page_lists_the_actions_on_the_job(make_app: Make):
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.pages.job("42")
        await pilot.pause()
        entries = await entries_of(app)
    assert {entry("list.retry"), entry("list.edit"), entry("log.follow")} <= entries
    assert entry("list.sort") not in entries


@pytest.mark.parametrize("view", VIEWS)
async def test_a_read_only_console_offers_no_writing_action(make_app: Make, view: str):
    app = make_app(read_only=True)
    async with app.run_test(size=(160, 40)) as pilot:
        await pilot.pause()
        app.show_view(view)
        await pilot.pause()
        screen = screen_of(app)
        for words in ("S starts", "+ more", "- fewer", "X drain", "stop now", "n new job", "D delete", "r retry"):
            assert words not in screen
        entries = await entries_of(app)
        assert not any(entry(id_) in entries for id_ in WRITES)
        assert ":enqueue" not in entries
        assert ":list" in entries
        await pilot.press("question_mark")
        await pilot.pause()
        assert not any(BY_ID[id_].help in help_text(app) for id_ in WRITES)


async def test_without_workers_a_read_only_console_does_not_offer_to_start_any(make_app: Make):
    app = make_app(workers=False, read_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        for view in ("jobs", "workers"):
            await pilot.pause()
            app.show_view(view)
            await pilot.pause()
            screen = screen_of(app)
            assert "S start" not in screen
