"""Fields that never hold a control character: what is pasted goes to the terminal as it stands in the field."""

from __future__ import annotations

from textual.reactive import reactive
from textual.widgets import Input, TextArea

from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual.document._document import EditResult
    from textual.document._edit import Edit

_KEPT = "\n\t"


class SafeInput(Input):
    """One line. Control characters in it are written out."""

    cursor_blink = reactive(False, init=False)

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
        edit.text = safe(edit.text, keep=_KEPT)
        return super().edit(edit)
