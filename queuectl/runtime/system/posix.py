"""Process functions that any POSIX system has: ends of children by SIGCHLD, signals, files without a name."""

from __future__ import annotations

import os
import signal
import time

_bells: list[int] = []
"""The write ends of the pipes that the handler of SIGCHLD writes to."""


class Process:
    """One process in the table of processes."""

    __slots__ = ("group", "parent", "session", "started")

    def __init__(self, parent: int, group: int, session: int, started: int) -> None:
        """Take the pid of the parent, those of the leaders of its group and session, and when it was started."""
        self.parent = parent
        self.group = group
        self.session = session
        self.started = started


def family(table: dict[int, Process], roots: set[int]) -> dict[int, int]:
    """Find the tree below `roots` in `table`, without them."""
    below: dict[int, list[int]] = {}
    for pid, process in table.items():
        below.setdefault(process.parent, []).append(pid)
    found: dict[int, int] = {}
    parents = list(roots)
    while parents:
        for child in below.get(parents.pop(), ()):
            if child not in found and child not in roots:
                found[child] = table[child].started
                parents.append(child)
    return found


def exit_fd(pid: int) -> int:  # noqa: ARG001 - SIGCHLD does not name the child
    """Return a pipe that polls readable whenever a child of this process may have exited; call `reap` then."""
    reader, bell = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(bell, False)
    os.write(bell, b"!")  # it may have exited before the handler was installed
    _bells.append(bell)
    if signal.getsignal(signal.SIGCHLD) is not _ring:
        signal.signal(signal.SIGCHLD, _ring)
    return reader


def reap(pid: int, exit_fd: int) -> int | None:
    """Return the wait status of the child `pid`, or None while it runs."""
    # The pipe is drained before the wait: in the other order an exit in between would be missed.
    try:
        os.read(exit_fd, 64)
    except OSError:
        pass
    reaped, status = os.waitpid(pid, os.WNOHANG)
    return status if reaped else None


def send(pid: int, signo: int) -> bool:
    """Signal the process `pid`; False if it is gone or may not be signalled."""
    try:
        os.kill(pid, signo)
    except OSError:
        return False
    return True


def script_fd(text: bytes) -> int:
    """Return the descriptor of an unnamed file that holds `text`."""
    folder = os.environ.get("TMPDIR", "/tmp")  # noqa: S108 - O_EXCL and unlinked at once
    while True:
        path = os.path.join(folder, f"queuectl-{os.getpid()}-{time.monotonic_ns()}")
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            break
        except FileExistsError:
            continue
    os.unlink(path)
    write_all(fd, text)
    return fd


def write_all(fd: int, text: bytes) -> None:
    """Write `text` without moving the offset: where /dev/fd/N duplicates it, a reader must start at the beginning."""
    done = 0
    try:
        while done < len(text):
            done += os.pwrite(fd, memoryview(text)[done:], done)
    except OSError:
        os.close(fd)
        raise


def _ring(*_: object) -> None:
    for bell in tuple(_bells):
        try:
            os.write(bell, b"!")
        except BlockingIOError:
            pass
        except OSError:  # the reader has closed the pipe
            _bells.remove(bell)
            os.close(bell)


def _forget_bells() -> None:
    for bell in _bells:
        os.close(bell)
    _bells.clear()


os.register_at_fork(after_in_child=_forget_bells)
