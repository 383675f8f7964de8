"""Job output as it would appear on a terminal (`queuectl.domain.terminal`), with its colours.

Colours and weights (SGR) become styles, and `OSC 9;4` is read as progress. Independent of Textual: it runs in the
reader thread.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import get_character_cell_size
from rich.color import Color
from rich.style import Style

from queuectl.domain.terminal import ScreenLine, number
from queuectl_tui.progress import progress_of
from queuectl_tui.widgets.terminal_codes import codes

if TYPE_CHECKING:
    from queuectl_tui.progress import Progress

Span = tuple[int, int, Style]
"""Start and end of a range of characters, and its style."""

NOT_UTF8 = "surrogateescape"
r"""Error handler for decoding output: `Terminal` shows what was not UTF-8 as \xNN."""
_SGR = re.compile(r"\x1b\[([0-9;:]*)m")

_FLAGS = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",), 29: ("strike",)}
_WRITTEN_OUT = Style(dim=True)


class Printed(NamedTuple):
    """A line: sanitised text, and the styles of its parts. A tuple, as `LogLine` is."""

    text: str
    spans: tuple[Span, ...] = ()


class Terminal(ScreenLine):
    """The current line of a stream of text, with colours. The style carries over to the next line, as on a terminal."""

    __slots__ = ("progress",)

    def __init__(self, progress: Progress | None = None) -> None:
        """Begin a line; `progress` is the last one reported."""
        super().__init__()
        self.progress = progress

    def whole(self, text: str) -> Printed:
        """Return a complete line; the fast path for what most jobs print."""
        if text.isprintable() and self.is_empty:
            return Printed(text) if self._pen is None or not text else Printed(text, ((0, len(text), self._pen),))
        if self.is_empty and (painted := self._only_painted(text)) is not None:
            return painted
        self.write(text)
        return self.end()

    def _only_painted(self, text: str) -> Printed | None:
        """Return a line that only changes colours; None if it has other sequences."""
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

    def line(self) -> Printed:
        """Return the current line."""
        spans: list[Span] = []
        pieces: list[str] = []
        length = 0
        for text, style in self._all_runs():
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
        """Return the current line and begin the next one."""
        self._release()
        printed = self.line()
        self._clear()
        return printed

    def _paint(self, params: str) -> None:
        self._pen = _painted(self._pen, params)

    def _dimmed(self) -> Style:
        return _dimmed(self._pen)

    def _size(self, text: str) -> int:
        return sum(map(get_character_cell_size, text))

    def _hear(self, words: str) -> None:
        parts = words.split(";")
        if parts[:2] != ["9", "4"] or len(parts) < 3:
            return
        percent = number(parts[3]) if len(parts) > 3 else None
        self.progress = progress_of(number(parts[2]), percent, self.progress)


def parse(line: bytes) -> Printed:
    r"""Return one line of output, by itself. What is not UTF-8 is shown as \xNN."""
    terminal = Terminal()
    terminal.write(line.decode("utf-8", NOT_UTF8))
    return terminal.end()


@lru_cache(maxsize=1024)
def _dimmed(pen: Style | None) -> Style:
    return _WRITTEN_OUT if pen is None else pen + _WRITTEN_OUT


@lru_cache(maxsize=4096)
def _painted(pen: Style | None, params: str) -> Style | None:
    """Return the style after one SGR sequence. Equal styles are one object."""
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
        # Blinking and hidden text (5, 6, 8) are ignored: they would annoy or deceive.
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
