"""Lines typed on the command line, kept between sessions in a file that only its owner can read."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from queuectl.bootstrap import user_directory

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LINES = 500
"""Maximum number of lines kept, the newest."""
_MAX_LENGTH = 2000
"""Longer lines are not kept."""
_MAX_BYTES = 4 * MAX_LINES * _MAX_LENGTH
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW


def location(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str:
    """Return the path of the history file, which may not exist."""
    return os.path.join(user_directory("XDG_STATE_HOME", "~/.local/state", environ, platform), "history")


class History:
    """The history file. Errors when reading or writing it are ignored: the history is a convenience."""

    def __init__(self, path: str) -> None:
        self._path = path

    def read(self) -> list[str]:
        """Return the kept lines, the oldest first."""
        try:
            with open(os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | _FLAGS), encoding="utf-8") as file:
                lines = file.read(_MAX_BYTES).split("\n")
        except (OSError, ValueError):
            return []
        return [line for line in lines if _is_kept(line)][-MAX_LINES:]

    def add(self, line: str) -> None:
        """Append a line; the oldest are dropped once the file holds twice the maximum."""
        if not _is_kept(line):
            return
        with suppress(OSError):
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            # One write per line, so that lines of two consoles do not mix.
            self._write(self._path, os.O_APPEND, line + "\n")
            self._shorten()

    def _shorten(self) -> None:
        with open(os.open(self._path, os.O_RDONLY | _FLAGS), "rb") as file:
            count = file.read(_MAX_BYTES).count(b"\n")
        if count >= 2 * MAX_LINES:
            beside = f"{self._path}.{os.getpid()}"
            self._write(beside, os.O_TRUNC, "".join(f"{line}\n" for line in self.read()))
            os.replace(beside, self._path)

    def _write(self, path: str, flags: int, text: str) -> None:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | _FLAGS | flags, 0o600)
        with open(handle, "wb", buffering=0) as file:
            os.fchmod(handle, 0o600)
            file.write(text.encode())


def _is_kept(line: str) -> bool:
    return 0 < len(line) <= _MAX_LENGTH and line.isprintable()
