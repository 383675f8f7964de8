"""Render tables, and states as glyph, word and colour. Glyphs and colours are for terminals only."""

from __future__ import annotations

from itertools import chain, islice

from queuectl.domain.glyphs import GLYPHS
from queuectl.domain.record import record
from queuectl.domain.text import cut, safe, width_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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
    fits = screen.is_terminal
    if fits:
        _fit(widths, columns, screen.width)
    colour = screen.colour
    screen.write(_line(titles, widths, columns, fits=fits, paint=[BOLD] * len(columns) if colour else None))
    for row in chain(page, (tuple(map(safe, row)) for row in remaining)):
        paint = [column.colour(cell) for column, cell in zip(columns, row, strict=True)] if colour else None
        screen.write(_line(row, widths, columns, fits=fits, paint=paint))
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
