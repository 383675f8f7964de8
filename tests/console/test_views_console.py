"""The views in the console itself: opened by their keys, fed by its reader, acting through its writer."""

from __future__ import annotations

import asyncio

import pytest

from queuectl_tui.screens.overview import OverviewView
from queuectl_tui.screens.workers import WorkersView
from queuectl_tui.widgets.key_bar import KeyBar
from queuectl_tui.widgets.line_list import LineList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.pilot import Pilot

    from queuectl_tui.app import ConsoleApp


def drive(app: ConsoleApp, act: Callable[[Pilot[int]], Awaitable[None]], size: tuple[int, int] = (100, 30)) -> None:
    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause(0.1)
            await act(pilot)

    asyncio.run(run())


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40), (200, 60)])
def test_every_view_opens_by_its_key_and_offers_keys(make_app: Callable[..., ConsoleApp], size: tuple[int, int]):
    app = make_app()

    async def act(pilot: Pilot[int]) -> None:
        for key, name in (("2", "workers"), ("3", "dead"), ("4", "queues"), ("5", "overview"), ("6", "activity")) * 2:
            await pilot.press(key)
            await pilot.pause(0.1)
            assert app.view.view_name == name
            assert app.view.hints()
            assert app.focused is not None
            assert app.view in {app.focused, app.focused.parent}

    drive(app, act, size)


def test_a_group_of_dead_jobs_is_retried_and_the_echo_shows_the_command(make_app: Callable[..., ConsoleApp]):
    app = make_app()

    async def act(pilot: Pilot[int]) -> None:
        await pilot.press("3")
        await pilot.pause(0.1)
        before = app.snapshot.counts["dead"]
        await pilot.press("r")
        await pilot.pause(0.2)
        assert app.snapshot.counts["dead"] == before - 7
        assert len(app.view.query_one(LineList).keys) == 3
        await pilot.press("6")
        await pilot.pause(0.2)
        first = app.view.query_one(LineList).render_line(0)
        assert "queuectl dlq retry --error" in "".join(segment.text for segment in first)

    drive(app, act, (140, 40))


def test_read_only_runs_nothing(make_app: Callable[..., ConsoleApp]):
    app = make_app(read_only=True)

    async def act(pilot: Pilot[int]) -> None:
        await pilot.press("3")
        await pilot.pause(0.1)
        before = app.snapshot.counts["dead"]
        await pilot.press("r", "D", "e")
        await pilot.pause(0.2)
        assert len(app.screen_stack) == 1
        await pilot.press("2", "K")
        await pilot.pause(0.2)
        assert len(app.screen_stack) == 1
        await pilot.press("4", "h", "H", "L", "W")
        await pilot.pause(0.2)
        assert len(app.screen_stack) == 1
        assert app.snapshot.paused == ()
        app.reader.refresh()
        await pilot.pause(0.1)
        assert app.snapshot.counts["dead"] == before

    drive(app, act)


def test_the_clock_advances_without_a_read(make_app: Callable[..., ConsoleApp]):
    app = make_app()

    async def act(pilot: Pilot[int]) -> None:
        await pilot.press("2")
        await pilot.pause(0.1)
        view = app.view
        assert isinstance(view, WorkersView)
        app.clock.at += 3000  # type: ignore[attr-defined]  # a StoppedClock
        view.tick()
        row = view.query_one(LineList).render_line(0)
        assert "0:05" in "".join(segment.text for segment in row)

    drive(app, act)


def test_the_theme_changes_the_charts_too(make_app: Callable[..., ConsoleApp]):
    app = make_app()

    async def act(pilot: Pilot[int]) -> None:
        await pilot.press("5")
        await pilot.pause(0.1)
        assert isinstance(app.view, OverviewView)
        chart = app.view.query_one("#in")
        before = [segment.style for segment in chart.render_line(3)]
        await pilot.press("T")
        await pilot.pause(0.2)
        assert [segment.style for segment in chart.render_line(3)] != before

    drive(app, act)


def test_a_click_on_a_key_does_what_the_key_does(make_app: Callable[..., ConsoleApp]):
    app = make_app()

    async def act(pilot: Pilot[int]) -> None:
        await pilot.press("3")
        await pilot.pause(0.1)
        before = [hint.label for hint in app.view.hints()]
        app.key_bar.post_message(KeyBar.Pressed("group"))
        await pilot.pause(0.2)
        assert [hint.label for hint in app.view.hints()] != before

    drive(app, act)
