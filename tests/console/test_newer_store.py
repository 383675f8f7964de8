"""A store upgraded by a newer queuectl is refused, at the start and while the console is open."""

from __future__ import annotations

from typing import Any

import apsw
import pytest

from queuectl.store.database import SCHEMA_VERSION
from tests.support.console import ALTERNATE_ON, Terminal
from tests.support.pilot import screen_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from queuectl_tui.app import ConsoleApp
    from tests.support.queue import Queue

    Make = Callable[..., ConsoleApp]
    Snap = Callable[..., bool]

WORDS = f"was made by a newer queuectl (schema {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION})"
sizes = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")


def upgrade(path: str) -> None:
    """Upgrade the store as a newer queuectl would."""
    connection = apsw.Connection(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}").fetchall()
    connection.close()


def test_the_console_does_not_open_on_it(queue: Queue):
    queue.enqueue("true")
    upgrade(queue.path)
    terminal = Terminal("tui", env=queue.environment)
    try:
        assert terminal.wait(60) == 5
        assert WORDS in terminal.text
        assert "upgrade queuectl" in terminal.text
        assert "Traceback" not in terminal.text
        assert ALTERNATE_ON not in terminal.seen
    finally:
        terminal.close()


@pytest.mark.asyncio
async def test_an_open_console_reports_it_keeps_its_rows_and_writes_nothing(make_app: Make, tmp_path: Path):
    app: Any = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        before = app.snapshot.counts
        upgrade(str(tmp_path / "queue.db"))
        app.reader.refresh()
        await pilot.pause()
        text = screen_of(app)
        assert WORDS in " ".join(text.split())
        assert "upgrade queuectl" in text
        assert "STALE" in text
        assert app.snapshot.counts == before
        await pilot.press("slash", *"state:dead", "enter")
        await pilot.pause()
        await pilot.press("r")
        await pilot.pause()
        assert "newer queuectl" in app.echo.visual.plain
        assert states(tmp_path, "dead") == before["dead"]


def states(directory: Path, state: str) -> int:
    connection = apsw.Connection(str(directory / "queue.db"))
    return int(connection.execute("SELECT count(*) FROM jobs WHERE state = ?", (state,)).get)


@sizes
def test_picture_of_a_store_upgraded_while_it_is_open(
    make_app: Make, snap_compare: Snap, tmp_path: Path, size: tuple[int, int]
):
    async def act(pilot: Pilot[Any]) -> None:
        app: Any = pilot.app
        await pilot.pause()
        upgrade(str(tmp_path / "queue.db"))
        # As shown to a user: without a path of this machine.
        real = app.reader._open().store.database
        real.path = "~/prod/queue.db"
        app.clock.at += 4000
        app.reader.refresh()
        await pilot.pause()

    assert snap_compare(make_app(), run_before=act, terminal_size=size)
