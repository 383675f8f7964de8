"""Output of jobs as it comes, written as people read it."""

from __future__ import annotations

import os

from queuectl.cli.render import cut
from queuectl.domain.terminal import Lines
from queuectl.domain.text import can_draw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.logs import Piece

_ERASE = "\r\x1b[K"


class OutputWriter:
    """Writes lines once they have ended, since what is yet to come may go back over them.

    While output is followed on a terminal the line under way is shown too, and drawn again as it changes.
    """

    def __init__(self, screen: Screen, *, follow: bool) -> None:
        """Write to `screen`; `follow`: more may come at any time."""
        self._screen = screen
        self._live = follow and screen.is_terminal and can_draw(os.environ.get("TERM"))
        self._lines: dict[tuple[int, str], Lines] = {}
        self._drawn = False
        self._unended = False
        """Whether what was written last has no newline."""

    def write(self, piece: Piece) -> None:
        """Write what has come of one stream."""
        of = piece.attempt, piece.stream
        # The stream that was written last is the last one.
        line = self._lines[of] = self._lines.pop(of) if of in self._lines else Lines()
        if piece.left_out:
            self._put(line.finish())
            self.end_line()
            self._put(f"[… {piece.left_out} bytes left out …]\n")
        self._put(line.take(piece.data))
        if self._live and not self._unended:
            # Lines that have ended were written over the one under way, which may be of another stream.
            under_way = next(filter(None, (each.so_far() for each in reversed(self._lines.values()))), "").expandtabs()
            self._screen.write(_ERASE + cut(under_way, self._screen.width - 1))
            self._drawn = bool(under_way)
        self._screen.flush()

    def end_line(self) -> None:
        """Begin a new line where the last one has not ended: before what is said next, which may go the same way."""
        if self._unended:
            self._put("\n")
            self._screen.flush()

    def finish(self) -> None:
        """Write what has come of lines that have not ended: nothing follows."""
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
