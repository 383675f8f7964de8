"""The size of the write-ahead log: when it is truncated, and how."""

from __future__ import annotations

import os
import time

import apsw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CHECKPOINT_PAGES = 2000
"""Pages of the log at which a worker checkpoints: two fsyncs, whatever the size."""
LIMIT = 10 * 1024 * 1024
"""Bytes; above the size that the log reaches between two checkpoints: truncating and growing it again has a cost."""
_LONG, _SHORT, _PAGES_OF_A_COMMIT = 1000, 64, 12


def size(path: str) -> int:
    """Return the bytes of the write-ahead log of the store at `path`; 0 without one, as on a server."""
    try:
        return os.stat(path + "-wal").st_size
    except OSError:
        return 0


def is_due(pages: int) -> bool:
    """Return whether the short-lived process whose commit has made the log `pages` long truncates it.

    Otherwise the log would grow without limit while no worker runs: only the process that has checkpointed knows how
    far, so the next one appends again. And the first process to open an idle store reads the whole log, 6 ms for a
    thousand pages. So the process that crosses a multiple of 64 pages truncates it. Not every process beyond 64 pages:
    while workers read the log, an enqueue would spend a millisecond in vain.
    """
    return pages >= _LONG or (pages >= _SHORT and pages % _SHORT < _PAGES_OF_A_COMMIT)


def switch_to(connection: apsw.Connection, wait: float, pause: Callable[[int], None]) -> None:
    """Put the database into WAL mode, and read it so that its log and shared memory are created.

    SQLite upgrades a read lock for this, and calls no busy handler there: wait up to `wait` seconds in pauses, the
    number of which is passed to `pause`. Raises apsw.BusyError.
    """
    deadline, tries = time.monotonic() + wait, 0
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL; PRAGMA user_version").fetchall()
        except apsw.BusyError:
            if time.monotonic() >= deadline:
                raise
            pause(tries)
            tries += 1
        else:
            return


def truncate(connection: apsw.Connection, busy: Callable[[int], bool]) -> None:
    """Checkpoint and truncate the log, unless another process uses it now; `busy` is the connection's busy handler."""
    connection.set_busy_handler(None)
    try:
        connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.Error:
        pass  # another process is reading the log, or the disk is full: each commit is valid all the same
    finally:
        connection.set_busy_handler(busy)
