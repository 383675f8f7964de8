"""The files of an SQLite store, by name and inode: created once, and checked for removal or replacement.

A database may have only one name, as SQLite derives the name of the log from it: with two names (a hard link, a bind
mount of the file) there would be two logs for one file, and their writers would damage it.

This module never opens the database, its -wal or its -shm: closing one of them would drop SQLite's POSIX locks.
"""

from __future__ import annotations

import os
import stat
import time

from queuectl.domain.errors import StoreGone, StoreUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = ("", "-wal", "-shm")
_PAUSE = 0.02


class Files:
    """The database, its -wal and its -shm, as a connection found them.

    A process that keeps using deleted files writes data that no other process will read. A process that opens new files
    under these names shares memory, but no log, with processes that have not noticed the replacement.
    """

    def __init__(self, path: str) -> None:
        """Record the identities of the files at `path`. Raises StoreGone without a database."""
        self._path = path
        self._known = [(path + part, _identity(path + part)) for part in PARTS]
        database = self._known[0][1]
        if database is None:
            raise gone(path)
        self.identity = database
        """Device and inode of the database."""

    def are_there(self) -> bool:
        """Return whether the names still lead to the same files: three lstat calls, 5 µs. Raises StoreUnreadable."""
        for name, known in self._known:
            status = _status(name)
            if status is None or (status.st_dev, status.st_ino) != known:
                return False
            if status.st_nlink > 1:
                raise _many_names(name, status.st_nlink)
        return True

    @property
    def complete(self) -> bool:
        """Whether log and shared memory are there, as for each database in WAL mode that a connection has read."""
        return all(identity is not None for _, identity in self._known)

    def log_is_newer(self, *, strictly: bool) -> bool:
        """Return whether the log may be newer than the database. `strictly`: not if both have the same timestamp.

        Raises StoreUnreadable.
        """
        if not self.are_there():
            return False
        database, log = _status(self._path), _status(self._path + PARTS[1])
        if database is None or log is None or not log.st_size:
            return False
        return not strictly or log.st_mtime_ns > database.st_mtime_ns

    def can_be_saved(self) -> bool:
        """Return whether the log was deleted, its database is still there, and no new log has been created."""
        (database, known), (log, _), _ = self._known
        return _identity(database) == known and _identity(log) is None

    def withdraw(self) -> None:
        """Move aside the log of a database that was replaced by another one.

        SQLite would apply the old log to the new database.
        """
        (database, known), *rest = self._known
        with _DirectoryLock(os.path.dirname(self._path)):
            if _identity(database) in {None, known}:
                return
            for name, identity in rest:
                if identity is not None and _identity(name) == identity:
                    _move_aside(name)

    def gone(self) -> StoreGone:
        """Return the error for this store's loss."""
        return gone(self._path)


def gone(path: str, consequence: str = "") -> StoreGone:
    """Return the error for a store that was deleted or replaced; `consequence` is appended to the message."""
    return StoreGone(
        f"the store {path} has been deleted or replaced while it was in use{consequence}",
        hint="put the store back or restore it, then start the workers again; stop every worker before moving a store",
    )


def make_file(path: str, *, as_is: bool = False, was_used: Callable[[], bool] = lambda: False) -> None:
    """Make sure that `path` is a regular file of this user; create it 0600 if missing, unless `as_is`; never open it.

    An empty file may become a store, unless a log beside it, or `was_used`, shows that it was one before.
    """
    try:
        status = os.stat(path, follow_symlinks=False)
    except FileNotFoundError as error:
        if as_is:
            raise _unusable(path, error) from None
        _create(path)
        return
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from None
    if not stat.S_ISREG(status.st_mode):
        raise StoreUnreadable(f"the store {path} is not a file", hint="name a file with --db or QUEUECTL_DB")
    if os.geteuid() == 0 and status.st_uid != 0:
        raise StoreUnreadable(
            f"the store {path} belongs to another user, and root must not run that user's commands",
            hint="run queuectl as the user that owns it",
        )
    _refuse_other_names(path, status)
    if status.st_size == 1:
        # SQLite treats a file of one byte as empty.
        raise StoreUnreadable(f"{path} is not a queuectl store", hint="name another file with --db or QUEUECTL_DB")
    # The size is read again: another process may be creating the store right now.
    if not status.st_size and (_status(path + PARTS[1]) or was_used()) and not os.path.getsize(path):
        raise StoreUnreadable(
            f"the store {path} has lost its contents: the file is empty, but the files beside it belong to a store",
            hint="restore it from a backup; to begin anew, remove it with its -wal, -shm and .run",
        )


