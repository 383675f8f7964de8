r"""Job output as a terminal would leave it on the screen, but harmless.

Within a line, carriage return, backspace and the sequences that move the cursor or erase have their effect, so that a
progress bar shows its last state. Every other complete escape sequence is dropped, unless a subclass handles it. All
remaining control characters are escaped (`\\x1b`, `\\u202e`): the result contains nothing that a terminal obeys.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from itertools import groupby

from queuectl.domain.text import safe, width_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

LONGEST_SEQUENCE = 4096
"""An escape sequence that is longer than this, in characters, without an end is treated as text."""
FURTHEST = 4096
"""The rightmost column that the cursor can move to."""
TAB = 8
LONGEST_LINE = 65_536
"""Characters of a line that are buffered. A longer line is not a progress bar, and is passed on as it arrives."""

_TOKEN = re.compile(
    r"\x1b\[(?P<params>[0-?]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b\](?P<osc>[^\x07\x1b\x9c]*)(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[PX^_][^\x1b]*\x1b\\"
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b[0-OQ-WYZ\\`-~]"
    r"|(?P<move>[\r\b\t])"
    r"|\x07"
)
_CUT_OFF = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b\x9c]*\x1b?|[PX^_][^\x1b]*\x1b?|[ -/]*)\Z")


class ScreenLine:
    """The current line of a stream of text. The pen (colours) stays set from line to line, as on a terminal."""

    __slots__ = ("_cells", "_column", "_held", "_pen", "_runs", "_width")

    def __init__(self) -> None:
        """Begin a line."""
        self._pen: Any = None
        """Style of the letters to be written; None, unless a subclass supports colours."""
        self._held = ""
        # A line is a list of runs while it only grows, and a list of cells once the cursor moves back.
        self._runs: list[tuple[str, Any]] = []
        self._cells: list[tuple[str, Any]] | None = None
        self._column = 0
        self._width = 0

    @property
    def is_empty(self) -> bool:
        """Whether the line has neither text nor a moved cursor nor a pending sequence."""
        return not self._width and not self._held and not self._column

    @property
    def width(self) -> int:
        """Width of the line in columns."""
        return self._width

    def write(self, text: str) -> None:
        """Write text without newlines. It may end in the middle of an escape sequence."""
        if self._held:
            text = self._held + text
            self._held = ""
        if "\x1b" in text and (cut := _CUT_OFF.search(text)) and cut.end() - cut.start() <= LONGEST_SEQUENCE:
            self._held = cut.group()
            text = text[: cut.start()]
        place = 0
        for token in _TOKEN.finditer(text):
            if token.start() > place:
                self._put_text(text[place : token.start()])
            place = token.end()
            self._obey(token)
        if place < len(text):
            self._put_text(text[place:] if place else text)

    def text(self) -> str:
        """Return the line so far."""
        return "".join(text for text, _ in self._all_runs())

    def finish(self) -> str:
        """Return the line and begin the next one."""
        self._release()
        text = self.text()
        self._clear()
        return text

    def _all_runs(self) -> Sequence[tuple[str, Any]]:
        return self._runs if self._cells is None else self._cells

    def _release(self) -> None:
        """Treat a pending incomplete sequence as text: no sequence contains a newline."""
        if self._held:
            held, self._held = self._held, ""
            self._put_text(held)

    def _clear(self) -> None:
        self._runs = []
        self._cells = None
        self._column = self._width = 0

    def _paint(self, params: str) -> None:
        """Apply the parameters of an SGR (colour) sequence."""

    def _hear(self, words: str) -> None:
        """Handle an OSC (operating system command) sequence."""

    def _dimmed(self) -> Any:
        """Return the pen for escaped characters."""
        return self._pen

    def _size(self, text: str) -> int:
        """Return the number of columns that `text` takes."""
        return width_of(text)

    def _obey(self, token: re.Match[str]) -> None:
        final = token["final"]
        if final is not None:
            params = token["params"]
            if params[:1] in {"<", "=", ">", "?"}:
                return
            if final == "m":
                self._paint(params)
            elif final in "CDGK":
                self._control(final, params)
        elif token["osc"] is not None:
            self._hear(token["osc"])
        elif token["move"] == "\r":
            self._column = 0
        elif token["move"] == "\b":
            self._column = max(self._column - 1, 0)
        elif token["move"] == "\t":
            self._tab()

    def _control(self, final: str, params: str) -> None:
        count = number(params.split(";", 1)[0])
        if final == "G":
            self._column = min(max(count or 1, 1) - 1, FURTHEST)
        elif final == "C":
            self._column = min(self._column + max(count or 1, 1), max(FURTHEST, self._width))
        elif final == "D":
            self._column = max(self._column - max(count or 1, 1), 0)
        else:
            self._erase(count or 0)

    def _erase(self, how: int) -> None:
        cells = self._as_cells()
        if how in {0, 2}:
            del cells[self._column if how == 0 else 0 :]
            if cells and cells[-1][0] and self._size(cells[-1][0][0]) > 1:
                cells[-1] = (" ", None)  # half of a wide letter remains
        elif how == 1:
            for column in range(min(self._column + 1, len(cells))):
                cells[column] = (" ", None)
        self._width = len(cells)

    def _tab(self) -> None:
        target = (self._column // TAB + 1) * TAB
        if self._column == self._width:
            self._put(" " * (target - self._column), self._pen)
        else:
            self._column = min(target, max(FURTHEST, self._width))

    def _put_text(self, text: str) -> None:
        if text.isprintable():
            self._put(text, self._pen)
            return
        for piece, harmless in _pieces(text):
            self._put(piece, self._pen if harmless else self._dimmed())

    def _put(self, text: str, style: Any) -> None:
        if self._cells is None and self._column == self._width:
            self._runs.append((text, style))
            self._column += len(text) if text.isascii() else self._size(text)
            self._width = self._column
            return
        cells = self._as_cells()
        for letter in text:
            self._put_letter(cells, letter, style)
        self._width = len(cells)

    def _put_letter(self, cells: list[tuple[str, Any]], letter: str, style: Any) -> None:
        width = self._size(letter)
        column = self._column
        if width == 0:
            column -= 1
            if 0 < column < len(cells) and not cells[column][0]:
                column -= 1
            if 0 <= column < len(cells):
                cells[column] = (cells[column][0] + letter, cells[column][1])
            return
        while len(cells) < column:
            cells.append((" ", None))
        if column < len(cells) and not cells[column][0]:
            cells[column - 1] = (" ", None)  # the left half of a wide letter
        after = column + width
        if after < len(cells) and not cells[after][0]:
            cells[after] = (" ", None)  # the right half of another
        cells[column:after] = [(letter, style), *[("", None)] * (width - 1)]
        self._column = after

    def _as_cells(self) -> list[tuple[str, Any]]:
        if self._cells is None:
            self._cells = []
            column, self._column = self._column, 0
            for text, style in self._runs:
                for letter in text:
                    self._put_letter(self._cells, letter, style)
            self._column = column
            self._runs = []
        return self._cells


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield text in pieces, each with True if it was harmless and False if it had to be escaped."""
    for harmless, letters in groupby(text, key=_is_harmless):
        piece = "".join(letters)
        yield (piece if harmless else "".join(map(_escaped, piece))), harmless


