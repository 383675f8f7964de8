"""A command on a terminal of its own, to which a test types when it has seen what it waits for."""

from __future__ import annotations

import os
import pty
import select
import time

from tests.support.command import MODULE
from tests.support.waiting import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Interactive:
    """The command, and what its terminal has shown."""

    def __init__(self, *words: str, env: Mapping[str, str]) -> None:
        self.seen = ""
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            try:
                os.execve(MODULE[0], [*MODULE, *words], {"TERM": "xterm", **env})
            finally:
                os._exit(99)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until the terminal shows `text`, and no further."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen[-2000:]
            assert self._read(), self.seen[-2000:]

    def end(self) -> int:
        """Read to the end of the command, and return its exit code."""
        while self._read():
            pass
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self) -> bool:
        if not select.select([self._terminal], [], [], PATIENCE)[0]:
            return False
        try:
            data = os.read(self._terminal, 65_536)
        except OSError:  # the command has ended
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)
