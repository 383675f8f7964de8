"""A command on a terminal of its own, as a user sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios

from tests.support.command import MODULE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def on_a_terminal(
    *words: str, env: Mapping[str, str], columns: int = 100, typed: Mapping[str, str] | None = None
) -> tuple[str, int]:
    """Run a command; return the final screen and the exit code. `typed` maps prompts to answers."""
    answers = dict(typed or {})
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.execve(MODULE[0], [*MODULE, *words], env)
        finally:
            os._exit(99)
    seen = b""
    while select.select([terminal], [], [], 30)[0]:
        try:
            data = os.read(terminal, 65_536)
        except OSError:  # the other side is closed
            break
        if not data:
            break
        seen += data
        for asked in [asked for asked in answers if asked.encode() in seen]:
            os.write(terminal, answers.pop(asked).encode())
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert not answers, f"it never asked {answers}: {seen!r}"
    return seen.decode().replace("\r\n", "\n"), code
