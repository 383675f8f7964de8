"""Write the output of jobs as it arrives, escaped for people."""

from __future__ import annotations

import os

from queuectl.domain.terminal import Lines
from queuectl.domain.text import can_draw, cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.logs import Piece

_ERASE = "\r\x1b[K"


class OutputWriter:
    """Writes each line when it has ended, because output to come may overwrite it.

    While output is followed on a terminal, the incomplete current line is shown too, and redrawn as it changes.
    """

    def __init__(self, screen: Screen, *, follow: bool) -> None:
        """Write to `screen`; with `follow`, more output may arrive at any time."""
        self._screen = screen
        self._live = follow and screen.is_terminal and can_draw(os.environ.get("TERM"))
        self._lines: dict[tuple[int, str], Lines] = {}
        self._drawn = False
        self._unended = False
        """Whether the last text that was written has no newline at its end."""

    def write(self, piece: Piece) -> None:
        """Write new output of one stream."""
        key = piece.attempt, piece.stream
        # The stream with the newest output is the last in the dictionary.
        line = self._lines[key] = self._lines.pop(key) if key in self._lines else Lines()
        if piece.left_out:
            self._put(line.finish())
            self.end_line()
            self._put(f"[… {piece.left_out} bytes left out …]\n")
        self._put(line.take(piece.data))
        if self._live and not self._unended:
            # Lines that have ended were written over the current line, which may belong to another stream.
            current = next(filter(None, (each.so_far() for each in reversed(self._lines.values()))), "").expandtabs()
            self._screen.write(_ERASE + cut(current, self._screen.width - 1))
            self._drawn = bool(current)
        self._screen.flush()

    def end_line(self) -> None:
        """End the last line, so that a message on stderr, which may be the same terminal or pipe, begins a new one."""
        if self._unended:
            self._put("\n")
            self._screen.flush()

    def finish(self) -> None:
        """Write the lines that have not ended, because no output follows."""
        for line in self._lines.values():
            rest = line.finish()
            if rest:
                self.end_line()
                self._put(rest)
        self._lines.clear()
        self._screen.flush()

    def _put(self, text: str) -> None:
        if not text:
            return
        self._screen.write(_ERASE + text if self._drawn else text)
        self._drawn = False
        self._unended = not text.endswith("\n")
