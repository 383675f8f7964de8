"""What the views have in common that are a list with a line of titles above it and a detail below."""

from __future__ import annotations

from typing import ClassVar

from queuectl_tui.keymap import of_scope
from queuectl_tui.screens.views import View
from queuectl_tui.widgets.line_list import OURS
from queuectl_tui.widgets.lines import Lines, titles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl_tui.widgets.line_list import LineList
    from queuectl_tui.widgets.lines import Column

_SCROLLBAR = 1
_GUTTER = "  "


class ListView(View):
    """A list that has the keys, painted anew whenever there is something new or the room is another."""

    lacks: ClassVar[frozenset[str]] = frozenset(each.id for each in of_scope("list")) - OURS

    def __init__(self, rows: LineList, *, id: str | None = None) -> None:
        """`rows` are its list."""
        super().__init__(id=id)
        self._list = rows

    @property
    def scopes(self) -> tuple[str, ...]:
        """Its own keys, and those of its list."""
        return (self.scope, "list")

    def on_view_shown(self) -> None:
        """The list wants the keys, as soon as there is one."""
        self.call_later(self._list.focus)

    def on_mount(self) -> None:
        """Show what has come before there was anything to show it in."""
        self._paint()

    def on_resize(self) -> None:
        """Other columns fit."""
        self._paint()

    def _paint(self) -> None:
        """Show it all again; there may be no children yet."""
        raise NotImplementedError

    def _paint_titles(self, columns: Sequence[Column]) -> None:
        """The names of the columns, above the list's own."""
        line = ((_GUTTER, "text"), *titles(columns, self.size.width - len(_GUTTER) - _SCROLLBAR))
        self.query_one(f"#{self.view_name}-titles", Lines).show([line])
