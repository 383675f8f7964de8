"""The reader's thread survives errors, and reports them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from queuectl.domain.errors import StoreGone
from queuectl.operations import find
from queuectl_tui.reader import SnapshotArrived
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl_tui.app import ConsoleApp

    Make = Callable[..., ConsoleApp]

pytestmark = pytest.mark.asyncio


async def until(met: Callable[[], bool]) -> None:
    """Wait for a condition while the console runs."""
    await asyncio.to_thread(wait_until, met, 60)


def move(path: Path, to: Path) -> None:
    path.rename(to)


def is_there(path: Path) -> bool:
    return path.exists()


async def test_an_error_in_a_request_is_reported_and_the_next_one_is_answered(make_app: Make) -> None:
    app = make_app(live=True)
    async with app.run_test(size=(120, 40)):
        await until(lambda: app.snapshot.total == 68)
        errors: list[str | None] = []
        answers: list[int] = []
        show = app.view.show

        def see(snapshot: object) -> None:
            errors.append(app.snapshot.error)
            show(snapshot)  # type: ignore[arg-type]  # what it was given

        app.view.show = see  # type: ignore[method-assign]  # to see what it is shown
        app.reader.ask(lambda _: 1 // 0, answers.append, "wrong")
        await until(lambda: "internal: ZeroDivisionError: integer division or modulo by zero" in errors)
        app.reader.ask(lambda context: len(context.store.job_pages.these(["68"])), answers.append, "right")
        await until(lambda: answers == [1])
        app.reader.refresh()
        await until(lambda: app.snapshot.error is None)


async def test_a_snapshot_that_arrives_while_the_console_closes_is_ignored(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await app.view.remove()
        app.post_message(SnapshotArrived(app.snapshot))
        await pilot.pause()


async def test_an_error_in_a_snapshot_is_reported_and_passes(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_a_store_that_was_moved_away_is_read_and_written_again_once_it_is_back(
    make_app: Make, tmp_path: Path
) -> None:
    app: Any = make_app(live=True, workers=False)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: app.snapshot.total == 68)
        path, away = Path(app.reader._open().given), tmp_path / "away.db"
        row = app.view.table.cursor_row

        move(path, away)
        await until(lambda: isinstance(app.snapshot.failure, StoreGone))
        act = find("priority")
        done: list[object] = []
        app.act(act, act.params(ids=(row.id,), priority=7), about="tried", then=lambda each: done.append(each.error))
        await until(lambda: bool(done))
        assert isinstance(done[0], StoreGone)
        assert not is_there(path)

        move(away, path)
        await until(lambda: app.snapshot.error is None)
        app.act(act, act.params(ids=(row.id,), priority=7), about="did", then=lambda each: done.append(each.error))
        await until(lambda: len(done) == 2)
        assert not isinstance(done[1], StoreGone)
        await pilot.pause()
