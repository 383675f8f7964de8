"""The rows of a log on the screen: drawn line by line, following or stopped, with matches in view."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from queuectl_tui.keymap import these
from queuectl_tui.widgets.log_rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual import events
    from textual.binding import BindingType
    from textual.geometry import Region

    from queuectl_tui.widgets.log_rows import Row
    from queuectl_tui.widgets.log_source import LogUpdate
    from queuectl_tui.widgets.terminal_text import Span

TIME_WIDTH = 9
MARK_WIDTH = 2
"""A mark for standard error, and one for the current match, so that colour is not needed."""
_CACHED = 512
SCROLLING = (
    "log.up", "log.down", "log.page_up", "log.page_down", "log.top", "log.bottom", "log.left", "log.right",
)  # fmt: skip
"""The keys of `keymap` that the view handles; the pane around it handles the others."""


class LogView(ScrollView, can_focus=True):
    """A log view. It is given updates, and requests nothing itself."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--time", "log--err", "log--gap", "log--hit", "log--found", "log--here",
    }  # fmt: skip
    DEFAULT_CSS = """
    LogView {
        background: $surface;
        color: $foreground;
        scrollbar-size: 1 1;
        overflow-y: scroll;
        & > .log--time { color: $foreground-muted; }
        & > .log--err { color: $error; }
        & > .log--gap { color: $warning; text-style: italic; }
        & > .log--hit { background: $warning-muted; color: $text; text-style: underline; }
        & > .log--found { color: $warning; background: $background; text-style: bold reverse; }
        & > .log--here { background: $primary-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = these(*SCROLLING)

    class Moved(Message):
        """It began or stopped following, or new lines arrived."""

    def __init__(self, *, err_mark: str = "▌", id: str | None = None) -> None:
        """Create the view; `err_mark` marks lines of standard error."""
        super().__init__(id=id)
        self.rows = Rows()
        self.following = True
        self.unseen = 0
        """Lines that arrived since it stopped following."""
        self.here: int | None = None
        """The number of the line found last."""
        self.wrap = False
        self.times = False
        self._err_mark = err_mark
        self._strips: dict[tuple[int, int, int], Strip] = {}
        self._own_scroll = False
        self._plain = Style.null()

    def take(self, update: LogUpdate) -> None:
        """Show new lines."""
        before = len(self.rows)
        gone, came = self.rows.take(update)
        if not gone and not came and len(self.rows) == before and not self.rows.open_rows:
            return
        if not self.following:
            self.unseen += came
        self._fit()
        if self.following:
            self._scroll(y=self._lowest)
        elif gone:
            self._scroll(y=max(self.scroll_offset.y - gone, 0))
        self.refresh()
        self.post_message(self.Moved())

    def clear(self) -> None:
        """Clear the view for another log."""
        query, stream = self.rows.query, self.rows.stream
        self.rows = Rows()
        self.rows.search(query)
        self.following = True
        self.unseen = 0
        self.here = None
        self.lay_out(stream=stream)

    def lay_out(self, *, wrap: bool | None = None, times: bool | None = None, stream: str | None = None) -> None:
        """Set wrapping, times and stream (None for both)."""
        top = self.rows[self.scroll_offset.y].line.number if self.scroll_offset.y < len(self.rows) else None
        self.wrap = self.wrap if wrap is None else wrap
        self.times = self.times if times is None else times
        self.rows.arrange(stream=stream, width=self._wrap_width)
        self._strips.clear()
        self._fit()
        if self.following or top is None or top < 0:
            self._scroll(x=0, y=self._lowest)
        else:
            self._scroll(x=0, y=self.rows.first_row_of(top))
        self.refresh()

    def search(self, query: str) -> None:
        """Highlight a text."""
        self.rows.search(query)
        self._strips.clear()
        self.refresh()

    def go_to(self, number: int) -> None:
        """Scroll a line into view."""
        self.follow(on=False)
        self.here = number
        place = self.rows.first_row_of(number)
        height = self.scrollable_content_region.height
        if not self.scroll_offset.y <= place < self.scroll_offset.y + height:
            self._scroll(y=max(min(place - height // 3, self._lowest), 0))
        self._show_sideways(number)
        self._strips.clear()
        self.refresh()

    @property
    def position(self) -> int:
        """The line number from which a search continues: the line found last if it is in view, else the topmost."""
        top = self.scroll_offset.y
        bottom = top + self.scrollable_content_region.height
        if self.here is not None and top <= self.rows.first_row_of(self.here) < bottom:
            return self.here
        return self.rows[top].line.number - 1 if top < len(self.rows.rows) else self.rows.next

    def follow(self, *, on: bool) -> None:
        """Scroll to the end and stay there, or stop following."""
        if on:
            self._scroll(y=self._lowest)
            self.unseen = 0
        if on != self.following:
            self.following = on
            self.post_message(self.Moved())

    def action_move(self, rows: int) -> None:
        self._scroll(y=self.scroll_offset.y + rows, by_hand=True)

    def action_page(self, pages: int) -> None:
        self._scroll(y=self.scroll_offset.y + pages * max(self.scrollable_content_region.height - 1, 1), by_hand=True)

    def action_top(self) -> None:
        self._scroll(y=0, by_hand=True)

    def action_bottom(self) -> None:
        self.follow(on=True)

    def action_sideways(self, columns: int) -> None:
        if not self.wrap:
            self._scroll(x=self.scroll_offset.x + columns)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self._own_scroll and round(old_value) != round(new_value):
            # Manual scrolling: up stops following, and reaching the end follows again.
            self.follow(on=round(new_value) >= self._lowest)

    def on_resize(self, _: events.Resize) -> None:
        if self.wrap:
            self.lay_out(stream=self.rows.stream)
        else:
            self._fit()
            if self.following:
                self._scroll(y=self._lowest)

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._plain = self.rich_style  # combined from all ancestors: once per frame, not once per line
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        place = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if place >= len(self.rows):
            return Strip.blank(width, self._plain)
        row = self.rows[place]
        base = self._base(row)
        key = (row.line.number, row.start, row.end)
        strip = self._strips.get(key) if row.line.number >= 0 else None
        if strip is None:
            strip = self._strip(row, base)
            if row.line.number >= 0:
                if len(self._strips) > _CACHED:
                    self._strips.clear()
                self._strips[key] = strip
        left = [self._time(row, base), self._gutter(row, base)] if self.times else [self._gutter(row, base)]
        x = self.scroll_offset.x
        body = strip.crop_extend(x, x + width - self._gutter_width, base)
        return Strip([*left, *body], width)

    @property
    def _lowest(self) -> int:
        return max(len(self.rows) - self.scrollable_content_region.height, 0)

    @property
    def _gutter_width(self) -> int:
        return MARK_WIDTH + (TIME_WIDTH if self.times else 0)

    @property
    def _wrap_width(self) -> int | None:
        return max(self.scrollable_content_region.width - self._gutter_width, 8) if self.wrap else None

    def _fit(self) -> None:
        width = 0 if self.wrap else self.rows.widest + self._gutter_width
        size = Size(max(width, 1), len(self.rows))
        if size != self.virtual_size:
            self._own_scroll = True
            self.virtual_size = size
            self._own_scroll = False

    def _scroll(self, *, x: int | None = None, y: int | None = None, by_hand: bool = False) -> None:
        if y is not None:
            y = max(min(y, self._lowest), 0)
        self._own_scroll = not by_hand
        self.scroll_to(x=x, y=y, animate=False, force=True, immediate=True)
        self._own_scroll = False

    def _show_sideways(self, number: int) -> None:
        """Scroll sideways to show the match, wherever it is in its line."""
        place = self.rows.first_row_of(number)
        if self.wrap or place >= len(self.rows):
            return
        matches = self.rows.found_in(self.rows[place].line.text)
        columns = self.scrollable_content_region.width - self._gutter_width
        if matches and not self.scroll_offset.x <= matches[0][0] <= matches[0][1] <= self.scroll_offset.x + columns:
            self._scroll(x=max(matches[0][1] - columns // 2, 0) if matches[0][1] > columns else 0)

    def _gutter(self, row: Row, base: Style) -> Segment:
        mark = self._err_mark if row.line.stream == "err" else " "
        here = ">" if row.line.number == self.here and row.start == 0 else " "
        style = self.get_component_rich_style("log--err", partial=True) if row.line.stream == "err" else Style.null()
        return Segment(mark + here, base + style)

    def _time(self, row: Row, base: Style) -> Segment:
        shown = row.start == 0 and row.line.at is not None and not row.line.continues
        at = time.strftime("%H:%M:%S ", time.localtime((row.line.at or 0) / 1000)) if shown else " " * TIME_WIDTH
        return Segment(at, base + self.get_component_rich_style("log--time", partial=True))

    def _base(self, row: Row) -> Style:
        if row.line.number != self.here:
            return self._plain
        return self._plain + self.get_component_rich_style("log--here", partial=True)

    def _strip(self, row: Row, base: Style) -> Strip:
        """Return the text of a row with its colours and highlighted matches."""
        line, start, end = row.line, row.start, row.end
        if line.left_out:
            style = base + self.get_component_rich_style("log--gap", partial=True)
            return Strip([Segment(line.text[start:end], style)])
        matches: list[Span] = []
        if self.rows.query:
            name = "log--found" if line.number == self.here else "log--hit"
            mark = self.get_component_rich_style(name, partial=True)
            matches = [(first, last, mark) for first, last in self.rows.found_in(line.text)]
        if not line.spans and not matches:
            return Strip([Segment(line.text[start:end], base)])
        return Strip(list(_painted(line.text, start, end, base, (line.spans, matches))))


def _painted(text: str, start: int, end: int, base: Style, layers: tuple[Sequence[Span], ...]) -> Iterator[Segment]:
    """Return a part of a text as segments. Each layer's spans are ordered and disjoint; later layers are on top."""
    edges = {start, end}
    for spans in layers:
        edges.update(edge for span in spans for edge in span[:2] if start < edge < end)
    places = [0] * len(layers)
    ordered = sorted(edges)
    for left, right in pairwise(ordered):
        style = base
        for layer, spans in enumerate(layers):
            place = places[layer]
            while place < len(spans) and spans[place][1] <= left:
                place += 1
            places[layer] = place
            if place < len(spans) and spans[place][0] <= left:
                style += spans[place][2]
        yield Segment(text[left:right], style)