def _refuse_other_names(path: str, status: os.stat_result) -> None:
    if status.st_nlink > 1:
        raise _many_names(path, status.st_nlink)
    if _is_mount_point(path):
        raise StoreUnreadable(
            f"the store {path} is a mount point: under its other name the file would get a second log, and be damaged",
            hint="mount the directory that holds the store, not the file alone",
        )
    for part in PARTS[1:]:
        beside = _status(path + part)
        if beside is None:
            continue
        if not stat.S_ISREG(beside.st_mode):
            raise StoreUnreadable(f"{path + part} is not a file", hint="move it away")
        if beside.st_nlink > 1:
            raise _many_names(path + part, beside.st_nlink)


def _many_names(path: str, names: int) -> StoreUnreadable:
    return StoreUnreadable(
        f"the store {path} has {names} names (hard links): each would get a log of its own, and the file be damaged",
        hint=f"remove the other names, which find / -xdev -samefile {path} lists",
    )


def _is_mount_point(path: str) -> bool:
    """Return whether another file system, or a file bound from elsewhere, is mounted on `path`.

    Device and inode do not reveal a file that is bound within its file system. The mount id of a descriptor does:
    60 µs, a third of the time to read the table of mounts, and independent of the number of mounts.
    """
    if not hasattr(os, "O_PATH"):
        return False
    return _mount_of(path) != _mount_of(os.path.dirname(path))


def _mount_of(path: str) -> bytes | None:
    try:
        # O_PATH does not open the file, so that closing the descriptor drops no locks.
        fd = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with open(f"/proc/self/fdinfo/{fd}", "rb", buffering=0) as info:
                return info.read(512).partition(b"mnt_id:")[2].partition(b"\n")[0]
        finally:
            os.close(fd)
    except OSError:
        return None  # gone, or without /proc


def wait_for_leavers(path: str, wait: float) -> None:
    """Wait before creating a -wal or -shm while a deleted one is in use. Raises StoreGone after `wait` seconds.

    Workers notice within a second, save the contents of the old log, and exit.
    """
    deadline = time.monotonic() + wait
    while users := _users_of_the_deleted(path):
        if time.monotonic() >= deadline:
            raise StoreGone(
                f"the log of the store {path} has been deleted while it was in use, by process "
                + ", ".join(map(str, sorted(users))),
                hint="end that process",
            )
        time.sleep(_PAUSE)


def _users_of_the_deleted(path: str) -> set[int]:
    if all(_identity(path + part) for part in PARTS):
        return set()
    try:
        status = os.stat(path)
    except OSError:
        return set()
    if not status.st_size:
        return set()  # another process is creating the store
    # Imported here: few stores ever lose their log.
    from queuectl.store.sqlite.file_locks import file_locks

    # Every process that has the store open holds a lock on the database.
    return {lock.pid for lock in file_locks() if lock.inode == status.st_ino}


def _create(path: str) -> None:
    directory = os.path.dirname(path)
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        with _DirectoryLock(directory):
            if _identity(path) is None:
                for part in PARTS[1:]:
                    _move_aside(path + part)
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        pass  # another process was faster
    except OSError as error:
        raise _unusable(path, error) from None


class _DirectoryLock:
    """An exclusive lock on a directory: a second process must not move aside what the first has created."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def __enter__(self) -> None:
        import fcntl

        self._lock = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)


def _move_aside(name: str) -> None:
    """Remove a file of a store that is gone; a log that is not empty is renamed, as it may hold the last jobs."""
    try:
        if name.endswith("-wal") and os.stat(name).st_size:
            os.replace(name, name + ".old")
        else:
            os.unlink(name)
    except FileNotFoundError:
        pass


def _identity(name: str) -> tuple[int, int] | None:
    status = _status(name)
    return None if status is None else (status.st_dev, status.st_ino)


def _status(name: str) -> os.stat_result | None:
    try:
        return os.lstat(name)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unusable(name, error) from None


def _unusable(path: str, error: OSError | ValueError) -> StoreUnreadable:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return StoreUnreadable(
        f"the store {path} cannot be used: {reason}", hint="name another file with --db or QUEUECTL_DB"
    )
