"""A progress bar, or a line that changes, on one line of stderr."""

from __future__ import annotations

import select
import time

from queuectl.domain.text import cut, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

_EVERY = 0.1
_BAR = 24


class Bar:
    """A progress bar, drawn at most ten times a second and erased at the end."""

    def __init__(self, err: TextIO, width: int) -> None:
        """Draw on `err`, a terminal of `width` columns."""
        self._err = err
        self._width = width
        self._drawn_at = 0.0

    def show(self, done: int, total: int, what: str) -> None:
        """Draw the bar for `done` of `total`; `what` is the noun for them."""
        now = time.monotonic()
        if now - self._drawn_at < _EVERY and done < total:
            return
        self._drawn_at = now
        share = min(done / total, 1.0) if total else 1.0
        filled = round(share * _BAR)
        self.show_line(f"{'█' * filled}{'░' * (_BAR - filled)} {share:4.0%}  {done:,} of {total:,} {what}")

    def show_line(self, line: str) -> None:
        """Draw this line instead of the bar."""
        self._write(f"\r\x1b[2K{cut(safe(line), self._width - 1)}")

    def clear(self) -> None:
        """Erase the bar."""
        self._write("\r\x1b[2K")

    def _write(self, text: str) -> None:
        try:
            if not select.select([], [self._err], [], 0)[1]:
                return  # a terminal that was paused with Ctrl+S must not pause the work
            self._err.write(text)
            self._err.flush()
        except OSError:
            pass  # stderr is closed
