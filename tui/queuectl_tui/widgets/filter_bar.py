"""The filter, typed live: what it means or what is wrong with it, how many match, and in which order they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message

from queuectl.domain.errors import UsageError
from queuectl.domain.filter import KEYS, Filter, parse_filter
from queuectl.domain.text import one_line
from queuectl_tui.widgets.lines import Drawing, length_of
from queuectl_tui.widgets.safe_input import SafeInput

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widgets import Input

    from queuectl_tui.widgets.lines import Line


class FilterField(SafeInput):
    """Where the filter is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "Clear", show=False),
        Binding("down,tab", "submit", "List", show=False),
    ]

    class Left(Message):
        """Somebody has finished typing."""

    def action_clear(self) -> None:
        """Take the filter away, and go back to the list."""
        self.value = ""
        self.post_message(self.Left())


class FilterInfo(Drawing):
    """What stands to the right of the filter."""

    DEFAULT_CSS = "FilterInfo { height: 1; width: auto; }"

    def __init__(self, *, id: str | None = None) -> None:
        """Nothing yet."""
        super().__init__(id=id)
        self._line: Line = ()

    def say(self, line: Line) -> None:
        """Show this."""
        if line != self._line:
            wider = length_of(line) != length_of(self._line)
            self._line = line
            if wider:
                self.styles.width = length_of(line)
            self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        """As it is."""
        del width, height
        return [self._line]


class FilterBar(Horizontal):
    """`/ state:failed queue:mail timeout      48 of 12,481   sort: newest   2 marked`."""

    DEFAULT_CSS = """
    FilterBar { height: 1; width: 1fr; padding: 0 1; }
    FilterBar > #slash { width: 2; height: 1; }
    FilterBar > FilterField { width: 1fr; height: 1; padding: 0; border: none; background: transparent; }
    FilterBar > FilterField:focus { background: $foreground 10%; }
    """

    class Changed(Message):
        """Another filter is wanted; None while what is typed is wrong."""

        def __init__(self, chosen: Filter) -> None:
            super().__init__()
            self.chosen = chosen

    def __init__(self, *, id: str | None = None) -> None:
        """No filter."""
        super().__init__(id=id)
        self.error: str | None = None
        self.filter = Filter()

    def compose(self) -> ComposeResult:
        """A field, and what is said about it."""
        slash = FilterInfo(id="slash")
        slash._line = (("/ ", "key"),)  # noqa: SLF001 - our own
        yield slash
        yield FilterField(placeholder="filter: state: queue: tag: id: or any text", compact=True, select_on_focus=False)
        yield FilterInfo(id="info")

    @property
    def field(self) -> FilterField:
        """Where it is typed."""
        return self.query_one(FilterField)

    @property
    def text(self) -> str:
        """What is typed."""
        return self.field.value

    def set_text(self, text: str) -> None:
        """Another filter, as if it had been typed."""
        self.field.value = text

    def on_input_changed(self, event: Input.Changed) -> None:
        """Read it; an error leaves the list as it is."""
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
        """Enter keeps the filter."""
        event.stop()
        self._read(event.value)
        self.post_message(FilterField.Left())

    def say(self, line: Line, room: int) -> None:
        """Show what is said about it: an error goes first."""
        if self.error is not None:
            line = ((f" {one_line(self.error, room)} ", "error"),)
        self.query_one("#info", FilterInfo).say(line)


def is_begun(text: str) -> bool:
    """Whether the last word may become `state:` and its kind: what it stands for is not known yet."""
    last = text.rpartition(" ")[2]
    return bool(last) and any(key.startswith(last) for key in KEYS)


def meaning(chosen: Filter) -> str:
    """A filter in words."""
    parts = []
    if chosen.states:
        parts.append(" or ".join(chosen.states))
    if chosen.queue is not None:
        parts.append(f"in queue {chosen.queue}")
    if chosen.tag is not None:
        parts.append(f"tagged {chosen.tag}")
    if chosen.id is not None:
        parts.append(f"with {chosen.id} in the id")
    if chosen.text is not None:
        parts.append(f"with “{chosen.text}” in id or command")
    return ", ".join(parts) or "all jobs"
