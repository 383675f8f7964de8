"""Dialog: choose the signal that cancels a job."""

from __future__ import annotations

from signal import Signals
from typing import TYPE_CHECKING

from textual import on
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from queuectl.domain.text import one_line
from queuectl_tui.screens.dialog import Box, Dialog

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.events import Key

WORDS = {
    Signals.SIGTERM: "terminate, as cancel does; KILL follows after kill_grace",
    Signals.SIGINT: "interrupt, as ctrl+c does",
    Signals.SIGHUP: "hang up: the terminal was closed",
    Signals.SIGQUIT: "quit with a core dump",
    Signals.SIGUSR1: "defined by the program",
    Signals.SIGUSR2: "defined by the program",
    Signals.SIGKILL: "kill at once: the program can neither save nor clean up",
}


class SignalPicker(Dialog["int | None"]):
    """Returns the number of a signal."""

    DEFAULT_CSS = """
    SignalPicker {
        Box { padding: 1 1 0 1; }
        OptionList { height: auto; max-height: 10; background: transparent; }
        #about { padding: 0 1 1 1; color: $text; }
    }
    """

    def __init__(self, about: str = "") -> None:
        """Create the dialog; `about` describes the target."""
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        with Box("Cancel with a signal", "↑↓ choose   enter send   or type its number   esc leave"):
            if self._about:
                yield Static(Content(one_line(self._about, 68)), id="about")
            yield OptionList(*(Option(_line(each), id=str(each.value)) for each in WORDS), compact=True)

    def on_key(self, event: Key) -> None:
        """Move to the signal whose number is typed."""
        if event.character is None or not event.character.isdigit():
            return
        options = self.query_one(OptionList)
        numbers = [str(each.value) for each in WORDS]
        now = numbers[options.highlighted or 0]
        # A second digit extends the first: 1, then 12.
        wanted = next((n for n in numbers if len(n) == 2 and n == now[:1] + event.character), None) or next(
            (n for n in numbers if n.startswith(event.character)), None
        )
        if wanted is not None:
            options.highlighted = numbers.index(wanted)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(int(event.option.id or 15))


def _line(signal: Signals) -> Content:
    return Content.assemble(
        (f"{signal.value:>3} ", "$foreground 60%"),
        (f"{signal.name.removeprefix('SIG'):6}", "bold $text-error" if signal is Signals.SIGKILL else "bold"),
        f" {WORDS[signal]}",
    )
