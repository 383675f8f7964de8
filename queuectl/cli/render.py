"""Render tables, and states as glyph, word and colour. Glyphs and colours are for terminals only."""

from __future__ import annotations

from itertools import chain, islice

from queuectl.domain.glyphs import GLYPHS
from queuectl.domain.record import record
from queuectl.domain.text import cut, safe, width_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Sequence

    from queuectl.cli.screen import Screen

_COLOURS = {
    "pending": "36",
    "processing": "34",
    "completed": "32",
    "failed": "33",
    "dead": "31",
    "cancelled": "90",
    "held": "35",
}
BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"
_GAP = "  "
_PAGE = 1000
"""Rows that decide on the widths of the columns."""
_MIN_GROWING = 12
_READABLE = 24
"""Width of a growing column above which no other column is left out."""
_MIN_WIDTH = 4


@record
class Column:
    """A column of a table."""

    title: str
    right: bool = False
    """Whether it is aligned to the right, as numbers are."""
    grows: bool = False
    """Whether it gets the remaining width, and is cut off where there is none."""
    whole: bool = False
    """Whether cutting it off makes it useless, as a time: other columns shrink first. Implied by `right`."""
    drops: int = 0
    """Its turn to be left out where the terminal is narrow, from 1 on; 0: it stays."""
    sparse: bool = False
    """Whether it is left out on a terminal where all of its cells are empty."""
    wraps: bool = False
    """Whether it is continued on the next line, and not cut off."""
    colour: Callable[[str], str | None] = lambda _: None
    """Returns the colour of a cell for its text."""


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], screen: Screen) -> bool:
    """Write a table. Without rows write nothing and return False.

    The first thousand rows decide on the widths, so that a million can be streamed. Control characters in cells are
    escaped here.
    """
    remaining = iter(rows)
    page = [tuple(map(safe, row)) for row in islice(remaining, _PAGE)]
    if not page:
        return False
    titles = tuple(column.title for column in columns)
    widths = [max(width_of(row[index]) for row in (titles, *page)) for index in range(len(columns))]
    lines: Iterable[tuple[str, ...]] = chain((titles,), page, (tuple(map(safe, row)) for row in remaining))
    fits, colour = screen.is_terminal, screen.colour
    if fits:
        sparse = {index for index, column in enumerate(columns) if column.sparse and len(page) < _PAGE}
        empty = {index for index in sparse if not any(row[index] for row in page)}
        kept = _kept(widths, columns, empty, screen.width)
        columns, widths = [columns[index] for index in kept], [widths[index] for index in kept]
        _fit(widths, columns, screen.width)
        lines = (tuple(row[index] for index in kept) for row in lines)
        if any(column.wraps for column in columns):
            lines = chain.from_iterable(_wrapped(row, widths, columns) for row in lines)
    is_title = True
    for row in lines:
        paint: list[str | None] | None = None
        if colour:
            paint = [BOLD if is_title else column.colour(cell) for column, cell in zip(columns, row, strict=True)]
        screen.write(_line(row, widths, columns, fits=fits, paint=paint))
        is_title = False
    return True


def state_cell(state: str, screen: Screen) -> str:
    """Return a state as a cell of a table: with its glyph on a terminal."""
    return f"{GLYPHS.get(state, '?')} {state}" if screen.is_terminal else state


def colour_of_state(cell: str) -> str | None:
    """Return the colour of a cell that `state_cell` has made."""
    return _COLOURS.get(cell.rpartition(" ")[2])


def painted(text: str, colour: str | None, screen: Screen) -> str:
    """Return `text` in a colour, where the screen has colour."""
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and screen.colour else text


def facts(pairs: Iterable[tuple[str, str | None]], screen: Screen) -> None:
    """Write names and values, one pair a line; a value of None is left out. Both must be escaped by `safe` already."""
    known = [(name, text) for name, text in pairs if text is not None]
    width = max((len(name) for name, _ in known), default=0)
    below = "\n" + " " * width + _GAP
    for name, text in known:
        screen.write(f"{painted(f'{name:{width}}', DIM, screen)}{_GAP}{text.rstrip().replace(chr(10), below)}\n")


def _wrapped(row: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> Iterator[tuple[str, ...]]:
    """Yield the lines of a row whose long cells are continued on the next line."""
    # Loaded here: few tables need it.
    from textwrap import wrap

    cells = [
        wrap(cell, width) if column.wraps else [cell] for cell, width, column in zip(row, widths, columns, strict=True)
    ]
    for line in range(max(map(len, cells))):
        yield tuple(cell[line] if line < len(cell) else "" for cell in cells)


def _kept(widths: Sequence[int], columns: Sequence[Column], empty: Container[int], total: int) -> list[int]:
    """Return the columns that stay: those in turn are left out until the others are wide enough to be read."""
    kept = [index for index in range(len(columns)) if index not in empty]

    def needed(index: int) -> int:
        return min(widths[index], _READABLE if columns[index].grows else max(total // 3, _MIN_GROWING))

    for index in sorted((each for each in kept if columns[each].drops), key=lambda each: columns[each].drops):
        if sum(map(needed, kept)) + len(_GAP) * (len(kept) - 1) <= total:
            break
        kept.remove(index)
    return kept


def _fit(widths: list[int], columns: Sequence[Column], total: int) -> None:
    """Reduce `widths` so that a line has at most `total` columns."""
    available = total - len(_GAP) * (len(widths) - 1)
    for index, column in enumerate(columns):
        if not column.grows:
            widths[index] = min(widths[index], max(total // 3, _MIN_GROWING))
    fixed = sum(width for width, column in zip(widths, columns, strict=True) if not column.grows)
    for index, column in enumerate(columns):
        if column.grows:
            widths[index] = min(widths[index], max(available - fixed, _MIN_GROWING))
    # If that is still too wide, the widest column shrinks; columns that are useless when cut off shrink last.
    for may_shrink in ([not (column.whole or column.right) for column in columns], [True] * len(columns)):
        while sum(widths) > available:
            width, index = max((width, index) for index, width in enumerate(widths) if may_shrink[index])
            if width <= _MIN_WIDTH:
                break
            widths[index] -= 1


def _line(
    cells: Sequence[str],
    widths: Sequence[int],
    columns: Sequence[Column],
    *,
    fits: bool,
    paint: Sequence[str | None] | None,
) -> str:
    pieces = []
    for index, (cell, width, column) in enumerate(zip(cells, widths, columns, strict=True)):
        text = cut(cell, width) if fits else cell
        padding = " " * (width - width_of(text))
        if paint is not None and paint[index]:
            text = f"\x1b[{paint[index]}m{text}\x1b[0m"
        pieces.append(padding + text if column.right else text + padding)
    return _GAP.join(pieces).rstrip() + "\n"
