"""`u` undoes the last requested action, also while that is still being written."""

from __future__ import annotations

from typing import Any

import pytest

from queuectl.domain.job import JobState
from queuectl_tui import typed
from queuectl_tui.widgets.job_table import JobTable
from tests.support.key_burst import burst
from tests.support.pilot import screen_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]
pytestmark = pytest.mark.asyncio


class SlowWriter:
    """The writer of a console, which delays one operation until it is released."""

    def __init__(self, app: Any, name: str = "hold") -> None:
        self._app = app
        self._name = name
        self._once = app.writer._once
        self._tasks: list[Any] = []
        app.writer._once = self._run

    def _run(self, task: Any) -> None:
        if task[0].name == self._name:
            self._tasks.append(task)
        else:
            self._once(task)

    def go_on(self) -> None:
        self._app.writer._once = self._once
        for task in self._tasks:
            self._once(task)


async def hold_one_and_go_to_the_next(app: Any, pilot: Pilot[int]) -> tuple[str, str]:
    """Hold the first waiting job; return its id, and the id under the cursor afterwards."""
    app.view.set_filter("state:pending state:held")
    await pilot.pause()
    table = app.view.query_one(JobTable)
    held = table.cursor_row.id
    await pilot.press("h", "j")
    app.clock.at += 1000
    return held, table.cursor_row.id


def states(app: Any, *ids: str) -> list[JobState]:
    return [app.reader._open().store.jobs.get(id_).job.state for id_ in ids]


async def test_undo_waits_for_an_action_in_progress(make_app: Make):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        first, second = await hold_one_and_go_to_the_next(app, pilot)
        slow = SlowWriter(app)

        await burst(pilot, "hu")
        assert states(app, first, second) == [JobState.HELD, JobState.PENDING]

        slow.go_on()
        await pilot.pause()
        assert "undid" in screen_of(app)
        assert states(app, first, second) == [JobState.HELD, JobState.PENDING]
        assert [each.verb for each in app.reader._open().store.undo.list(now=app.clock.now())] == ["hold"]


@pytest.mark.parametrize("page", [False, True], ids=["in the list", "on the page of the job"])
async def test_undo_of_a_long_action_is_refused_with_a_message(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, *, page: bool
):
    monkeypatch.setattr(typed, "_PATIENCE", 0.0)
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        first, second = await hold_one_and_go_to_the_next(app, pilot)
        if page:
            await pilot.press("enter")
        slow = SlowWriter(app)

        await burst(pilot, "hux")

        assert "hold is still in progress: press again when it has ended" in screen_of(app)
        slow.go_on()
        await pilot.pause()
        assert states(app, first, second) == [JobState.HELD, JobState.HELD]
        await pilot.press("u")
        assert states(app, first, second) == [JobState.HELD, JobState.PENDING]


async def test_undo_waits_for_nothing_that_only_reads(make_app: Make):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        first, second = await hold_one_and_go_to_the_next(app, pilot)
        SlowWriter(app, "doctor")

        await burst(pilot, ":doctor\ru")

        assert states(app, first, second) == [JobState.PENDING, JobState.PENDING]
