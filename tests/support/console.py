"""The console in a terminal of its own, as a person has it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time

from tests.support.queue import QUEUECTL
from tests.support.waiting import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTROL = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
ALTERNATE_ON, ALTERNATE_OFF = b"\x1b[?1049h", b"\x1b[?1049l"


class Terminal:
    """A pseudo-terminal with `queuectl` in it."""

    def __init__(
        self, *words: str, env: Mapping[str, str], program: str = QUEUECTL, columns: int = 120, rows: int = 40
    ) -> None:
        self.seen = b""
        """Everything that was written, escapes and all."""
        self._mark = 0
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.execve(program, [program, *words], {**env, "TERM": "xterm-256color"})
            finally:
                os._exit(99)
        self.before = termios.tcgetattr(self.descriptor)

    def press(self, keys: str) -> None:
        """Type; what is waited for next must come after this."""
        self.read(0)
        self._mark = len(self.seen)
        os.write(self.descriptor, keys.encode())

    def wait_for(self, text: str, seconds: float = PATIENCE) -> None:
        """Wait until this has been painted."""
        deadline = time.monotonic() + seconds
        while text not in self.text:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} has not been painted: {self.text[-3000:]}"
            self.read(left)

    @property
    def text(self) -> str:
        """What has been painted since the last key, without the escapes."""
        return _CONTROL.sub(b"", self.seen[self._mark :]).decode(errors="replace")

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Wait for its end; the exit code."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.read(0)
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"it goes on: {self.text[-2000:]}")

    def mode(self) -> list[object]:
        """The terminal's settings."""
        return termios.tcgetattr(self.descriptor)

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self.descriptor)

    def read(self, seconds: float) -> None:
        """Take what has been written, waiting for so long."""
        if not select.select([self.descriptor], [], [], seconds)[0]:
            return
        try:
            self.seen += os.read(self.descriptor, 65_536)
        except OSError:
            pass  # the other side is closed
