"""An app with the parts of the console that the pages of one job need, without timers."""

from __future__ import annotations

from textual.app import App

from queuectl import bootstrap
from queuectl_tui import ansi, keymap
from queuectl_tui.theme import THEMES, Paint
from tests.support.seed import StoppedClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from textual.screen import Screen

    from queuectl.operations.context import Context


class Reader:
    """A reader that answers at once."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def ask(self, request: Callable[[Context], Any], answer: Callable[[Any], None], key: str) -> None:
        answer(request(self._context))


class Stand(App[None]):
    """Shows one screen over a store."""

    def __init__(
        self, path: str, screen: Callable[[], Screen[None]], *, clock: StoppedClock | None = None,
        theme: str = "queuectl", ascii_only: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.clock = clock or StoppedClock()
        self.context = bootstrap.context(path, clock=self.clock)
        self.reader = Reader(self.context)
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme
        self.ansi_theme_dark, self.ansi_theme_light = ansi.DARK, ansi.LIGHT
        self.paint = Paint(theme, dark=self.current_theme.dark, ascii_only=ascii_only)
        self.read_only = False
        self._first = screen

    def shown_key(self, id_: str) -> str:
        return keymap.shown_key(id_)

    def on_mount(self) -> None:
        self.push_screen(self._first())
