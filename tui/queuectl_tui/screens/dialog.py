"""What all dialogs have in common: a framed box in the middle, its title, and text that cannot harm."""

from __future__ import annotations

from typing import TypeVar

from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from textual.binding import BindingType

Answer = TypeVar("Answer")


class Box(Vertical):
    """The frame of a dialog."""

    def __init__(self, title: str, subtitle: str = "") -> None:
        """`title` stands in the upper border, `subtitle`, which tells the keys, in the lower."""
        super().__init__()
        self.border_title = Content(safe(title) or " ")
        self.border_subtitle = Content(safe(subtitle)) if subtitle else None


class Dialog(ModalScreen[Answer]):
    """A dialog. Escape leaves it without an answer."""

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
    """The console's own is for its table: without this, a dialog that gives nothing the focus would take no keys."""
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Leave")]

    def action_leave(self) -> None:
        """Go away without an answer."""
        self.dismiss(None)


def shown_command(line: str, most: int = 400) -> Content:
    """A command line as an echo shows it, cut where it gets long."""
    text = safe(line)
    if len(text) > most:
        text = text[: most - 1] + "…"
    return Content.assemble(("$ ", "$foreground 60%"), (text, "$text"))


def safe_lines(lines: list[str] | tuple[str, ...]) -> Content:
    """Lines of text, each made safe."""
    return Content("\n").join([Content(safe(line)) for line in lines])
