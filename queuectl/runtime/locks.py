"""Liveness by flock, which the kernel releases when the last holder of the open file dies.

- A worker locks its own file for life and writes a counter into it, which others see grow (`hold`, `Heartbeat`).
- A job's process tree holds the lock of its attempt: the worker locks a newly opened file, the tree inherits it as
  `LOCK_FD`, the worker closes its own copy. The lock is free again when no process that kept the descriptor lives. One
  file per worker serves its attempts in turn; should a process of an earlier tree still hold it, `.1`, `.2`, … follow.

A process can close the descriptor, so a free attempt lock alone does not prove an empty tree; a held one proves that
the tree is not empty.
"""

from __future__ import annotations

import errno
import fcntl
import os

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

LOCK_FD = 187
"""The descriptor of the attempt lock in a job's tree. Shells use 10 and on, scripts up to 9, 99, 100 and 200."""

_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_EXCLUSIVE = fcntl.LOCK_EX | fcntl.LOCK_NB
_SPARES = 100
_NOTE = 512
"""Bytes of a note, at most."""


def hold(path: str) -> int:
    """Create `path` if needed and lock it; return the descriptor. Raises BlockingIOError if it is held.

    The lock is released when the descriptor is closed.
    """
    while True:
        fd = os.open(path, _FLAGS | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, _EXCLUSIVE)
        except OSError:
            os.close(fd)
            raise
        if os.fstat(fd).st_nlink:
            return fd
        os.close(fd)  # removed between open and flock: other processes would not find this lock


def try_lock(path: str) -> int | None:
    """Lock an existing file and return its descriptor; None if another process holds the lock.

    Raises FileNotFoundError if it is missing: that is neither held nor free, as a file made now would always be free.
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
    """Return whether no process holds the lock `path`. A missing file is free."""
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
        """Take the descriptor that `hold` returned."""
        self._fd = fd
        self._beats = 0

    def beat(self) -> bool:
        """Increment the counter; False if it could not be written. The file's mtime is the time of the last beat."""
        self._beats += 1
        try:
            os.pwrite(self._fd, b"%020d\n" % self._beats, 0)
        except OSError:
            return False
        return True


def read_beat(path: str) -> int | None:
    """Return a worker's counter; None if there is none."""
    text = _read(path, 20)
    return int(text) if text.isdigit() else None


class AttemptLock:
    """The locks that the process trees of one worker's jobs inherit, one attempt after the other."""

    def __init__(self, path: str) -> None:
        """Create the file `path`, named after the worker, at once, so that a full disk later does not matter."""
        self._path = path
        self.ahead: Sequence[tuple[int, int]] = ()
        """Seq and fence of the claims that the worker has not started yet, for the next note."""
        held = self.take()
        try:
            # On most file systems later notes need no further space then.
            os.pwrite(held, b" " * _NOTE, 0)
        except OSError:
            pass  # the first start is refused if there is still none
        os.close(held)

    def take(self) -> int:
        """Lock a file that no process of an earlier attempt holds, and return its descriptor.

        The lock is free once every process that inherited the descriptor has closed it. Raises OSError.
        """
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
            # The directory was removed, perhaps with all its files. Only the directory is restored here.
            os.mkdir(os.path.dirname(path), 0o700)
            return os.open(path, _FLAGS | os.O_CREAT, 0o600)

    def note(self, fd: int, seq: int, fence: int) -> None:
        """Record which attempt is about to start, and which claims are not: for the recovery of this worker.

        Raises OSError: the attempt must not start, as an older note would be taken for its own.
        """
        ahead = " ".join(f"{seq}-{fence}" for seq, fence in self.ahead)
        note = b"%-10d %-20d %-10d\n%s\n" % (0, seq, fence, ahead.encode())
        if os.pwrite(fd, note, 0) < len(note):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)

    @staticmethod
    def note_pid(fd: int, pid: int) -> None:
        """Add the pid of the attempt's main process to the note: a hint, as the process tree can overwrite the note."""
        try:
            os.pwrite(fd, b"%-10d" % pid, 0)
        except OSError:
            pass


def attempt_locks(path: str) -> list[str]:
    """Return the lock files of a worker's attempts, the first of which is `path`. None if the directory was removed."""
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


@record
class Note:
    """What a worker recorded in a lock file when it started an attempt."""

    pid: int
    """Of the main process; 0 if the worker died while it was being started."""
    seq: int
    fence: int
    ahead: frozenset[tuple[int, int]]
    """Seq and fence of claims that it had not started yet."""


def read_note(path: str) -> Note | None:
    """Return the note of the attempt that last took the lock `path`; None if there is no valid note."""
    first, _, rest = _read(path, _NOTE).partition(b"\n")
    fields = first.split()
    if len(fields) != 3 or not all(field.isdigit() for field in fields):
        return None
    pairs = [pair.split(b"-") for pair in rest.partition(b"\n")[0].split()]
    ahead = frozenset(
        (int(pair[0]), int(pair[1])) for pair in pairs if len(pair) == 2 and all(map(bytes.isdigit, pair))
    )
    pid, seq, fence = map(int, fields)
    return Note(pid=pid, seq=seq, fence=fence, ahead=ahead)


def unstarted(notes: Sequence[Note], held: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return which of the claims that a dead worker held, by seq and fence, it had certainly not started."""
    # A note of an earlier attempt of the same batch may be left in another lock file, and lists more of them.
    lists = [note.ahead for note in notes if (note.seq, note.fence) in held or not note.ahead.isdisjoint(held)]
    if lists:
        return set(held).intersection(*lists)
    # A note is written before a start: the worker died between the claim and that.
    return set(held) if notes else set()


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
