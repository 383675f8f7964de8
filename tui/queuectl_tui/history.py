"""What was typed on the command line, kept from one session to the next in a file that only its owner can read."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from queuectl.bootstrap import user_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT = 500
"""Lines that are kept, the newest."""
_LONGEST = 2000
"""A longer line is not kept."""
_LARGEST = 4 * KEPT * _LONGEST
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW


def location(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str:
    """Where the history is, whether or not there is one."""
    return os.path.join(user_directory("XDG_STATE_HOME", "~/.local/state", environ, platform), "history")


class History:
    """The file. That it cannot be read or written is nothing that anybody needs to hear of."""

    def __init__(self, path: str) -> None:
        """Nothing is read or written yet."""
        self._path = path

    def read(self) -> list[str]:
        """The newest lines, the oldest first."""
        try:
            with open(os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | _FLAGS), encoding="utf-8") as file:
                lines = file.read(_LARGEST).split("\n")
        except (OSError, ValueError):
            return []
        return [line for line in lines if _is_kept(line)][-KEPT:]

    def add(self, line: str) -> None:
        """Keep one more line; the oldest make room once there are twice as many as are kept."""
        if not _is_kept(line):
            return
        with suppress(OSError):
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            # One write of a whole line, so that two consoles do not mix theirs.
            self._write(self._path, os.O_APPEND, line + "\n")
            self._shorten()

    def _shorten(self) -> None:
        with open(os.open(self._path, os.O_RDONLY | _FLAGS), "rb") as file:
            count = file.read(_LARGEST).count(b"\n")
        if count >= 2 * KEPT:
            beside = f"{self._path}.{os.getpid()}"
            self._write(beside, os.O_TRUNC, "".join(f"{line}\n" for line in self.read()))
            os.replace(beside, self._path)

    def _write(self, path: str, flags: int, text: str) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | _FLAGS | flags, 0o600)
        with open(handle, "wb", buffering=0) as file:
            os.fchmod(handle, 0o600)
            file.write(text.encode())


def _is_kept(line: str) -> bool:
    return 0 < len(line) <= _LONGEST and line.isprintable()
