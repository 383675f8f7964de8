"""Base of the views that are a list with a line of titles above it and a detail below."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from queuectl_tui.keymap import of_scope
from queuectl_tui.screens.views import View
from queuectl_tui.widgets.line_list import HANDLED
from queuectl_tui.widgets.lines import Lines, titles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl_tui.widgets.line_list import LineList
    from queuectl_tui.widgets.lines import Column

_SCROLLBAR = 1
_GUTTER = "  "


class ListView(View):
    """A view with a focused list, repainted when its content or its size changes."""

    lacks: ClassVar[frozenset[str]] = frozenset(each.id for each in of_scope("list")) - HANDLED

    def __init__(self, rows: LineList, *, id: str | None = None) -> None:
        """Create the view around the list `rows`."""
        super().__init__(id=id)
        self._list = rows

    @property
    def scopes(self) -> tuple[str, ...]:
        """The view's own scope, and that of its list."""
        return (self.scope, "list")

    def on_view_shown(self) -> None:
        """Focus the list once it is mounted."""
        self.call_later(self._list.focus)

    def on_mount(self) -> None:
        """Paint content that arrived before the view was mounted."""
        self._paint()

    def on_resize(self) -> None:
        """Paint the columns that fit now."""
        self._paint()

    def _paint(self) -> None:
        """Paint everything; the children may not be mounted yet."""
        raise NotImplementedError

    def _paint_titles(self, columns: Sequence[Column]) -> None:
        """Paint the column titles above the list."""
        line = ((_GUTTER, "text"), *titles(columns, self.size.width - len(_GUTTER) - _SCROLLBAR))
        self.query_one(f"#{self.view_name}-titles", Lines).show([line])
