"""Pictures of the help on a job's page, of marked groups, and of a read-only console."""

from __future__ import annotations

from typing import Any

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]
    Snap = Callable[..., bool]

sizes = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")


@sizes
def test_picture_of_the_help_on_the_page_of_a_job(make_app: Make, snap_compare: Snap, size: tuple[int, int]):
    async def act(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        await pilot.pause()
        app.pages.job("42")
        await pilot.pause()
        await pilot.press("question_mark")
        await pilot.pause()

    assert snap_compare(make_app(), run_before=act, terminal_size=size)


@sizes
def test_picture_of_marked_groups(make_app: Make, snap_compare: Snap, size: tuple[int, int]):
    async def act(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        await pilot.pause()
        app.show_view("dead")
        await pilot.pause()
        await pilot.press("space", "space", "D")
        await pilot.pause()

    assert snap_compare(make_app(), run_before=act, terminal_size=size)


@sizes
def test_picture_of_the_page_after_an_action_that_cannot_be_undone(
    make_app: Make, snap_compare: Snap, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
):
    monkeypatch.setattr("queuectl.store.undo.MAX_JOBS", 0)

    async def act(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        await pilot.pause()
        app.pages.job("42")
        await pilot.pause()
        await pilot.press("r")
        await pilot.pause()

    assert snap_compare(make_app(), run_before=act, terminal_size=size)


@sizes
def test_picture_of_a_read_only_console_without_workers(make_app: Make, snap_compare: Snap, size: tuple[int, int]):
    async def act(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        await pilot.pause()
        app.show_view("workers")
        await pilot.pause()

    assert snap_compare(make_app(workers=False, read_only=True), run_before=act, terminal_size=size)
