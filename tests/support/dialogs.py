"""An app for one dialog, and the data that the dialogs' tests show in it."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.screen import Screen

from queuectl.config import SETTINGS
from queuectl.operations.commandline.complete import Choice
from queuectl.operations.config import SettingNow
from queuectl.operations.operation import Danger
from queuectl_tui.palette_entry import Entry
from queuectl_tui.screens.confirm import Confirm
from queuectl_tui.screens.palette import ConsoleCommands
from queuectl_tui.theme import THEMES
from queuectl_tui.widgets.echo_line import EchoLine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = {
    "jobs": [
        Choice(text="12481", about="pending  send --to list-[b]a[/b]"),
        Choice(text="12480", about="processing  ffmpeg -i a.mov b.mp4"),
        Choice(text="a b"),
        Choice(text="[/x]"),
    ],
    "queues": [Choice(text=each) for each in ("default", "ma il", "mail")],
    "filters": [Choice(text=each) for each in ("queue:ma il", "queue:mail", "state:dead", "state:pending")],
    "labels": [Choice(text="gpu")],
    "tags": [Choice(text="nightly"), Choice(text="new tag")],
    "hosts": [Choice(text="alpha.example")],
    "pools": [Choice(text="p1")],
    "errors": [Choice(text="3f2a", about="12 dead: timed out")],
    "views": [Choice(text="night shift", about="state:dead")],
    "dead": [Choice(text="12440")],
}
"""Names in a store, by kind."""


def names(kind: str) -> list[Choice]:
    """Return names as completion reads them."""
    return NAMES.get(kind, [])


def read_names(kind: str, take: Callable[[list[Choice]], None]) -> None:
    """Answer at once, as no reader does."""
    take(names(kind))


class Stage(App[None]):
    """Shows one dialog, and records its answer."""

    COMMANDS: ClassVar = {ConsoleCommands}

    def __init__(self, dialog: Screen[Any] | None = None) -> None:
        super().__init__()
        self.dialog = dialog
        self.read_only = False
        self.answers: list[Any] = []
        self.opened: list[str] = []

    def compose(self) -> ComposeResult:
        yield EchoLine()

    def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "queuectl"
        if self.dialog is not None:
            self.push_screen(self.dialog, self.answers.append)

    def key_entries(self, _screen: Screen[Any]):
        yield Entry(title="r  retry", about="Run the job again now", act=lambda: self.opened.append("retry"))

    @property
    def pages(self) -> Stage:
        return self

    def command_line(self, text: str = "") -> None:
        self.opened.append(text)


def shown(app: App[Any]) -> str:
    """Return all text on the screen."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in lines)[: (width + 1) * height * 4]


def delete_many(typed: int | None = None, few: int = 5) -> Confirm:
    ids = [str(number) for number in range(12481, 12435, -1)]
    return Confirm(
        "Delete 46 jobs",
        ["46 finished jobs are deleted with their history and output.", "This cannot be undone."],
        "queuectl delete " + " ".join(ids),
        Danger.DESTROYS,
        typed,
        do="Delete",
        names=[f"{id_}  send --to list-[b]a[/b]" for id_ in ids],
        few=few,
    )


def settings_now(**stored: Any) -> list[SettingNow]:
    return [
        SettingNow(
            key=key,
            value=stored.get(key, setting.default),
            default=setting.default,
            origin="store" if key in stored else "default",
            help=f"{setting.help}; {setting.describe()}",
        )
        for key, setting in SETTINGS.items()
    ]
