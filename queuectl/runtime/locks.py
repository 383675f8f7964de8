"""Who lives is told by flock, which the kernel gives up when the last holder of the open file dies.

- A worker holds its own file for life and writes a counter into it, so that others see it move (`hold`, `Heartbeat`).
- A job's process tree holds its attempt: the worker locks a newly opened file, the tree inherits it as `LOCK_FD`, the
  worker closes its own copy. The lock is free again when nothing that kept the descriptor lives. One file per worker
  serves its attempts in turn; should something of an earlier tree still hold it, `.1`, `.2`, … are used beside it.

A descriptor can be closed by its holder, so a free attempt lock alone does not prove an empty tree; one that is held
proves the contrary.
"""

from __future__ import annotations

import errno
import fcntl
import os

LOCK_FD = 187
"""Where a job's tree holds its attempt: out of the way of shells (10 and on) and scripts (up to 9, 99, 100, 200)."""

_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_EXCLUSIVE = fcntl.LOCK_EX | fcntl.LOCK_NB
_SPARES = 100


def hold(path: str) -> int:
    """Create `path` if need be and lock it until the descriptor is closed. Raises BlockingIOError if it is held."""
    while True:
        fd = os.open(path, _FLAGS | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, _EXCLUSIVE)
        except OSError:
            os.close(fd)
            raise
        if os.fstat(fd).st_nlink:
            return fd
        os.close(fd)  # it was removed between the open and the lock: what we hold nobody else would find


def try_lock(path: str) -> int | None:
    """Lock an existing file; None if somebody holds it.

    Raises FileNotFoundError if it is missing: that is neither held nor free, for a file made now would always be free.
    """
    fd = os.open(path, _FLAGS)
    try:
        fcntl.flock(fd, _EXCLUSIVE)
    except BlockingIOError:
        os.close(fd)
        return None
    if os.fstat(fd).st_nlink:
        return fd
    os.close(fd)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def is_free(path: str) -> bool:
    """Whether nobody holds the attempt lock `path`. One that was never made, or was cleared away, is free."""
    try:
        fd = try_lock(path)
    except FileNotFoundError:
        return True
    if fd is None:
        return False
    os.close(fd)
    return True


class Heartbeat:
    """A counter in a worker's own file, rewritten in place: a full disk does not stop it on most file systems."""

    def __init__(self, fd: int) -> None:
        """`fd` is what `hold` gave."""
        self._fd = fd
        self._beats = 0

    def beat(self) -> bool:
        """Count on; False if it could not be written. The file's mtime is the time of the last beat."""
        self._beats += 1
        try:
            os.pwrite(self._fd, b"%020d\n" % self._beats, 0)
        except OSError:
            return False
        return True


def read_beat(path: str) -> int | None:
    """Read a worker's counter; None if there is none."""
    text = _read(path, 20)
    return int(text) if text.isdigit() else None


class AttemptLock:
    """The locks that the trees of one worker's jobs inherit, one attempt after the other."""

    def __init__(self, path: str) -> None:
        """`path` is named after the worker. Made at once, so that a full disk later does not matter."""
        self._path = path
        os.close(self.take())

    def take(self) -> int:
        """Lock a file that nothing of an earlier attempt holds. Closed by everyone, it is free."""
        for spare in range(_SPARES):
            fd = self._open(f"{self._path}.{spare}" if spare else self._path)
            try:
                fcntl.flock(fd, _EXCLUSIVE)
            except BlockingIOError:
                os.close(fd)
            except OSError:
                os.close(fd)
                raise
            else:
                return fd
        raise OSError(errno.EDEADLK, "the processes of too many earlier attempts cannot be ended", self._path)

    @staticmethod
    def _open(path: str) -> int:
        try:
            return os.open(path, _FLAGS | os.O_CREAT, 0o600)
        except FileNotFoundError:
            # The directory was removed, perhaps with all that was in it. Nothing else of it is ours to restore here.
            os.mkdir(os.path.dirname(path), 0o700)
            return os.open(path, _FLAGS | os.O_CREAT, 0o600)

    @staticmethod
    def note(fd: int, pid: int, seq: int, fence: int) -> None:
        """Write down whose lock it is: a hint for recovery, which checks it, since the tree could overwrite it."""
        try:
            os.pwrite(fd, b"%-10d %-20d %-10d\n" % (pid, seq, fence), 0)
        except OSError:
            pass


def attempt_locks(path: str) -> list[str]:
    """Find the files of a worker's attempts, whose first is `path`. None where somebody took the directory away."""
    directory, name = os.path.split(path)
    try:
        entries = sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [
        os.path.join(directory, entry)
        for entry in entries
        if entry == name or (entry.startswith(name + ".") and entry[len(name) + 1 :].isdigit())
    ]


def remove(*paths: str) -> None:
    """Remove lock files, and what lies beside them; one that is gone or cannot be removed is left."""
    for path in paths:
        try:
            os.unlink(path)
        except OSError:
            pass


def read_note(path: str) -> tuple[int, int, int] | None:
    """Read the pid, seq and fence of the attempt that last took the lock `path`."""
    fields = _read(path, 64).split()
    if len(fields) != 3 or not all(field.isdigit() for field in fields):
        return None
    return int(fields[0]), int(fields[1]), int(fields[2])


def _read(path: str, size: int) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.pread(fd, size, 0)
    except OSError:
        return b""
    finally:
        os.close(fd)
