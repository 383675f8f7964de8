"""Fields that never hold a control character: what is pasted goes to the terminal as it stands in the field.

Terminals send the line breaks of a paste as CR, some as CR LF or LF. All of them are line breaks here: new lines where
a field has several, a blank where it has one.
"""

from __future__ import annotations

from textual.reactive import reactive
from textual.widgets import Input, TextArea

from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual.document._document import EditResult
    from textual.document._edit import Edit
    from textual.events import Paste

_KEPT = "\n\t"


def lines(text: str) -> str:
    """`text` with LF for every line break."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def one_of(text: str) -> str:
    """`text` in one line: a line break is a blank, and those at the end are dropped."""
    return " ".join(lines(text).rstrip("\n").split("\n"))


class SafeInput(Input):
    """One line. Control characters in it are written out."""

    cursor_blink = reactive(False, init=False)

    def _on_paste(self, event: Paste) -> None:
        """Paste all lines as one; Textual's own would drop all but the first."""
        event.prevent_default()
        event.stop()
        if text := one_of(event.text):
            self.replace(text, *self.selection)

    def action_paste(self) -> None:
        """The same for what was copied in the console."""
        self.replace(one_of(self.app.clipboard), *self.selection)

    def validate_value(self, value: str) -> str:
        """Write control characters out."""
        return safe(value)


class SafeTextArea(TextArea):
    """Several lines. Control characters in them are written out."""

    cursor_blink = reactive(False, init=False)

    def __init__(self, text: str, *, id: str) -> None:
        super().__init__(safe(text, keep=_KEPT), id=id, compact=True, tab_behavior="focus", highlight_cursor_line=False)

    def edit(self, edit: Edit) -> EditResult:
        """Write control characters out on their way in."""
        edit.text = safe(lines(edit.text), keep=_KEPT)
        return super().edit(edit)
