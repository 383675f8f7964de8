r"""Job output as a terminal would leave it on the screen, with its colours and without its powers.

Colours and weights (SGR) become styles. Within a line, the carriage return, backspace and the sequences that move the
cursor or erase do what a terminal does, so that a progress bar shows its last state. `OSC 9;4` is read as progress.
Every other complete escape sequence is dropped; whatever control character is left over is written out (`\\x1b`,
`\\u202e`), so nothing that a terminal would obey ever comes out. Nothing here touches Textual: it runs in the reader
thread.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from rich.cells import get_character_cell_size
from rich.color import Color
from rich.style import Style

from queuectl.domain.text import safe
from queuectl_tui.progress import progress_of
from queuectl_tui.widgets.sgr_codes import codes, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuectl_tui.progress import Progress

Span = tuple[int, int, Style]
"""From which letter to before which, in what style."""

NOT_UTF8 = "surrogateescape"
r"""How to decode output: `Terminal` shows what was not UTF-8 as \xNN."""
LONGEST_SEQUENCE = 4096
"""An escape sequence that has not ended after so many letters is text."""
FURTHEST = 4096
"""The cursor moves no further right than this."""
TAB = 8

_TOKEN = re.compile(
    r"\x1b\[(?P<params>[0-?]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b\](?P<osc>[^\x07\x1b\x9c]*)(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[PX^_][^\x1b]*\x1b\\"
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b[0-OQ-WYZ\\`-~]"
    r"|(?P<move>[\r\b\t])"
    r"|\x07"
)
_SGR = re.compile(r"\x1b\[([0-9;:]*)m")
_CUT_OFF = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b\x9c]*\x1b?|[PX^_][^\x1b]*\x1b?|[ -/]*)\Z")

_FLAGS = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",), 29: ("strike",)}
_WRITTEN_OUT = Style(dim=True)


class Printed(NamedTuple):
    """A line: harmless text, and how parts of it are to be shown."""

    text: str
    spans: tuple[Span, ...] = ()


class Terminal:
    """The line that a stream of text is on. The pen's colours go on from line to line, as on a terminal."""

    __slots__ = ("_cells", "_column", "_held", "_pen", "_runs", "_width", "progress")

    def __init__(self, progress: Progress | None = None) -> None:
        """Begin a line; `progress` is what was said of it before."""
        self.progress = progress
        self._pen: Style | None = None
        self._held = ""
        # A line is a list of runs as long as it only grows, and one cell after another once the cursor goes back.
        self._runs: list[tuple[str, Style | None]] = []
        self._cells: list[tuple[str, Style | None]] | None = None
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

    def whole(self, text: str) -> Printed:
        """Give a whole line that stands by itself; the quick way for what most jobs print."""
        if text.isprintable() and self.is_empty:
            return Printed(text) if self._pen is None or not text else Printed(text, ((0, len(text), self._pen),))
        if self.is_empty and (painted := self._only_painted(text)) is not None:
            return painted
        self.write(text)
        return self.end()

    def _only_painted(self, text: str) -> Printed | None:
        """A line that moves nothing and only changes colours; None where there is more to it."""
        pieces = _SGR.split(text)
        texts = pieces[::2]
        line = "".join(texts)
        if not line.isprintable():
            return None
        spans: list[Span] = []
        pen, length = self._pen, 0
        for place, piece in enumerate(texts):
            if place:
                pen = _painted(pen, pieces[2 * place - 1])
            if piece:
                end = length + len(piece)
                if pen is not None:
                    if spans and spans[-1][1] == length and spans[-1][2] is pen:
                        spans[-1] = (spans[-1][0], end, pen)
                    else:
                        spans.append((length, end, pen))
                length = end
        self._pen = pen
        return Printed(line, tuple(spans))

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

    def line(self) -> Printed:
        """Give the line as it stands."""
        runs: Sequence[tuple[str, Style | None]] = self._runs if self._cells is None else self._cells
        spans: list[Span] = []
        pieces: list[str] = []
        length = 0
        for text, style in runs:
            end = length + len(text)
            if style is not None and text:
                if spans and spans[-1][1] == length and spans[-1][2] is style:
                    spans[-1] = (spans[-1][0], end, style)
                else:
                    spans.append((length, end, style))
            pieces.append(text)
            length = end
        return Printed("".join(pieces), tuple(spans))

    def end(self) -> Printed:
        """Give the line and begin the next one."""
        if self._held:
            # No newline belongs into a sequence: it was none.
            held, self._held = self._held, ""
            self._put_text(held)
        printed = self.line()
        self._runs = []
        self._cells = None
        self._column = self._width = 0
        return printed

    def _obey(self, token: re.Match[str]) -> None:
        final = token["final"]
        if final is not None:
            params = token["params"]
            if params[:1] in {"<", "=", ">", "?"}:
                return
            if final == "m":
                self._pen = _painted(self._pen, params)
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
            if cells and cells[-1][0] and get_character_cell_size(cells[-1][0][0]) > 1:
                cells[-1] = (" ", None)  # half of a wide letter is left
        elif how == 1:
            for column in range(min(self._column + 1, len(cells))):
                cells[column] = (" ", None)
        self._width = len(cells)

    def _hear(self, words: str) -> None:
        parts = words.split(";")
        if parts[:2] != ["9", "4"] or len(parts) < 3:
            return
        percent = number(parts[3]) if len(parts) > 3 else None
        self.progress = progress_of(number(parts[2]), percent, self.progress)

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
            self._put(piece, self._pen if harmless else _dimmed(self._pen))

    def _put(self, text: str, style: Style | None) -> None:
        if self._cells is None and self._column == self._width:
            self._runs.append((text, style))
            self._column += len(text) if text.isascii() else sum(map(get_character_cell_size, text))
            self._width = self._column
            return
        cells = self._as_cells()
        for letter in text:
            self._put_letter(cells, letter, style)
        self._width = len(cells)

    def _put_letter(self, cells: list[tuple[str, Style | None]], letter: str, style: Style | None) -> None:
        width = get_character_cell_size(letter)
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

    def _as_cells(self) -> list[tuple[str, Style | None]]:
        if self._cells is None:
            self._cells = []
            column, self._column = self._column, 0
            for text, style in self._runs:
                for letter in text:
                    self._put_letter(self._cells, letter, style)
            self._column = column
            self._runs = []
        return self._cells


