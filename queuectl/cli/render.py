"""Tables, and states in glyph, word and colour. Nothing decorative reaches a pipe."""

from __future__ import annotations

from itertools import chain, islice

from queuectl.domain.record import record
from queuectl.domain.text import safe, width_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from queuectl.cli.screen import Screen

GLYPHS = {
    "pending": "○",
    "processing": "▶",
    "completed": "✓",
    "failed": "◐",
    "dead": "×",
    "cancelled": "■",
    "held": "◆",
}
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
_NARROWEST = 12
_LEAST = 4


@record
class Column:
    """A column of a table."""

    title: str
    right: bool = False
    """Whether it is set to the right, as numbers are."""
    grows: bool = False
    """Takes the room that is left, and is cut off where there is none."""
    whole: bool = False
    """Says nothing when it is cut off, as a time: others give way first. Numbers are so anyway."""
    colour: Callable[[str], str | None] = lambda _: None
    """The colour of a cell, by its text."""


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], screen: Screen) -> bool:
    """Write a table; False when there were no rows, and then nothing is written.

    The first thousand rows decide on the widths, so that a million flow through. Cells are made safe here.
    """
    left = iter(rows)
    page = [tuple(map(safe, row)) for row in islice(left, _PAGE)]
    if not page:
        return False
    titles = tuple(column.title for column in columns)
    widths = [max(width_of(row[place]) for row in (titles, *page)) for place in range(len(columns))]
    fits = screen.is_terminal
    if fits:
        _fit(widths, columns, screen.width)
    colour = screen.colour
    screen.write(_line(titles, widths, columns, fits=fits, paint=[BOLD] * len(columns) if colour else None))
    for row in chain(page, (tuple(map(safe, row)) for row in left)):
        paint = [column.colour(cell) for column, cell in zip(columns, row, strict=True)] if colour else None
        screen.write(_line(row, widths, columns, fits=fits, paint=paint))
    return True


def state_cell(state: str, screen: Screen) -> str:
    """A state as a table shows it: with its glyph on a terminal."""
    return f"{GLYPHS.get(state, '?')} {state}" if screen.is_terminal else state


def colour_of_state(cell: str) -> str | None:
    """The colour of a cell that `state_cell` made."""
    return _COLOURS.get(cell.rpartition(" ")[2])


def painted(text: str, colour: str | None, screen: Screen) -> str:
    """`text` in a colour, where there is any."""
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and screen.colour else text


def facts(pairs: Iterable[tuple[str, str | None]], screen: Screen) -> None:
    """Write names and what they are, below each other; what is None is left out. They must be safe already."""
    known = [(name, text) for name, text in pairs if text is not None]
    width = max((len(name) for name, _ in known), default=0)
    below = "\n" + " " * width + _GAP
    for name, text in known:
        screen.write(f"{painted(f'{name:{width}}', DIM, screen)}{_GAP}{text.rstrip().replace(chr(10), below)}\n")


def cut(text: str, width: int) -> str:
    """`text` in at most `width` columns."""
    if width_of(text) <= width:
        return text
    while text and width_of(text) > width - 1:
        # Wide letters make it shorter in steps.
        text = text[: min(len(text) - 1, width - 1)]
    return text + "…"


def _fit(widths: list[int], columns: Sequence[Column], total: int) -> None:
    room = total - len(_GAP) * (len(widths) - 1)
    for place, column in enumerate(columns):
        if not column.grows:
            widths[place] = min(widths[place], max(total // 3, _NARROWEST))
    taken = sum(width for width, column in zip(widths, columns, strict=True) if not column.grows)
    for place, column in enumerate(columns):
        if column.grows:
            widths[place] = min(widths[place], max(room - taken, _NARROWEST))
    # Where that is still too much, the widest gives way; what says nothing when it is cut off gives way last.
    for some in ([not (column.whole or column.right) for column in columns], [True] * len(columns)):
        while sum(widths) > room:
            width, place = max((width, place) for place, width in enumerate(widths) if some[place])
            if width <= _LEAST:
                break
            widths[place] -= 1


def _line(
    cells: Sequence[str],
    widths: Sequence[int],
    columns: Sequence[Column],
    *,
    fits: bool,
    paint: Sequence[str | None] | None,
) -> str:
    pieces = []
    for place, (cell, width, column) in enumerate(zip(cells, widths, columns, strict=True)):
        text = cut(cell, width) if fits else cell
        padding = " " * (width - width_of(text))
        if paint is not None and paint[place]:
            text = f"\x1b[{paint[place]}m{text}\x1b[0m"
        pieces.append(padding + text if column.right else text + padding)
    return _GAP.join(pieces).rstrip() + "\n"
