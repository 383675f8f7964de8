"""The console on a pseudo-terminal, as a user runs it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import termios
import threading
import time

from tests.support.queue import QUEUECTL
from tests.support.waiting import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTROL = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
ALTERNATE_ON, ALTERNATE_OFF = b"\x1b[?1049h", b"\x1b[?1049l"


class Terminal:
    """A pseudo-terminal that runs `queuectl`."""

    def __init__(
        self, *words: str, env: Mapping[str, str], program: str = QUEUECTL, columns: int = 120, rows: int = 40
    ) -> None:
        self.seen = b""
        """All bytes written, including escape sequences."""
        self._mark = 0
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.execve(program, [program, *words], {**env, "TERM": "xterm-256color"})
            finally:
                os._exit(99)
        self.before = termios.tcgetattr(self.descriptor)
        self._news = threading.Condition()
        # Read all the time: a console whose terminal is full would block.
        self._reader = threading.Thread(target=self._read_on, daemon=True)
        self._reader.start()

    def press(self, keys: str) -> None:
        """Press keys; text that is waited for next must appear after this."""
        self._mark = len(self.seen)
        os.write(self.descriptor, keys.encode())

    def wait_for(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until a text has been painted."""
        with self._news:
            painted = self._news.wait_for(lambda: text in self.text, seconds)
        assert painted, f"{text!r} has not been painted: {self.text[-3000:]}"

    @property
    def text(self) -> str:
        """The text painted since the last key, without escape sequences."""
        return _CONTROL.sub(b"", self.seen[self._mark :]).decode(errors="replace")

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Wait for the end, and return the exit code."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                self._reader.join(1)
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"still runs: {self.text[-2000:]}")

    def mode(self) -> list[object]:
        """Return the terminal's settings."""
        return termios.tcgetattr(self.descriptor)

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        self._reader.join(1)  # it may block while a process of the console still has the terminal open
        os.close(self.descriptor)

    def read(self, seconds: float, since: int | None = None) -> bool:
        """Wait until there are more than `since` bytes (default: than now), or until `seconds` have passed."""
        with self._news:
            before = len(self.seen) if since is None else since
            return self._news.wait_for(lambda: len(self.seen) > before, seconds)

    def _read_on(self) -> None:
        while True:
            try:
                piece = os.read(self.descriptor, 65_536)
            except OSError:
                piece = b""  # the other side is closed
            with self._news:
                self.seen += piece
                self._news.notify_all()
            if not piece:
                return
