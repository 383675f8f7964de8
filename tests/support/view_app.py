"""A view alone on the screen over a seeded store, with the parts of the console that it needs."""

from __future__ import annotations

import asyncio
from typing import Any

from rich.text import Text
from textual.app import App, ComposeResult
from textual.widgets import Static

from queuectl import bootstrap
from queuectl.operations.outlook import outlook
from queuectl_tui import keymap
from queuectl_tui.screens.views import View
from queuectl_tui.snapshot import Snapshot
from queuectl_tui.theme import THEMES, Paint
from queuectl_tui.widgets.line_list import LineList
from tests.support import seed as seeds
from tests.support.pilot import screen_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from queuectl.operations.context import Context
    from queuectl.operations.operation import Operation


class SynchronousReader:
    """A reader that answers at once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.asked: list[str] = []

    def ask(
        self, request: Callable[[Context], Any], answer: Callable[[Any], None], key: str, failed: object = None
    ) -> None:
        self.asked.append(key)
        answer(request(self._context))


class Opened:
    """Pages that are only noted."""

    def __init__(self, opened: list[str]) -> None:
        self._opened = opened

    def job(self, id_: str) -> None:
        self._opened.append(f"job {id_}")

    def log(self, id_: str) -> None:
        self._opened.append(f"log {id_}")

    def edit_job(self, id_: str) -> None:
        self._opened.append(f"edit {id_}")


class ViewApp(App[None]):
    """Two lines above, the view, and two lines below with its keys."""

    CSS = "#above, #below { height: 2; color: $text-muted; }"
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self, view: View, path: str, snapshot: Snapshot, *, ascii_only: bool = False, theme: str = "queuectl"
    ) -> None:
        super().__init__()
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme
        self.paint = Paint(theme, dark=theme != "queuectl-light", ascii_only=ascii_only)
        self.clock = seeds.StoppedClock(snapshot.at)
        self.context = bootstrap.context(path, clock=self.clock)
        self.reader = SynchronousReader(self.context)
        self.view = view
        self.read_only = False
        self.snapshot = snapshot
        self.acted: list[tuple[str, Any]] = []
        self.opened: list[str] = []
        self.messages: list[str] = []
        self.pages = Opened(self.opened)

    def compose(self) -> ComposeResult:
        yield Static("", id="above")
        yield self.view
        yield Static("", id="below")

    def on_mount(self) -> None:
        self.view.on_view_shown()
        self.show(self.snapshot)

    def on_unmount(self) -> None:
        self.context.close()

    def show(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        with self.batch_update():
            self.view.show(snapshot)

    def on_idle(self) -> None:
        """Show the keys that the view offers."""
        hints = sorted(self.view.hints(), key=lambda hint: -hint.priority)
        text = Text("   ".join(f"{hint.key} {hint.label}" for hint in hints), no_wrap=True, overflow="ellipsis")
        below = self.query_one("#below", Static)
        if str(below.visual) != str(text):
            below.update(text)

    def act(self, operation: Operation, params: Any, *, about: str, then: Callable[[Any], None] | None = None) -> None:
        self.acted.append((operation.name, params))
        self.messages.append(about)
        result = operation.run(self.context, params)
        if hasattr(result, "__next__"):
            list(result)
        if then is not None:
            then(None)

    async def outlook(self, operation: Operation, params: Any) -> list[str]:
        return [text] if (text := outlook(self.context, operation.name, params)) else []

    def may_write(self) -> bool:
        return True

    def shown_key(self, id_: str) -> str:
        return keymap.shown_key(id_)

    def show_hints(self) -> None:
        """Do nothing: they are shown on each idle."""

    def say(self, text: str) -> None:
        self.messages.append(text)

    refuse = say

    def show_view(self, name: str, filter_text: str = "") -> None:
        self.opened.append(f"{name} {filter_text}")

    def copy(self, text: str, about: str) -> None:
        self.opened.append(text)
        self.say(about)


def snapshot(at: int = seeds.NOW, *, dead: int = 13, **changes: Any) -> Snapshot:
    """Return a snapshot that matches `seeds.lively` and its workers."""
    workers, pools = seeds.workers(at)
    counts = {
        "pending": 3, "processing": 3, "completed": 44, "failed": 3, "dead": dead, "cancelled": 1, "held": 0,
    }  # fmt: skip
    values: dict[str, Any] = {
        "at": at,
        "counts": counts,
        "total": sum(counts.values()),
        "workers": workers,
        "pools": pools,
        "in_rate": 0.4,
        "out_rate": 0.3,
        "oldest_due_ms": 9000,
        "changed": 1,
    }
    return Snapshot(**(values | changes))


def drive(app: ViewApp, act: Callable[[Pilot[None]], Awaitable[None]], *, size: tuple[int, int] = (100, 30)) -> None:
    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause(0.15)
            await act(pilot)

    asyncio.run(run())


def made(view: View, directory: Path, **options: object) -> ViewApp:
    path = seeds.seeded(directory, seeds.lively)
    return ViewApp(view, path, options.pop("snapshot", None) or snapshot(), **options)  # type: ignore[arg-type]  # of ViewApp, which checks them


def screen(app: ViewApp) -> str:
    """Return the text on the screen."""
    return screen_of(app)


def the_list(app: ViewApp) -> LineList:
    return app.view.query_one(LineList)
