"""Dialog: the columns of the job table."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.widgets import SelectionList
from textual.widgets.selection_list import Selection

from queuectl_tui.screens.dialog import Box, Dialog
from queuectl_tui.widgets.job_rows import COLUMNS, layout

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType


class Columns(Dialog[tuple[frozenset[str], frozenset[str]]]):
    """Returns the hidden columns, and those shown although the layout would drop them."""

    DEFAULT_CSS = """
    Columns {
        Box { width: 60; }
        SelectionList { height: auto; max-height: 14; background: transparent; border: none; padding: 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("enter", "done", "Done"), ("c", "done", "Done")]

    def __init__(self, hidden: frozenset[str], wanted: frozenset[str], width: int) -> None:
        """Create the dialog with the current choice; `width` decides which columns are shown by default."""
        super().__init__()
        self._automatic = {column.id for column, _ in layout(width, frozenset(), frozenset(), 10)}
        self._shown = {column.id for column, _ in layout(width, hidden, wanted, 10)} | set(wanted)

    def compose(self) -> ComposeResult:
        with Box("Columns", "space show or hide   enter done   esc leave"):
            yield SelectionList[str](
                *(
                    Selection(Content(f"{column.title:8} {column.help}"), column.id, column.id in self._shown)
                    for column in COLUMNS
                    if column.id not in {"id", "command"}
                ),
                compact=True,
            )

    def action_done(self) -> None:
        """Return the chosen columns."""
        chosen = set(self.query_one(SelectionList).selected) | {"id", "command"}
        hidden = frozenset(column.id for column in COLUMNS if column.id not in chosen)
        self.dismiss((hidden, frozenset(chosen - self._automatic)))
