"""The part of the table that is on the screen, and scrolling that repaints nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Size
from textual.scroll_view import ScrollView

if TYPE_CHECKING:
    from queuectl.store.job_pages import Row
    from queuectl_tui.widgets.row_window import RowWindow


class Viewport:
    """The lines of a widget below its titles, and the rows that they show."""

    def __init__(self, widget: ScrollView, window: RowWindow) -> None:
        """Show the rows of `window` in `widget`."""
        self._widget = widget
        self.window = window

    @property
    def width(self) -> int:
        """The width without the scrollbar, in cells."""
        return self._widget.scrollable_content_region.width

    @property
    def height(self) -> int:
        """Number of rows on the screen, below the titles."""
        return max(self._widget.size.height - 1, 1)

    @property
    def first(self) -> int:
        """The index of the row at the top of the screen."""
        return self._widget.scroll_offset.y

    def line_of(self, index: int | None) -> int | None:
        """Return the screen line of the row at `index`, below the titles; None if it is not on the screen."""
        if index is None or not 0 <= index - self.first < self.height:
            return None
        return index - self.first

    def rows(self) -> list[Row]:
        """Return the loaded rows on the screen."""
        shown = map(self.window.row, range(self.first, self.first + self.height))
        return [row for row in shown if row is not None]

    def fit(self) -> None:
        """Set the height of the scrollbar to the number of rows."""
        size = Size(self._widget.size.width, self.window.total + 1)
        if size != self._widget.virtual_size:
            # Bypass the reactive, which lays out the whole screen again: only the scrollbar depends on it.
            self._widget.set_reactive(ScrollView.virtual_size, size)
            self._widget.vertical_scrollbar.window_virtual_size = size.height
            self._widget.vertical_scrollbar.window_size = self._widget.size.height

    def scroll(self, first: int) -> None:
        """Scroll so that the row at index `first` is at the top."""
        y = max(min(first, self.window.total + 1 - self._widget.size.height), 0)
        if y != self.first:
            # Bypass the watcher, which repaints everything: `TableLines.refresh` repaints only lines that differ.
            self._widget.set_scroll(None, y)
            self._widget.set_reactive(ScrollView.scroll_target_y, float(y))
            self._widget.vertical_scrollbar.position = y

    def keep_in_sight(self, index: int | None) -> None:
        """Scroll as far as necessary to show the row at `index`."""
        if index is None:
            return
        if index < self.first:
            self.scroll(index)
        elif index >= self.first + self.height:
            self.scroll(index - self.height + 1)
