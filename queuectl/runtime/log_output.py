"""Standard error of a pool, written without ever waiting for its reader.

A terminal that is paused with Ctrl+S, or a pager that is not scrolled, takes no more output. A worker that waited for
it would renew no lease: its job would be given to another, and the worker killed as one that hangs.
"""

from __future__ import annotations

import os
import select
import socket
import stat

from queuectl.domain.phrases import plural

_STDERR = 2
_DESCRIPTION = f"/proc/self/fd/{_STDERR}"
"""Opened, it gives a description of its own, so that O_NONBLOCK does not reach other users of the terminal or pipe."""


class LogOutput:
    """Writes whole lines to standard error, or leaves them out and says later how many."""

    def __init__(self) -> None:
        """Open nothing before the first line."""
        self._fd: int | None = None
        self._socket: socket.socket | None = None
        self._left_out = 0

    def write(self, text: str) -> None:
        """Write a line, in one write, so that lines of several processes do not mix. Errors are ignored."""
        if self._left_out:
            lines = f"{self._left_out} {plural(self._left_out, 'line')}"
            if self._write(f"{lines} of this log left out: standard error was not read\n".encode()):
                self._left_out = 0
        if self._left_out or not self._write(text.encode(errors="replace")):
            self._left_out += 1

    def _write(self, data: bytes) -> bool:
        """Return False if the reader has to read first."""
        try:
            if self._fd is None:
                self._fd = self._open()
            if self._socket is not None:
                self._socket.send(data, socket.MSG_DONTWAIT)
            elif self._fd != _STDERR or _takes_output():
                os.write(self._fd, data)
            else:
                return False
        except BlockingIOError:
            return False
        except OSError:
            pass  # closed, or its disk is full
        return True

    def _open(self) -> int:
        """Return a descriptor of standard error that does not block."""
        mode = os.fstat(_STDERR).st_mode
        if stat.S_ISSOCK(mode):
            # The journal of systemd. A socket cannot be opened by a path, but each send may ask not to wait.
            self._socket = socket.socket(fileno=os.dup(_STDERR))
        elif stat.S_ISFIFO(mode) or os.isatty(_STDERR):
            try:
                return os.open(_DESCRIPTION, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            except OSError:
                pass  # no /proc, or the terminal of another user
        return _STDERR


def _takes_output() -> bool:
    """Return whether a write to standard error would not wait; one that fails does not."""
    poll = select.poll()
    poll.register(_STDERR, select.POLLOUT)
    return bool(poll.poll(0))
