"""The filter, applied while it is typed, with its meaning or error, the number of matches and the sort order."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message

from queuectl.domain.errors import UsageError
from queuectl.domain.filter import KEYS, Filter, parse_filter
from queuectl.domain.text import one_line
from queuectl.domain.units import format_age
from queuectl_tui.widgets.lines import Drawing, length_of
from queuectl_tui.widgets.safe_input import SafeInput

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widgets import Input

    from queuectl_tui.widgets.lines import Line


class FilterField(SafeInput):
    """The input field of the filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "Clear", show=False),
        Binding("down,tab", "submit", "List", show=False),
    ]

    class Left(Message):
        """The field was left."""

    def action_clear(self) -> None:
        """Clear the filter, and return to the list."""
        self.value = ""
        self.post_message(self.Left())


class FilterInfo(Drawing):
    """The text to the right of the filter."""

    DEFAULT_CSS = "FilterInfo { height: 1; width: auto; }"

    def __init__(self, *, id: str | None = None) -> None:
        """Create an empty text."""
        super().__init__(id=id)
        self._line: Line = ()

    def say(self, line: Line) -> None:
        """Show a line."""
        if line != self._line:
            wider = length_of(line) != length_of(self._line)
            self._line = line
            if wider:
                self.styles.width = length_of(line)
            self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        """Return the line."""
        del width, height
        return [self._line]


class FilterBar(Horizontal):
    """The filter line: `/ state:failed queue:mail timeout      48 of 12,481   sort: newest   2 marked`."""

    DEFAULT_CSS = """
    FilterBar { height: 1; width: 1fr; padding: 0 1; }
    FilterBar > #slash { width: 2; height: 1; }
    FilterBar > FilterField { width: 1fr; height: 1; padding: 0; border: none; background: transparent; }
    FilterBar > FilterField:focus { background: $foreground 10%; }
    """

    class Changed(Message):
        """Another filter was entered; on an error, the last valid one is sent again."""

        def __init__(self, chosen: Filter) -> None:
            super().__init__()
            self.chosen = chosen

    def __init__(self, *, id: str | None = None) -> None:
        """Create the bar without a filter."""
        super().__init__(id=id)
        self.error: str | None = None
        self.filter = Filter()

    def compose(self) -> ComposeResult:
        """Lay out the field, and the text about it."""
        slash = FilterInfo(id="slash")
        slash._line = (("/ ", "key"),)  # noqa: SLF001 - same module
        yield slash
        yield FilterField(placeholder="filter: state: queue: tag: id: or any text", compact=True, select_on_focus=False)
        yield FilterInfo(id="info")

    @property
    def field(self) -> FilterField:
        """The input field."""
        return self.query_one(FilterField)

    @property
    def text(self) -> str:
        """The text of the field."""
        return self.field.value

    def set_text(self, text: str) -> None:
        """Set the filter, as if it had been typed."""
        self.field.value = text

    def on_input_changed(self, event: Input.Changed) -> None:
        """Parse the filter; an error leaves the list as it is."""
        event.stop()
        if not is_begun(event.value):
            self._read(event.value)

    def _read(self, text: str) -> None:
        try:
            chosen = parse_filter(text)
        except UsageError as error:
            self.error = f"{error.message}{': ' + error.hint if error.hint else ''}"
            self.post_message(self.Changed(self.filter))
            return
        changed = chosen != self.filter or self.error is not None
        self.error, self.filter = None, chosen
        if changed:
            self.post_message(self.Changed(chosen))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter, and leave the field."""
        event.stop()
        self._read(event.value)
        self.post_message(FilterField.Left())

    def say(self, line: Line, width: int) -> None:
        """Show a text about the filter; an error takes precedence."""
        if self.error is not None:
            line = ((f" {one_line(self.error, width)} ", "error"),)
        # A repaint may come while the console closes: the parts are removed before the bar is.
        for info in self.query("#info").results(FilterInfo):
            info.say(line)


def is_begun(text: str) -> bool:
    """Return whether the last word may become a prefix like `state:`; its meaning is then not known yet."""
    last = text.rpartition(" ")[2]
    return bool(last) and any(key.startswith(last) for key in KEYS)


def meaning(chosen: Filter) -> str:
    """Describe a filter in words."""
    parts = [" or ".join(chosen.states)] if chosen.states else []
    for words, value in (
        ("in queue", " or ".join(chosen.queues)),
        ("not in queue", " or ".join(chosen.not_queues)),
        ("tagged", chosen.tag),
        ("not tagged", chosen.not_tag),
        ("with error", chosen.error),
        ("last run by", chosen.worker),
    ):
        if value:
            parts.append(f"{words} {value}")
    if chosen.exits:
        parts.append(f"exit code {' or '.join(map(str, chosen.exits))}")
    if chosen.older_ms is not None:
        parts.append(f"older than {format_age(chosen.older_ms)}")
    if chosen.newer_ms is not None:
        parts.append(f"newer than {format_age(chosen.newer_ms)}")
    if chosen.id is not None:
        parts.append(f"with {chosen.id} in the id")
    if chosen.text is not None:
        parts.append(f"with “{chosen.text}” in id or command")
    return ", ".join(parts) or "all jobs"
