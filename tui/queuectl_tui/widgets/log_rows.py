"""The rows of a log: selected streams, wrapping, and search. Independent of Textual."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import get_character_cell_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from queuectl_tui.widgets.log_source import LogLine, LogUpdate

ERRORS = re.compile(
    r"\b(?:errors?|exception|traceback|fail(?:ed|ure)?|fatal|panic(?:ked)?|critical|segfault|segmentation fault|aborted"
    r"|killed|denied|timed out|out of memory)\b|(?-i:\w(?:Error|Exception)\b|\[E\]|^E[0-9 ])",
    re.IGNORECASE,
)
"""Pattern of lines that look like an error."""


class Row(NamedTuple):
    """A line, or the part of one that fits. A tuple, as `LogLine` is."""

    line: LogLine
    start: int
    end: int


class Rows:
    """The lines held, and the rows made from them."""

    def __init__(self) -> None:
        """Show everything, unwrapped."""
        self.lines: list[LogLine] = []
        self.rows: list[Row] = []
        self.open_rows: list[Row] = []
        self.stream: str | None = None
        """Only this stream, `out` or `err`; None for both."""
        self.width: int | None = None
        """Columns to wrap at; None for no wrapping."""
        self.widest = 0
        """Width of the widest line so far, in columns."""
        self.query = ""
        self.hits: list[int] = []
        """Numbers of the lines that match the search."""
        self._open: tuple[LogLine, ...] = ()
        self._pattern: re.Pattern[str] | None = None

    def __len__(self) -> int:
        return len(self.rows) + len(self.open_rows)

    def __getitem__(self, place: int) -> Row:
        return self.rows[place] if place < len(self.rows) else self.open_rows[place - len(self.rows)]

    @property
    def next(self) -> int:
        """The number of the next line."""
        return self.lines[-1].number + 1 if self.lines else 0

    def take(self, update: LogUpdate) -> tuple[int, int]:
        """Add new lines; return how many rows were dropped at the top, and how many lines were added."""
        new = [line for line in update.lines if line.number >= self.next]
        dropped = self._drop_before(update.first)
        self.lines += new
        shown = [line for line in new if self._is_shown(line)]
        self.rows += self._rows_of(shown)
        self._measure(shown)
        if self._pattern is not None:
            self.hits += [line.number for line in shown if self._pattern.search(line.text)]
        self._open = update.open
        self._show_open()
        return dropped, len(shown)

    def arrange(self, *, stream: str | None, width: int | None) -> None:
        """Show another stream, or change the wrapping."""
        self.stream, self.width = stream, width
        shown = [line for line in self.lines if self._is_shown(line)]
        self.rows = self._rows_of(shown)
        self.widest = 0
        self._measure(shown)
        self._show_open()
        self.search(self.query)

    def search(self, query: str) -> None:
        """Search for a text; case matters if it contains capitals."""
        self.query = query
        flags = re.NOFLAG if any(letter.isupper() for letter in query) else re.IGNORECASE
        self._pattern = re.compile(re.escape(query), flags) if query else None
        self.hits = (
            []
            if self._pattern is None
            else [line.number for line in self.lines if self._is_shown(line) and self._pattern.search(line.text)]
        )

    def found_in(self, text: str) -> list[tuple[int, int]]:
        """Return the positions of the search text in a line."""
        return [] if self._pattern is None else [found.span() for found in self._pattern.finditer(text)]

    def hit(self, here: int, step: int) -> int | None:
        """Return the next matching line (`step` 1) or the previous one (-1), wrapping around; None without any."""
        if not self.hits:
            return None
        place = bisect_left(self.hits, here + 1) if step > 0 else bisect_left(self.hits, here) - 1
        return self.hits[place % len(self.hits)]

    def error(self, here: int, step: int) -> int | None:
        """Return the number of the next or previous line that looks like an error; None if there is none."""
        lines: Iterable[LogLine] = self.lines if step > 0 else reversed(self.lines)
        for line in lines:
            if (line.number - here) * step > 0 and self._is_shown(line) and ERRORS.search(line.text):
                return line.number
        return None

    def first_row_of(self, number: int) -> int:
        """Return the index of the first row of a line."""
        return bisect_left(self.rows, number, key=lambda row: row.line.number)

    def _drop_before(self, first: int) -> int:
        if not self.lines or self.lines[0].number >= first:
            return 0
        del self.lines[: bisect_left(self.lines, first, key=lambda line: line.number)]
        dropped = self.first_row_of(first)
        del self.rows[:dropped]
        del self.hits[: bisect_left(self.hits, first)]
        return dropped

    def _is_shown(self, line: LogLine) -> bool:
        return self.stream is None or line.stream == self.stream

    def _show_open(self) -> None:
        shown = [line for line in self._open if self._is_shown(line)]
        self.open_rows = self._rows_of(shown)
        self._measure(shown)

    def _measure(self, lines: Sequence[LogLine]) -> None:
        self.widest = max(self.widest, max((line.cells for line in lines), default=0))

    def _rows_of(self, lines: Sequence[LogLine]) -> list[Row]:
        width = self.width
        if width is None:
            return [Row(line, 0, len(line.text)) for line in lines]
        rows: list[Row] = []
        for line in lines:
            if line.cells <= width:
                rows.append(Row(line, 0, len(line.text)))
            elif line.cells == len(line.text) and line.text.isascii():
                rows += [Row(line, start, min(start + width, line.cells)) for start in range(0, line.cells, width)]
            else:
                rows += [Row(line, start, end) for start, end in _wrapped(line.text, width)]
        return rows


def _wrapped(text: str, width: int) -> Iterable[tuple[int, int]]:
    """Split a text with wide characters into parts of at most `width` columns."""
    start = used = 0
    for place, letter in enumerate(text):
        cells = get_character_cell_size(letter)
        if used + cells > width and place > start:
            yield start, place
            start, used = place, 0
        used += cells
    yield start, len(text)