def _is_harmless(letter: str) -> bool:
    return letter.isprintable() or safe(letter) == letter


def _escaped(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":
        return f"\\x{ord(letter) - 0xDC00:02x}"  # a byte that was not UTF-8
    return safe(letter)


def shown(text: str) -> str:
    """Return output of any number of lines, made readable.

    A line that moves back over itself, as a progress bar does, is returned in its final state; all others letter by
    letter, with control characters escaped and tabs kept.
    """
    if "\r" not in text and "\b" not in text:
        return safe(text, keep="\n\t")
    return "\n".join(map(shown_line, text.split("\n")))


def shown_line(line: str) -> str:
    """Return one line, given without its newline, made readable; trailing carriage returns belong to the newline."""
    line = line.rstrip("\r")
    if "\r" not in line and "\b" not in line:
        return safe(line, keep="\t")
    screen = ScreenLine()
    screen.write(line)
    return screen.finish()


class Lines:
    """Readable lines of a stream of bytes, each once it has ended: until then the cursor may move back over it."""

    def __init__(self, errors: str = "replace") -> None:
        """Begin a stream; `errors` is the treatment of bytes that are not UTF-8, as for `bytes.decode`."""
        # A character may be split between two pieces.
        self._decoder = getincrementaldecoder("utf-8")(errors)
        self._text = ""
        """The current line, while the cursor has not moved back."""
        self._screen: ScreenLine | None = None
        """The current line, if it is long and the cursor has moved back."""

    def take(self, data: bytes) -> str:
        """Add data and return the text that is final now: lines that have ended."""
        *whole, rest = self._decoder.decode(data).split("\n")
        if not whole:
            return self._go_on(rest)
        # The first one continues the current line; those between are whole lines.
        lines = [self._end(whole[0]), *map(shown_line, whole[1:]), ""]
        return "\n".join(lines) + self._go_on(rest)

    def so_far(self) -> str:
        """Return the current line."""
        return self._screen.text() if self._screen is not None else shown_line(self._text)

    def finish(self) -> str:
        """Return the rest of the last line, at the end of the stream."""
        return self._end(self._decoder.decode(b"", final=True))

    def _end(self, text: str) -> str:
        if self._screen is not None:
            screen, self._screen = self._screen, None
            screen.write(text)
            return screen.finish()
        text, self._text = self._text + text, ""
        return shown_line(text)

    def _go_on(self, text: str) -> str:
        if self._screen is not None:
            self._screen.write(text)
        else:
            self._text += text
            if len(self._text) <= LONGEST_LINE:
                return ""
            if "\r" not in self._text and "\b" not in self._text:
                text, self._text = self._text, ""
                return safe(text, keep="\t")
            self._screen = ScreenLine()
            self._screen.write(self._text)
            self._text = ""
        return self._screen.finish() if self._screen.width > LONGEST_LINE else ""


def number(text: str) -> int | None:
    """Return a parameter as a number; None when it is not one."""
    return int(text) if 0 < len(text) <= 6 and text.isascii() and text.isdecimal() else None
