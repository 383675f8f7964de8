r"""Job output as a terminal would leave it on the screen, without a terminal's powers.

Within a line, the carriage return, backspace and the sequences that move the cursor or erase do what a terminal does,
so that a progress bar shows its last state. Every other complete escape sequence is dropped, unless a subclass makes
something of it; whatever control character is left over is written out (`\\x1b`, `\\u202e`), so nothing that a terminal
would obey ever comes out.
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
"""An escape sequence that has not ended after so many letters is text."""
FURTHEST = 4096
"""The cursor moves no further right than this."""
TAB = 8
LONGEST_LINE = 65_536
"""Letters of a line that are kept back. What is longer is no progress bar, and comes out as it comes in."""

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
    """The line that a stream of text is on. The pen goes on from line to line, as on a terminal."""

    __slots__ = ("_cells", "_column", "_held", "_pen", "_runs", "_width")

    def __init__(self) -> None:
        """Begin a line."""
        self._pen: Any = None
        """What letters are written with; None, unless a subclass knows of colours."""
        self._held = ""
        # A line is a list of runs as long as it only grows, and one cell after another once the cursor goes back.
        self._runs: list[tuple[str, Any]] = []
        self._cells: list[tuple[str, Any]] | None = None
        self._column = 0
        self._width = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been written to this line yet."""
        return not self._width and not self._held and not self._column

    @property
    def width(self) -> int:
        """Columns that the line takes."""
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
        """Give the line as it stands."""
        return "".join(text for text, _ in self._all_runs())

    def finish(self) -> str:
        """Give the line and begin the next one."""
        self._release()
        text = self.text()
        self._clear()
        return text

    def _all_runs(self) -> Sequence[tuple[str, Any]]:
        return self._runs if self._cells is None else self._cells

    def _release(self) -> None:
        """Take a sequence that has not ended for text: no newline belongs into one."""
        if self._held:
            held, self._held = self._held, ""
            self._put_text(held)

    def _clear(self) -> None:
        self._runs = []
        self._cells = None
        self._column = self._width = 0

    def _paint(self, params: str) -> None:
        """Obey an SGR sequence."""

    def _hear(self, words: str) -> None:
        """Obey an operating system command."""

    def _dimmed(self) -> Any:
        """Give the pen for what is written out."""
        return self._pen

    def _size(self, text: str) -> int:
        """Columns that `text` takes."""
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
                cells[-1] = (" ", None)  # half of a wide letter is left
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
        for piece, harmless in _told_apart(text):
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


def _told_apart(text: str) -> Iterator[tuple[str, bool]]:
    """Harmless text, and in between what had to be written out."""
    for harmless, letters in groupby(text, key=_is_harmless):
        piece = "".join(letters)
        yield (piece if harmless else "".join(map(_written_out, piece))), harmless


def _is_harmless(letter: str) -> bool:
    return letter.isprintable() or safe(letter) == letter


def _written_out(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":
        return f"\\x{ord(letter) - 0xDC00:02x}"  # a byte that was not UTF-8
    return safe(letter)


def shown(text: str) -> str:
    """Give output of any number of lines as people read it.

    A line that goes back over itself, as a progress bar does, as it stood at its end; all others letter by letter, with
    their control characters written out and their tabs kept.
    """
    if "\r" not in text and "\b" not in text:
        return safe(text, keep="\n\t")
    return "\n".join(map(shown_line, text.split("\n")))


def shown_line(line: str) -> str:
    """Give one line without its newline; carriage returns at its end are a part of that."""
    line = line.rstrip("\r")
    if "\r" not in line and "\b" not in line:
        return safe(line, keep="\t")
    screen = ScreenLine()
    screen.write(line)
    return screen.finish()


class Lines:
    """Lines of a stream of bytes, as people read them, once each has ended: what is yet to come may go back over it."""

    def __init__(self, errors: str = "replace") -> None:
        """Begin a stream; `errors` is what becomes of bytes that are not UTF-8."""
        # A letter may be cut in two between pieces.
        self._decoder = getincrementaldecoder("utf-8")(errors)
        self._text = ""
        """What has come of it, as long as nothing went back."""
        self._screen: ScreenLine | None = None
        """What is left of it, once something did in a long line."""

    def take(self, data: bytes) -> str:
        """Give what can be written now that this has come: lines that have ended."""
        *whole, rest = self._decoder.decode(data).split("\n")
        if not whole:
            return self._go_on(rest)
        # The first goes on where the line stands; those between are whole.
        lines = [self._end(whole[0]), *map(shown_line, whole[1:]), ""]
        return "\n".join(lines) + self._go_on(rest)

    def so_far(self) -> str:
        """Give the line as it stands."""
        return self._screen.text() if self._screen is not None else shown_line(self._text)

    def finish(self) -> str:
        """Give what is left of the line: nothing more will come."""
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
    """Give the number of a parameter; None where it is none."""
    return int(text) if 0 < len(text) <= 6 and text.isascii() and text.isdecimal() else None
