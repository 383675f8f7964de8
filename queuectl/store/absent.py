"""A store that does not exist yet: reads find it empty, and it is distinguished from one that cannot be used."""

from __future__ import annotations

import os
import stat

import apsw

from queuectl.domain.errors import StoreUnreadable
from queuectl.store.sqlite.database import SqliteDatabase
from queuectl.store.sqlite.files import Files


class AbsentDatabase(SqliteDatabase):
    """An empty store in memory, in place of a file that a read must not create."""

    def __init__(self, path: str) -> None:
        """Stand in for the store at `path`: a file, or the address of a server without its password."""
        super().__init__(path)

    def _connect(self) -> apsw.Connection:
        return apsw.Connection(":memory:")

    def _find_files(self) -> Files:
        return _NoFiles(self.path)


class _NoFiles(Files):
    """No files: nothing can disappear from disk, and there is no log to fold in."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.identity = (0, 0)

    def are_there(self) -> bool:
        return True

    def log_is_newer(self, *, strictly: bool) -> bool:
        del strictly
        return False


def is_absent(path: str, *, own: str) -> bool:
    """Return whether there is no store at `path` yet.

    Raises StoreUnreadable where its directory is missing, unless that is `own`, the user's data directory: the first
    write creates that one, while any other missing directory was probably mistyped.
    """
    try:
        status = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        pass
    except (OSError, ValueError):
        return False  # opening it raises the error with the reason
    else:
        # Next to a log or a run directory, an empty file is a lost store, not a new one.
        lost = any(os.path.lexists(path + part) for part in ("-wal", ".run"))
        return stat.S_ISREG(status.st_mode) and not status.st_size and not lost
    directory = os.path.dirname(path)
    if directory != own and not os.path.isdir(directory):
        raise StoreUnreadable(
            f"the store {path} cannot be used: the directory {directory} does not exist", hint=_hint(path)
        )
    return True


def _hint(path: str) -> str:
    if "$" in path or '"' in path or "'" in path:
        return "the path holds a quote or a $ that no shell has replaced: check --db and QUEUECTL_DB"
    return "create the directory, or name another file with --db or QUEUECTL_DB"
