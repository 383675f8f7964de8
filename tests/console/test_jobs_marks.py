"""Pending actions are shown in their rows; a range includes rows that are not loaded."""

from __future__ import annotations

import pytest

from queuectl.domain.errors import StoreError
from queuectl_tui.widgets.job_table import JobTable
from tests.support import seed as seeds
from tests.support.pilot import screen_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

pytestmark = pytest.mark.asyncio
SIZE = (120, 40)
DEAD = ("slash", *"state:dead", "enter")


class Held:
    """A writer that does nothing until it is released."""

    def __init__(self, app: ConsoleApp, monkeypatch: pytest.MonkeyPatch) -> None:
        self._run = app.writer.run
        self._given: tuple[Any, ...] | None = None
        monkeypatch.setattr(app.writer, "run", self._hold)

    def _hold(self, *given: Any) -> None:
        self._given = given

    def let_go(self) -> None:
        assert self._given is not None
        self._run(*self._given)


async def test_a_row_shows_its_pending_action_until_it_ends(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        held = Held(app, monkeypatch)
        await pilot.press(*DEAD, "r")
        assert " 54 … retry " in screen_of(app)
        assert " 53 × dead " in screen_of(app)
        held.let_go()
        await pilot.pause()
        await pilot.pause()
        assert "… retry" not in screen_of(app)
        assert app.snapshot.counts["dead"] == 12


async def test_a_failed_action_is_removed_from_its_row_with_the_reason(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from queuectl.store.jobs import Jobs

    def refuse(*_: object, **__: object) -> None:
        raise StoreError("the store is locked by another process")

    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        held = Held(app, monkeypatch)
        await pilot.press(*DEAD, "space", "space", "r", "y")
        await pilot.pause()
        assert screen_of(app).count("… retry ") == 2
        monkeypatch.setattr(Jobs, "retry", refuse)
        held.let_go()
        await pilot.pause()
        assert "… retry" not in screen_of(app)
        assert " 54 × dead " in screen_of(app)
        assert "the store is locked" in screen_of(app)
        # The marks stay, so that the action can be repeated.
        assert list(app.query_one(JobTable).marks) == ["54", "53"]


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_a_range_includes_rows_that_are_not_loaded(make_app: Make, order: str) -> None:
    app = make_app(lambda seeder: seeder.many(5000, state="pending"), workers=False)
    async with app.run_test(size=SIZE) as pilot:
        if order == "oldest":
            await pilot.press("o")
        table = app.query_one(JobTable)
        await pilot.press("j", "j", "v", "G")
        await pilot.pause()
        await pilot.press("k", "v")
        await pilot.pause()
        assert len(table.window.rows) < 4000
        assert len(table.marks) == 4997
        assert not table.in_range
        kept = {str(number) for number in (range(2, 4999) if order == "newest" else range(3, 5000))}
        assert set(table.marks) == kept


async def test_a_long_range_marks_only_what_is_in_the_filter(make_app: Make) -> None:
    def seed(seeder: seeds.Seeder) -> None:
        for number in range(40):
            seeder.many(50, state="pending", queue=("a", "b")[number % 2])

    app = make_app(seed, workers=False)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"queue:a", "enter", "v", "G")
        await pilot.pause()
        await pilot.press("v")
        await pilot.pause()
        table = app.query_one(JobTable)
        assert len(table.marks) == 1000
        assert all(((int(id_) - 1) // 50) % 2 == 0 for id_ in table.marks)