def parse(line: bytes) -> Printed:
    r"""Give one line of output, by itself. What is not UTF-8 is shown as \xNN."""
    terminal = Terminal()
    terminal.write(line.decode("utf-8", NOT_UTF8))
    return terminal.end()


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


@lru_cache(maxsize=1024)
def _dimmed(pen: Style | None) -> Style:
    return _WRITTEN_OUT if pen is None else pen + _WRITTEN_OUT


@lru_cache(maxsize=4096)
def _painted(pen: Style | None, params: str) -> Style | None:
    """The pen after one SGR sequence. Styles of one look are one object."""
    foreground = pen.color if pen else None
    background = pen.bgcolor if pen else None
    flags = {name: True for name in _FLAGS.values() if pen is not None and getattr(pen, name)}
    for code, colour in codes(params):
        if code == 0:
            foreground = background = None
            flags.clear()
        elif code in _FLAGS:
            flags[_FLAGS[code]] = True
        elif code == 21:
            flags["underline"] = True
        elif code in _OFF:
            for name in _OFF[code]:
                flags.pop(name, None)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            foreground = Color.from_ansi(code - 30 if code < 90 else code - 82)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            background = Color.from_ansi(code - 40 if code < 100 else code - 92)
        elif code == 38:
            foreground = colour or foreground
        elif code == 48:
            background = colour or background
        elif code == 39:
            foreground = None
        elif code == 49:
            background = None
        # Blinking and hidden text (5, 6, 8) are left alone: nobody is to be annoyed or deceived.
    if foreground is None and background is None and not flags:
        return None
    return _style(foreground, background, tuple(sorted(flags)))


@lru_cache(maxsize=4096)
def _style(foreground: Color | None, background: Color | None, flags: tuple[str, ...]) -> Style:
    on = dict.fromkeys(flags, True)
    return Style.from_color(foreground, background) + Style(
        bold=on.get("bold"),
        dim=on.get("dim"),
        italic=on.get("italic"),
        underline=on.get("underline"),
        reverse=on.get("reverse"),
        strike=on.get("strike"),
    )
