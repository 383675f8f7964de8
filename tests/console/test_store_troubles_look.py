"""Pictures of the console over a locked store, and over a read-only one."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from queuectl.domain.errors import StoreBusy
from tests.support import seed as seeds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]
    Snap = Callable[..., bool]

sizes = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")


def locked() -> Any:
    raise StoreBusy("the store ~/prod/queue.db is locked by another process", hint="nothing was done: try again")


def lock(app: Any, *, late: int = 12 * seeds.SECOND) -> None:
    """Lock the store for the reader; `late` milliseconds after the last good read, it reads again."""
    app.reader._open = locked
    app.clock.at += late
    app.reader.refresh()


@sizes
@pytest.mark.parametrize("view", ["jobs", "workers", "dead", "overview", "activity"])
def test_a_locked_store_keeps_the_last_picture(make_app: Make, snap_compare: Snap, view: str, size: tuple[int, int]):
    async def act(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        await pilot.pause()
        app.show_view(view)
        await pilot.pause()
        await pilot.pause()
        lock(app)
        await pilot.pause()
        # A request of a view gets no answer meanwhile, and removes nothing.
        await pilot.press("j")
        await pilot.pause()

    assert snap_compare(make_app(), run_before=act, terminal_size=size)


@sizes
def test_a_store_that_was_never_read_shows_the_reason(make_app: Make, snap_compare: Snap, size: tuple[int, int]):
    app = make_app()
    app.reader._open = locked  # type: ignore[method-assign]  # locked before the first read

    assert snap_compare(app, terminal_size=size)


def test_a_paused_console_still_shows_that_the_store_is_locked(make_app: Make, snap_compare: Snap):
    async def act(pilot: Pilot[Any]) -> None:
        await pilot.press("p")
        lock(pilot.app)
        await pilot.pause()

    assert snap_compare(make_app(), run_before=act, terminal_size=(80, 24))


@pytest.mark.asyncio
async def test_the_banner_disappears_when_the_store_is_read_again(make_app: Make):
    app: Any = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        before = app.snapshot
        lock(app)
        await pilot.pause()
        assert "STALE 12s" in first_line(app)
        assert (app.snapshot.counts, app.snapshot.at) == (before.counts, before.at)
        del app.reader._open
        app.reader.refresh()
        await pilot.pause()
        assert "STALE" not in first_line(app)
        assert "LIVE" in first_line(app)
        assert app.snapshot.error is None


@sizes
@pytest.mark.parametrize("view", ["jobs", "workers", "dead"])
def test_read_only_is_shown_and_no_writing_action_is_offered(
    make_app: Make, snap_compare: Snap, view: str, size: tuple[int, int]
):
    async def act(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        await pilot.pause()
        app.show_view(view)
        await pilot.pause()
        await pilot.pause()

    assert snap_compare(make_app(read_only=True), run_before=act, terminal_size=size)


@pytest.mark.parametrize("key", ["r", "S", "u", "plus"])
def test_read_only_refuses_with_a_hint(make_app: Make, snap_compare: Snap, key: str):
    app = make_app(read_only=True)

    assert snap_compare(app, press=("slash", *"state:dead", "enter", key), terminal_size=(80, 24))


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_read_only_over_a_locked_store(make_app: Make, snap_compare: Snap, size: tuple[int, int]):
    async def act(pilot: Pilot[Any]) -> None:
        await pilot.pause()
        lock(pilot.app)
        await pilot.pause()

    app = make_app(read_only=True, location="/srv/a-store-with-rather-a-long-name.db")
    assert snap_compare(app, run_before=act, terminal_size=size)


@pytest.mark.asyncio
@pytest.mark.parametrize("width", [60, 70, 80, 100, 120])
async def test_staleness_is_shown_at_every_width(make_app: Make, width: int):
    app = make_app(read_only=True, location="/srv/a-store-with-rather-a-long-name.db")
    async with app.run_test(size=(width, 24)) as pilot:
        await pilot.pause()
        lock(app, late=2 * seeds.HOUR)
        await pilot.pause()
        assert "READ-ONLY" in first_line(app)
        assert "STALE 7200s" in first_line(app)


@pytest.mark.asyncio
@pytest.mark.parametrize("view", ["workers", "dead", "overview", "activity"])
async def test_a_view_that_is_shown_from_the_code_is_whole_when_it_paints(make_app: Make, view: str):
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.show_view(view)
        await pilot.pause()
        assert app.view.view_name == view


def first_line(app: ConsoleApp) -> str:
    return app.screen._compositor.render_strips()[0].text
