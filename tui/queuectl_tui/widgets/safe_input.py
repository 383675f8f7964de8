"""Input fields that never hold a control character, because the terminal shows their text unfiltered.

Terminals send the line breaks of a paste as CR, some as CR LF or LF. All of them count as line breaks: new lines in a
multi-line field, a blank in a single-line one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.reactive import reactive
from textual.widgets import Input, TextArea

from queuectl.domain.text import safe

if TYPE_CHECKING:
    from textual.document._document import EditResult
    from textual.document._edit import Edit
    from textual.events import Paste

_KEPT = "\n\t"


def lines(text: str) -> str:
    """Return `text` with LF for every line break."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def one_of(text: str) -> str:
    """Return `text` in one line: a line break becomes a blank, and those at the end are dropped."""
    return " ".join(lines(text).rstrip("\n").split("\n"))


class SafeInput(Input):
    """A single-line field. Control characters are written out."""

    cursor_blink = reactive(False, init=False)

    def _on_paste(self, event: Paste) -> None:
        """Paste all lines as one; Textual's own method would drop all but the first."""
        event.prevent_default()
        event.stop()
        if text := one_of(event.text):
            self.replace(text, *self.selection)

    def action_paste(self) -> None:
        """Paste the app's clipboard in the same way."""
        self.replace(one_of(self.app.clipboard), *self.selection)

    def validate_value(self, value: str) -> str:
        """Write control characters out."""
        return safe(value)


class SafeTextArea(TextArea):
    """A multi-line field. Control characters are written out."""

    cursor_blink = reactive(False, init=False)

    def __init__(self, text: str, *, id: str) -> None:
        super().__init__(safe(text, keep=_KEPT), id=id, compact=True, tab_behavior="focus", highlight_cursor_line=False)

    def edit(self, edit: Edit) -> EditResult:
        """Write control characters out before they are inserted."""
        edit.text = safe(lines(edit.text), keep=_KEPT)
        return super().edit(edit)
