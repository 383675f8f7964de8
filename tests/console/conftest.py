"""The console over a seeded store, with a stopped clock."""

from __future__ import annotations

import os
import time

for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_FILTERS", "COLORTERM", "TEXTUAL"):
    # Read when Textual is imported: settings of a developer's terminal must not affect the tests.
    os.environ.pop(name, None)
os.environ["TZ"] = "UTC"
time.tzset()

import pytest  # noqa: E402 - after what it reads has been cleared
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode  # noqa: E402 - as above
from textual._doc import take_svg_screenshot  # noqa: E402 - as above

from queuectl import bootstrap  # noqa: E402 - after what it reads has been cleared
from queuectl.runtime import liveness  # noqa: E402 - after what it reads has been cleared
from queuectl_tui import typed  # noqa: E402 - after what it reads has been cleared
from queuectl_tui.widgets import row_loader  # noqa: E402 - after what it reads has been cleared
from tests.support import seed as seeds  # noqa: E402 - after what it reads has been cleared
from tests.support.console import Terminal  # noqa: E402 - after what it reads has been cleared
from tests.support.event_loop import settle  # noqa: E402 - after what it reads has been cleared
from tests.support.pilot import lines_of  # noqa: E402 - after what it reads has been cleared
from tests.support.waiting import PATIENCE  # noqa: E402 - after what it reads has been cleared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from syrupy.assertion import SnapshotAssertion
    from textual.app import App

    from queuectl_tui.app import ConsoleApp
    from tests.support.queue import Queue

PICTURED = (120, 40)
"""The size of which a snapshot is a picture, colours included; of any other it is the text of the screen."""


class ScreenText(SingleFileSnapshotExtension):
    """Snapshots as files of plain text."""

    _file_extension = "txt"
    _write_mode = WriteMode.TEXT


@pytest.fixture
def snap_compare(
    snap_compare: Callable[..., bool], snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., bool]:
    """Compare an app with its snapshot: with a picture if the terminal is `PICTURED`, else with the text of the screen.

    One set of pictures shows colours and styles; a change of colour must not rewrite every size.
    """

    def compare(app: App[Any], *, terminal_size: tuple[int, int], **options: Any) -> bool:
        if terminal_size == PICTURED:
            return snap_compare(app, terminal_size=terminal_size, **options)

        def text(**_: object) -> str:
            return "\n".join(line.rstrip() for line in lines_of(app)) + "\n"

        monkeypatch.setattr(app, "export_screenshot", text)
        # Asserted here: syrupy then prints the lines that differ.
        assert take_svg_screenshot(app, terminal_size=terminal_size, **options) == snapshot.use_extension(ScreenText)
        return True

    return compare


@pytest.fixture(autouse=True)
def patient_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `pilot.pause()` wait until the console is idle, however busy the machine is."""
    monkeypatch.setattr("textual.pilot.wait_for_idle", settle)


@pytest.fixture(autouse=True)
def eager_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read rows again at once, however long the last read took: on a busy machine, any may be slow."""
    monkeypatch.setattr(row_loader, "_DEAR", 0)


@pytest.fixture(autouse=True)
def patient_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a key wait for its rows, its dialog or its action as long as a busy machine takes."""
    monkeypatch.setattr(typed, "_PATIENCE", PATIENCE)


@pytest.fixture
def console(queue: Queue) -> Iterator[Callable[..., Terminal]]:
    """Open a console in a real terminal: `console(*words)`."""
    opened: list[Terminal] = []

    def open_(*words: str) -> Terminal:
        opened.append(Terminal(*words, env=queue.environment))
        opened[-1].wait_for("Jobs", 60)
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


@pytest.fixture
def make_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ConsoleApp]:
    """Make a console over a store of its own: `make_app(seed=…, workers=…, **options of ConsoleApp)`.

    There are no timers (`live=False`): the store is read once at the start, and on `app.reader.refresh()`.
    """
    from queuectl_tui.app import ConsoleApp

    def make(
        seed: Callable[[seeds.Seeder], None] | None = seeds.lively, *, workers: bool = True, **options: Any
    ) -> ConsoleApp:
        path = seeds.seeded(tmp_path, seed)
        clock = seeds.StoppedClock()

        def context() -> Any:
            return bootstrap.context(path, clock=clock)

        seen = seeds.workers() if workers and seed is not None else ((), ())
        # No process runs here, so the workers are simulated.
        monkeypatch.setattr(liveness, "living_workers", lambda *_, **__: list(seen[0]))
        monkeypatch.setattr(liveness, "living_pools", lambda *_, **__: list(seen[1]))
        chosen: dict[str, Any] = {"live": False, "location": "~/prod/queue.db"} | options
        return ConsoleApp(context, clock, **chosen)

    return make
