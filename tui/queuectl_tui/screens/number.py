"""Dialog: enter one whole number, as a priority or a number of workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static

from queuectl.domain.text import safe
from queuectl_tui.screens.dialog import Box, Dialog, shown_command
from queuectl_tui.widgets.safe_input import SafeInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ClassVar

    from textual.app import ComposeResult
    from textual.binding import BindingType


class NumberPrompt(Dialog["int | None"]):
    """Returns a whole number within bounds, and shows the resulting command line."""

    DEFAULT_CSS = """
    NumberPrompt {
        Box { width: 64; }
        #number { width: 14; }
        #asked { margin-bottom: 1; height: auto; }
        .command { margin-top: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("up", "add(1)"), ("down", "add(-1)")]

    def __init__(
        self,
        title: str,
        asked: str,
        *,
        value: int,
        low: int,
        high: int,
        line: Callable[[int], str],
        do: str = "Do it",
        empty: int | None = None,
    ) -> None:
        """Create the dialog; `asked` is the prompt, `value` the initial number, `line` makes the command line.

        `empty` is the number that an empty field stands for; None if it stands for none.
        """
        super().__init__()
        self._title, self._asked, self._do = title, asked, do
        self._value, self._low, self._high, self._empty = value, low, high, empty
        self._line = line

    def compose(self) -> ComposeResult:
        with Box(self._title, "↑↓ change   enter do it   esc leave"):
            yield Static(Content(safe(self._asked, keep="\n")), id="asked")
            yield SafeInput(str(self._value), type="integer", id="number", compact=True)
            yield Static(classes="wrong")
            yield Static(classes="command")
            with Horizontal(classes="buttons"):
                yield Button("Leave", id="leave", compact=True)
                yield Button(Content(safe(self._do)), id="do", compact=True)

    def on_mount(self) -> None:
        """Focus the number."""
        self.query_one(Input).focus()
        self._validate()

    def _number(self) -> int | None:
        text = self.query_one(Input).value
        try:
            number = self._empty if not text and self._empty is not None else int(text)
        except ValueError:
            return None
        return number if self._low <= number <= self._high else None

    @on(Input.Changed)
    def _validate(self) -> None:
        number = self._number()
        wrong = self.query_one(".wrong", Static)
        wrong.display = number is None
        wrong.update(Content(f"↑ a whole number from {self._low} to {self._high}"))
        command = self.query_one(".command", Static)
        command.display = number is not None
        if number is not None:
            command.update(shown_command(self._line(number), 200))
        self.query_one("#do", Button).disabled = number is None

    def action_add(self, step: int) -> None:
        """Add `step` to the number."""
        number = self._number()
        if number is not None:
            self.query_one(Input).value = str(min(max(number + step, self._low), self._high))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        number = self._number()
        if number is not None:
            self.dismiss(number)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(self._number() if event.button.id == "do" else None)
