"""The console's statements about undo, before and after an action, match what the store does."""

from __future__ import annotations

from typing import Any

import pytest

from queuectl.domain.job import JobState
from queuectl.operations.outlook import CAN, CANNOT, TOO_MUCH
from queuectl.store import undo
from queuectl_tui.screens.confirm import Confirm
from queuectl_tui.widgets.job_table import JobTable
from tests.support.pilot import screen_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]
FILTERED = {
    "delete of one": ("state:dead", "D"),
    "delete": ("state:completed", "aD"),
    "hold": ("state:pending", "ah"),
    "retry": ("state:dead", "ar"),
    "cancel what runs": ("state:processing", "x"),
    "cancel what waits": ("state:pending", "ax"),
    "kill": ("state:processing", "aK"),
}


def last_line(app: Any) -> str:
    assert isinstance(app.screen, Confirm)
    return str(app.screen._lines[-1])


async def ask(app: Any, pilot: Any, what: str) -> None:
    chosen, keys = FILTERED[what]
    app.view.set_filter(chosen)
    await pilot.pause()
    await pilot.press(*keys)
    if what == "kill":
        await pilot.press("enter")


@pytest.mark.asyncio
@pytest.mark.parametrize("most", [0, 1000])
@pytest.mark.parametrize("what", FILTERED)
async def test_a_confirmation_states_whether_undo_is_possible(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, what: str, most: int
):
    monkeypatch.setattr(undo, "MAX_JOBS", most)
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await ask(app, pilot, what)

        never = what in {"cancel what runs", "kill"}
        assert last_line(app) == (CANNOT if never else CAN if most else TOO_MUCH)


@pytest.mark.asyncio
async def test_cancelling_running_and_waiting_jobs_states_undo_for_each(make_app: Make):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        app.view.set_filter("state:processing state:pending")
        await pilot.pause()
        await pilot.press("a", "x")

        assert last_line(app) == "Running jobs are ended for good; for waiting jobs this can be undone for 10 minutes."


@pytest.mark.asyncio
@pytest.mark.parametrize("most", [0, 1000])
@pytest.mark.parametrize("keys", ["D", "jD", "bD", "aD"])
async def test_deleting_dead_letters_states_whether_undo_is_possible(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, keys: str, most: int
):
    monkeypatch.setattr(undo, "MAX_JOBS", most)
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3", *keys)

        assert last_line(app) == (CAN if most else TOO_MUCH)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("prune --state completed --older-than 1s", CANNOT),
        ("dlq purge", CAN),
        ("delete build-1", CAN),
        ("cancel build-1", CAN),
        ("worker stop", None),
    ],
)
async def test_a_confirmed_command_states_whether_undo_is_possible(make_app: Make, line: str, expected: str | None):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(":", *line, "enter")

        assert isinstance(app.screen, Confirm)
        assert (expected or "") in " ".join(app.screen._lines)
        assert expected is not None or "undone" not in " ".join(app.screen._lines)


@pytest.mark.asyncio
async def test_undo_after_an_action_without_undo_does_not_undo_an_older_one(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        app.view.set_filter("state:pending")
        await pilot.pause()
        first = app.view.query_one(JobTable).cursor_row
        await pilot.press("h")
        monkeypatch.setattr(undo, "MAX_JOBS", 0)
        app.view.set_filter("state:dead")
        await pilot.pause()
        app.clock.at += 1000
        await pilot.press("r", "u")

        assert "retry cannot be undone; :undo --list shows what can be, by number" in screen_of(app)
        assert app.reader._open().store.jobs.get(first.id).job.state is JobState.HELD
        (held,) = app.reader._open().store.undo.list(now=app.clock.now())
        await pilot.press(":", *f"undo {held.id}", "enter")
        assert app.reader._open().store.jobs.get(first.id).job.state is JobState.PENDING


@pytest.mark.asyncio
@pytest.mark.parametrize("stored", [None, "5"], ids=["default", "stored"])
async def test_undo_restores_a_setting(make_app: Make, stored: str | None):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        store = app.reader._open().store
        if stored is not None:
            store.set_config("max_retries", stored, now=0)
        await pilot.press("C", "enter", "9", "enter")
        assert store.config()["max_retries"] == "9"
        await pilot.press("escape")
        assert "u undo" in screen_of(app)

        await pilot.press("u")

        assert store.config().get("max_retries") == stored
        assert "put max_retries back" in screen_of(app)
