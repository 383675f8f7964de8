"""Base of all dialogs: a framed box in the middle, with a title and sanitised text."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from queuectl.domain.text import safe

if TYPE_CHECKING:
    from typing import ClassVar

    from textual.binding import BindingType

Answer = TypeVar("Answer")


class Box(Vertical):
    """The frame of a dialog."""

    def __init__(self, title: str, subtitle: str = "") -> None:
        """Show `title` in the upper border, and `subtitle`, which names the keys, in the lower."""
        super().__init__()
        self.border_title = Content(safe(title) or " ")
        self.border_subtitle = Content(safe(subtitle)) if subtitle else None


class Dialog(ModalScreen[Answer]):
    """A modal dialog. Escape closes it without an answer."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        background: $background 60%;

        Box {
            width: 76;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            background: $surface;
            border: round $primary;
            border-title-color: $text;
            border-title-style: bold;
            border-subtitle-color: $text-muted;
            padding: 1 2 1 2;
        }
        Input, TextArea {
            padding: 0;
            background: $foreground 10%;
            &:focus { background: $foreground 20%; }
        }
        Button {
            line-pad: 1;
            min-width: 12;
            margin-left: 2;
            color: $text !important;
            background: $foreground 14% !important;
            text-style: none !important;
            &:hover { background: $foreground 24% !important; }
            &:focus { background: $primary !important; text-style: bold !important; }
            &.-danger { background: $error 30% !important; }
            &.-danger:focus { background: $error !important; }
        }
        .buttons { height: 1; align-horizontal: right; margin-top: 1; }
        .command { color: $text-muted; height: auto; max-height: 4; }
        .wrong { color: $text-error; height: auto; }
    }
    """
    AUTO_FOCUS = "*"
    """The app's own selector is for its table: without this, a dialog that focuses nothing would receive no keys."""
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Leave")]

    def action_leave(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


def shown_command(line: str, most: int = 400) -> Content:
    """Return a command line as the echo line shows it, cut to `most` characters."""
    text = safe(line)
    if len(text) > most:
        text = text[: most - 1] + "…"
    return Content.assemble(("$ ", "$foreground 60%"), (text, "$text"))
