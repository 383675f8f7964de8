"""Charts of block characters: bars over time, sparklines, outcomes and percentiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from rich.cells import cell_len

from queuectl.domain.record import record, replace
from queuectl.domain.units import format_duration
from queuectl_tui.widgets.lines import Drawing, fitted, length_of, paint_of, spread_out

T = TypeVar("T")
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from queuectl.store.stats import Spread
    from queuectl_tui.widgets.lines import Line, Piece

BLOCKS = " ▁▂▃▄▅▆▇█"
"""A cell filled from below, by eighths."""
ASCII_BLOCKS = " ..::++##"
_WHOLE, _HALF, _TRACK = "█", "▌", "·"
_NOTHING, _EMPTY = "no data yet", "nothing in this time"
_AXIS = 6
"""Cells left of a chart, for the numbers of its axis."""


@record
class Chart:
    """One bar chart over time. Several series are stacked, the first at the bottom."""

    title: str
    series: tuple[tuple[float | None, ...], ...] = ()
    """The oldest first; None where there is no value."""
    roles: tuple[str, ...] = ("bar",)
    """The colour role of each series."""
    note: tuple[tuple[str, str], ...] = ()
    """Text to the right of the title."""
    since: str = ""
    """Start of the oldest slot, as shown on the axis."""
    format: Callable[[float], str] = lambda value: f"{value:,.0f}"
    """Formats a value for the axis."""


class TimeChart(Drawing):
    """A chart with a title, an axis and labels."""

    def __init__(self, *, id: str | None = None) -> None:
        """Create a chart without data."""
        super().__init__(id=id)
        self._chart = Chart(title="")

    def show(self, chart: Chart) -> None:
        """Show a chart."""
        # `format` is a new function each time, so it is left out of the comparison.
        if replace(chart, format=self._chart.format) != self._chart:
            self._chart = chart
            self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        """Return title, bars and axis."""
        return chart_lines(self._chart, width, height, ascii_only=paint_of(self).ascii_only)


def chart_lines(chart: Chart, width: int, height: int, *, ascii_only: bool = False) -> list[Line]:
    """Return a chart of `width` by `height` cells; below three lines only the title."""
    title = spread_out(((chart.title, "title"),), chart.note, width)
    rows, columns = height - 2, width - _AXIS - 1
    if rows < 1 or columns < len(_EMPTY):
        return [title]
    stacks = _stacks(chart, columns)
    highest = max((sum(stack) for stack in stacks), default=0)
    edge, corner, floor = ("|", "+", "-") if ascii_only else ("┤", "└", "─")
    if not highest:
        nothing = _NOTHING if not any(value is not None for each in chart.series for value in each) else _EMPTY
        middle = rows // 2
        empty: list[Line] = [
            (
                (" " * _AXIS, "dim"),
                (edge if row in {0, rows - 1} else "|" if ascii_only else "│", "dim"),
                ((nothing if row == middle else "").center(columns), "dim"),
            )
            for row in range(rows)
        ]
        return [title, *empty, _time_axis(chart, columns, corner, floor)]
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    body = [
        (
            (_label(chart, highest, row, rows), "dim"),
            (edge if row == 0 else "|" if ascii_only else "│", "dim"),
            *_row_of(stacks, chart.roles, highest / rows, level=rows - 1 - row, blocks=blocks),
        )
        for row in range(rows)
    ]
    return [title, *body, _time_axis(chart, columns, corner, floor)]


def _label(chart: Chart, highest: float, row: int, rows: int) -> str:
    if row == 0:
        return fitted(chart.format(highest), _AXIS, right=True)
    if rows >= 5 and row == rows // 2:
        return fitted(chart.format(highest * (rows - row) / rows), _AXIS, right=True)
    return " " * _AXIS


def _time_axis(chart: Chart, columns: int, corner: str, floor: str) -> Line:
    zero = fitted(chart.format(0), _AXIS, right=True)
    start, end = f"{floor}{chart.since} ", " now"
    line = floor * (columns - cell_len(start) - cell_len(end))
    text = start + line + end if line else floor * columns
    return ((zero, "dim"), (corner, "dim"), (text, "dim"))


def _stacks(chart: Chart, columns: int) -> list[list[float]]:
    """Return the values of each series for each column; where slots share a column, those of the highest slot."""
    slots = [[value or 0 for value in stack] for stack in zip(*chart.series, strict=True)]
    return [max(part, key=sum, default=[]) for part in _shared_out(slots, columns)]


def _row_of(
    stacks: Sequence[Sequence[float]], roles: Sequence[str], unit: float, *, level: int, blocks: str
) -> list[Piece]:
    """Return one row of bars, `level` rows of `unit` above the axis.

    A cell where one series ends and the next begins shows the series at its middle.
    """
    pieces: list[Piece] = []
    for stack in stacks:
        eighths = round(sum(stack) / unit * 8)
        if sum(stack) and not eighths:
            eighths = 1  # a small value stays visible
        filled = min(max(eighths - level * 8, 0), 8)
        role = _role_at((level + filled / 16) * unit, stack, roles) if filled else roles[0]
        letter = blocks[filled]
        if pieces and pieces[-1][1] == role:
            pieces[-1] = (pieces[-1][0] + letter, role)
        else:
            pieces.append((letter, role))
    return pieces


def _role_at(height: float, stack: Sequence[float], roles: Sequence[str]) -> str:
    """Return the role of the series at a height of a stack; above the stack, that of the topmost series."""
    role, below = roles[0], 0.0
    for value, own in zip(stack, roles, strict=True):
        below += value
        role = own if value else role
        if below > height:
            break
    return role


def _shared_out(values: Sequence[T], width: int) -> list[Sequence[T]]:
    """Return the values of each of `width` columns: repeated if there are fewer values, grouped if there are more."""
    count = len(values)
    starts = [column * count // width for column in range(width)]
    return [values[start : max(end, start + 1)] for start, end in zip(starts, [*starts[1:], count], strict=True)]


def resampled(values: Sequence[float | None], width: int) -> list[float | None]:
    """Return `values` in `width` columns, summed where several share one; None where there is no value."""
    columns: list[float | None] = []
    for part in _shared_out(values, width):
        known = [value for value in part if value is not None]
        columns.append(sum(known) if known else None)
    return columns


def spark(values: Sequence[float | None], width: int, *, ascii_only: bool = False, highest: float | None = None) -> str:
    """Return one line of bars, the newest at the right; a value above 0 is always visible."""
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    columns = resampled(values, width) if len(values) > width else [*[None] * (width - len(values)), *values]
    top = max((value or 0 for value in columns), default=0) if highest is None else highest
    if not top:
        return " " * width
    return "".join(blocks[max(min(round((value / top) * 8), 8), 1)] if value else " " for value in columns)


def bar(part: float, width: int, *, ascii_only: bool = False) -> tuple[str, str]:
    """Return a bar that fills `part` of `width`, and the rest of its track."""
    halves = round(min(max(part, 0), 1) * width * 2)
    if part > 0 and not halves:
        halves = 1
    if ascii_only:
        return "#" * ((halves + 1) // 2), "." * (width - (halves + 1) // 2)
    filled = _WHOLE * (halves // 2) + _HALF * (halves % 2)
    return filled, _TRACK * (width - len(filled))


OUTCOME_LOOKS = {
    "success": ("✓", "completed"),
    "exit": ("×", "dead"),
    "signal": ("×", "dead"),
    "timeout": ("◐", "failed"),
    "spawn_error": ("×", "dead"),
    "lost": ("◇", "failed"),
    "released": ("○", "scheduled"),
    "cancelled": ("■", "cancelled"),
}
"""The outcomes of attempts, in the order in which they are stacked."""
_ASCII_LETTERS = {"✓": "+", "×": "x", "◐": "!", "◇": "?", "○": "o", "■": "-"}


def outcome_lines(outcomes: dict[str, int], width: int, *, ascii_only: bool = False) -> list[Line]:
    """Return a bar of all outcomes side by side, and its legend."""
    known = [(name, outcomes[name]) for name in OUTCOME_LOOKS if outcomes.get(name)]
    total = sum(n for _, n in known)
    if not total:
        return [((_NOTHING.center(width), "dim"),)]
    sizes = _shares([n for _, n in known], width)
    pieces: list[Piece] = []
    legend: list[Piece] = []
    for (name, n), size in zip(known, sizes, strict=True):
        glyph, role = OUTCOME_LOOKS[name]
        if ascii_only:
            glyph = _ASCII_LETTERS[glyph]
        pieces.append(((glyph if ascii_only else _WHOLE) * size, role))
        entry: list[Piece] = [
            (f"{glyph} ", role),
            (f"{name.replace('_', ' ')} ", "text"),
            (f"{n:,}", "title"),
            (f" {n / total:.0%}", "dim"),
        ]
        if length_of((*legend, *entry)) + 3 > width:
            break
        legend += [("   ", "text"), *entry] if legend else entry
    return [tuple(pieces), tuple(legend)]


def _shares(counts: Sequence[int], width: int) -> list[int]:
    """Divide `width` in proportion to the counts; each gets at least 1."""
    total = sum(counts)
    sizes = [max(round(n / total * width), 1) for n in counts]
    while sum(sizes) > width and max(sizes) > 1:
        sizes[sizes.index(max(sizes))] -= 1
    while sum(sizes) < width:
        sizes[sizes.index(max(sizes))] += 1
    return sizes


def percentile_lines(title: str, of: Spread, width: int, *, role: str = "bar", ascii_only: bool = False) -> list[Line]:
    """Return a title, and a bar for each percentile relative to the largest."""
    count = f"{of.n:,} measured" if of.n else ""
    heading = spread_out(((title, "title"),), ((count, "dim"),), width)
    if of.p50 is None or of.p95 is None or of.p99 is None:
        return [heading, ((_NOTHING.center(width), "dim"),), (), ()]
    lines: list[Line] = [heading]
    track_width = max(width - 4 - 9, 1)
    for name, value in (("p50", of.p50), ("p95", of.p95), ("p99", of.p99)):
        filled, track = bar(value / of.p99 if of.p99 else 0, track_width, ascii_only=ascii_only)
        text = fitted(format_duration(value), 8, right=True)
        lines.append(((f"{name} ", "dim"), (filled, role), (track, "dim"), (f" {text}", "title")))
    return lines
