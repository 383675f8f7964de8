"""Translation of SQLite's errors to store errors."""

from __future__ import annotations

import apsw

from queuectl.domain.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreGone, StoreUnreadable
from queuectl.store.database import Duplicate


def to_store_error(error: apsw.Error | UnicodeDecodeError, path: str) -> Exception:
    """Return the store error for an error of the driver."""
    text = str(error)
    extended = getattr(error, "extendedresult", 0)
    if isinstance(error, apsw.ConstraintError) and extended in {
        apsw.SQLITE_CONSTRAINT_UNIQUE,
        apsw.SQLITE_CONSTRAINT_PRIMARYKEY,
    }:
        return Duplicate(text)
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return StoreBusy(
            f"the store {path} is locked by another process",
            hint="try again; QUEUECTL_BUSY_TIMEOUT sets how long to wait",
        )
    if isinstance(error, apsw.FullError):
        return StoreFull(f"no space left for the store {path}", hint="free some space: nothing was lost")
    if isinstance(error, apsw.ConnectionClosedError):
        return StoreGone(f"the store {path} has been closed, as it was moved, deleted or replaced while it was in use")
    if isinstance(error, apsw.NotADBError):
        return StoreDamaged(f"{path} is not a queuectl store", hint="name another file with --db or QUEUECTL_DB")
    if isinstance(error, apsw.ConstraintError) and extended in {
        apsw.SQLITE_CONSTRAINT_TRIGGER,
        apsw.SQLITE_CONSTRAINT_CHECK,
    }:
        # Statements change only rows that they may change: this row differs from its index, or no version wrote it.
        return StoreDamaged(
            f"the store {path} is damaged: {text}",
            hint="queuectl doctor --check finds out more; restore it from a backup",
        )
    if isinstance(error, apsw.CorruptError | UnicodeDecodeError):
        return StoreDamaged(f"the store {path} is damaged: {text}", hint="restore it from a backup")
    if isinstance(error, apsw.IOError) and extended in {
        apsw.SQLITE_IOERR_SHMSIZE,
        apsw.SQLITE_IOERR_WRITE,
        apsw.SQLITE_IOERR_SHMMAP,
    }:
        return StoreFull(
            f"the store {path} cannot be written: {text}", hint="check the space and the health of its disk"
        )
    if isinstance(
        error, apsw.ReadOnlyError | apsw.CantOpenError | apsw.PermissionsError | apsw.IOError | apsw.AuthError
    ):
        return StoreUnreadable(
            f"the store {path} cannot be used: {text}", hint="check that you may write the file and its directory"
        )
    return StoreError(f"the store {path} failed: {text}")
