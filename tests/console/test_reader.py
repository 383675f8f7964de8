"""The reader's thread survives what goes wrong in it, and tells it."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

pytestmark = pytest.mark.asyncio


async def until(met: Callable[[], bool]) -> None:
    """Wait for it beside the console, which goes on meanwhile."""
    await asyncio.to_thread(wait_until, met, 60)


async def test_a_mistake_in_a_request_is_told_and_the_next_one_is_answered(make_app: Make) -> None:
    app = make_app(live=True)
    async with app.run_test(size=(120, 40)):
        await until(lambda: app.snapshot.total == 68)
        told: list[str | None] = []
        answers: list[int] = []
        show = app.view.show

        def see(snapshot: object) -> None:
            told.append(app.snapshot.error)
            show(snapshot)  # type: ignore[arg-type]  # what it was given

        app.view.show = see  # type: ignore[method-assign]  # to see what it is shown
        app.reader.ask(lambda _: 1 // 0, answers.append, "wrong")
        await until(lambda: "internal: ZeroDivisionError: integer division or modulo by zero" in told)
        app.reader.ask(lambda context: len(context.store.browse.these(["68"])), answers.append, "right")
        await until(lambda: answers == [1])
        app.reader.refresh()
        await until(lambda: app.snapshot.error is None)


async def test_a_mistake_in_reading_everything_is_told_and_passes(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(live=True)
    async with app.run_test(size=(120, 40)):
        await until(lambda: app.snapshot.total == 68)
        with monkeypatch.context() as broken:
            broken.setattr("queuectl_tui.reader._snapshot", lambda *_: 1 // 0)
            app.reader.refresh()
            await until(lambda: (app.snapshot.error or "").startswith("internal: ZeroDivisionError"))
            assert app.snapshot.total == 68
        app.reader.refresh()
        await until(lambda: app.snapshot.error is None)
