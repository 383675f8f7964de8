"""Dialog: confirm before something ends or is deleted. Cancel has the focus, so that a hasty enter does no harm."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Static

from queuectl.domain.text import one_line, safe
from queuectl.operations.operation import Danger
from queuectl_tui.screens.dialog import Box, Dialog, shown_command
from queuectl_tui.widgets.safe_input import SafeInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Key

NAMED = 5
"""Names that are shown; the others are counted."""
_NAME_WIDTH = 60


class Answer(StrEnum):
    """The answer; `NO` is false."""

    NO = ""
    ALL = "all"
    FEW = "few"


class Confirm(Dialog[Answer]):
    """Ask whether to act on all targets, on the first few, or on none."""

    DEFAULT_CSS = """
    Confirm {
        Box { border: round $warning; }
        &.-destroys Box { border: round $error; }
        #lines { margin-bottom: 1; height: auto; max-height: 8; }
        #names { margin-bottom: 1; height: auto; color: $text; }
        #typing { height: 1; margin-top: 1; }
        #typing Static { width: auto; }
        #typing Input { width: 14; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "answer('all')", "Yes"),
        ("n", "answer('')", "No"),
        ("left", "app.focus_previous"),
        ("right", "app.focus_next"),
    ]

    def __init__(
        self,
        title: str,
        lines: Sequence[str],
        command: str,
        danger: Danger,
        typed: int | None = None,
        *,
        do: str = "Do it",
        names: Sequence[str] = (),
        total: int | None = None,
        few: int = 0,
    ) -> None:
        """Create the dialog; `lines` describe the consequences, the last one whether it can be undone.

        `command` is the equivalent command line. `names` are the targets, of which there are `total`; `typed` is a
        number that must be typed to confirm; `few` offers to act on only the first so many; `do` is the label of the
        button.
        """
        super().__init__(classes=f"-{danger}")
        self._title = title
        self._lines = lines
        self._command = command
        self._danger = danger
        self._typed = typed
        self._do = do
        self._names = names
        self._total = len(names) if total is None else total
        self._few = few if self._total > few > 0 else 0

    def compose(self) -> ComposeResult:
        with Box(self._title, "y yes   n or esc no" if self._typed is None else "n or esc no"):
            if self._names:
                yield Static(self._named(), id="names")
            if self._lines:
                yield Static(self._consequences(), id="lines")
            yield Static(shown_command(self._command, 240), classes="command")
            if self._typed is not None:
                with Horizontal(id="typing"):
                    yield Static(Content.assemble("Type ", (str(self._typed), "bold"), " to go on  "))
                    yield SafeInput(type="integer", id="number", select_on_focus=False, compact=True)
            with Horizontal(classes="buttons"):
                # "Cancel" would be ambiguous where the question is whether to cancel a job.
                yield Button("No" if self._do.startswith("Cancel") else "Cancel", id="no", compact=True)
                if self._few:
                    yield Button(Content(f"First {self._few} only"), id="few", compact=True)
                count = f" {self._total:,}" if self._total > 1 else ""
                yield Button(
                    Content(safe(self._do) + count),
                    id="all",
                    classes="-danger",
                    disabled=self._typed is not None,
                    compact=True,
                )

    def on_mount(self) -> None:
        """Focus Cancel."""
        self.query_one("#no", Button).focus()

    def _named(self) -> Content:
        pieces = [Content(one_line(name, _NAME_WIDTH)) for name in self._names[:NAMED]]
        left = self._total - len(pieces)
        if left > 0:
            pieces.append(Content.styled(f"and {left:,} more", "$foreground 60%"))
        return Content("\n").join(pieces)

    def _consequences(self) -> Content:
        *before, last = self._lines
        style = "bold $text-error" if self._danger is Danger.DESTROYS else "$text-warning"
        return Content("\n").join([*(Content(safe(line)) for line in before), Content.styled(safe(last), style)])

    @on(Input.Changed, "#number")
    def _number_changed(self, event: Input.Changed) -> None:
        self.query_one("#all", Button).disabled = not self._is_typed(event.value)

    @on(Input.Submitted, "#number")
    def _number_submitted(self, event: Input.Submitted) -> None:
        if self._is_typed(event.value):
            self.query_one("#all", Button).focus()

    def on_key(self, event: Key) -> None:
        """Send digits to the number field, wherever the focus is."""
        if self._typed is None or event.character is None or not event.character.isdigit():
            return
        number = self.query_one("#number", Input)
        if not number.has_focus:
            number.focus()
            number.insert_text_at_cursor(event.character)
            event.stop()

    def _is_typed(self, text: str) -> bool:
        return self._typed is None or text.strip() == str(self._typed)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss({"all": Answer.ALL, "few": Answer.FEW}.get(event.button.id or "", Answer.NO))

    def action_answer(self, answer: str) -> None:
        """Answer by a key, once the number that is asked for has been typed."""
        if answer and self._typed is not None and not self._is_typed(self.query_one("#number", Input).value):
            self.query_one("#number", Input).focus()
            return
        self.dismiss(Answer(answer))

    def action_leave(self) -> None:
        """Answer no."""
        self.dismiss(Answer.NO)
