"""Dialog: the result of a reading command, scrollable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from queuectl.domain.terminal import shown
from queuectl.domain.text import one_line, safe_block
from queuectl_tui.screens.dialog import Box, Dialog

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, ClassVar

    from textual.app import ComposeResult
    from textual.binding import BindingType

MOST = 500
"""Maximum number of rows shown."""
_FIRST = (
    "id",
    "key",
    "name",
    "state",
    "queue",
    "attempts",
    "exit_code",
    "value",
    "origin",
    "reason",
    "command",
    "ok",
    "detail",
)
_JOB = ("id", "state", "queue", "attempts", "exit_code", "reason", "command")
_CELL = 40


class ResultPanel(Dialog[None]):
    """A result, under its command line."""

    DEFAULT_CSS = """
    ResultPanel {
        Box { width: 96%; height: 90%; padding: 0 1; }
        VerticalScroll { height: 1fr; overflow-x: auto; scrollbar-size: 1 1; }
        #result { height: auto; width: auto; min-width: 100%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("q,enter", "leave", "Leave"),
        ("j", "down"),
        ("k", "up"),
        ("g", "top"),
        ("G", "end"),
    ]

    def __init__(self, line: str, documents: Any) -> None:
        """Create the panel; `line` is the command line, `documents` the JSON form of its result."""
        super().__init__()
        self._line = line
        self._documents = documents

    def compose(self) -> ComposeResult:
        with Box(one_line(self._line, 70), "↑↓ scroll   esc leave"), VerticalScroll():
            yield Static(rendered(self._documents), id="result")

    def action_down(self) -> None:
        """Scroll one line down."""
        self.query_one(VerticalScroll).scroll_down(animate=False)

    def action_up(self) -> None:
        """Scroll one line up."""
        self.query_one(VerticalScroll).scroll_up(animate=False)

    def action_top(self) -> None:
        """Scroll to the beginning."""
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def action_end(self) -> None:
        """Scroll to the end."""
        self.query_one(VerticalScroll).scroll_end(animate=False)


def rendered(documents: Any) -> Content:
    """Render any JSON value: a list of objects as a table, an object line by line."""
    if isinstance(documents, list):
        if not documents:
            return Content.styled("nothing", "$foreground 60%")
        if all(isinstance(each, dict) for each in documents):
            return _table(documents)
        return Content("\n").join(Content(_cell(each)) for each in documents[:MOST])
    if isinstance(documents, dict):
        return Content("\n").join(_lines(documents, 0))
    return Content(_cell(documents))


def _table(rows: Sequence[dict[str, Any]]) -> Content:
    shown = rows[-MOST:]
    if "command" in shown[0]:
        columns = [key for key in _JOB if key in shown[0]]
    else:
        plain = [key for key, value in shown[0].items() if not isinstance(value, dict | list)]
        columns = sorted(plain, key=lambda key: _FIRST.index(key) if key in _FIRST else len(_FIRST))
    cells = [[_cell(row.get(column)) for column in columns] for row in shown]
    widths = [max(len(column), *(min(len(row[place]), _CELL) for row in cells)) for place, column in enumerate(columns)]
    lines = [
        Content.styled(_row(columns, widths), "bold $foreground 60%"),
        *(Content(_row(row, widths)) for row in cells),
    ]
    if len(rows) > len(shown):
        lines.append(Content.styled(f"the last {len(shown):,} of {len(rows):,}", "$foreground 60%"))
    return Content("\n").join(lines)


def _row(cells: Iterable[str], widths: Sequence[int]) -> str:
    *first, (last, _) = zip(cells, widths, strict=True)
    return "  ".join([*(f"{one_line(cell, width):{width}}" for cell, width in first), last])


def _lines(of: dict[str, Any], depth: int) -> list[Content]:
    lines: list[Content] = []
    width = max((len(key) for key in of), default=0)
    for key, value in of.items():
        lead = Content.styled(f"{'  ' * depth}{one_line(key, 60):{width}}  ", "$foreground 60%")
        if isinstance(value, dict) and value:
            lines += [lead, *_lines(value, depth + 1)]
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            lines += [lead, *(line for each in value for line in (*_lines(each, depth + 1), Content("")))]
        elif isinstance(value, str) and "\n" in value.rstrip("\n"):
            lines += [lead, *(Content("    " + line) for line in _block(key, value).rstrip("\n").split("\n"))]
        else:
            lines.append(lead.append(Content(_cell(value, 2000))))
    return lines


def _block(key: str, value: str) -> str:
    """Return a multi-line text: output as on a terminal, anything else with control characters written out."""
    return shown(value) if key in {"stdout", "stderr"} else safe_block(value)


def _cell(value: Any, width: int = 200) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        value = " ".join(map(str, value)) or "-"
    elif isinstance(value, dict):
        value = " ".join(f"{key}={each}" for key, each in value.items()) or "-"
    return one_line(str(value).rstrip("\n"), width)
