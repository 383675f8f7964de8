"""Long-running readers of an SQLite database: a read transaction on an old state keeps the log from being truncated."""

from __future__ import annotations

import os
import time

from queuectl.runtime import system
from queuectl.store.sqlite.file_locks import file_locks

_FIRST_READ_LOCK, _LAST_READ_LOCK = 123, 127
"""Bytes of the -shm file that a reader of a WAL database locks: part of SQLite's file format."""
_SAMPLES = 8
_PAUSE = 0.1


def long_readers(path: str) -> dict[int, str]:
    """Return the processes that read the database `path` in most of several samples: pid to name.

    Empty where Linux does not list locks. Most and not all samples, since the list of locks may leave out a lock that
    stays while others come and go.
    """
    seen: dict[int, int] = {}
    for sample in range(_SAMPLES):
        if sample:
            time.sleep(_PAUSE)
        for pid in _readers(path):
            seen[pid] = seen.get(pid, 0) + 1
    return {pid: _name(pid) for pid, times in sorted(seen.items()) if times >= _SAMPLES / 2}


def _readers(path: str) -> set[int]:
    try:
        memory = os.stat(path + "-shm")
    except OSError:
        return set()
    lockers = {
        lock.pid
        for lock in file_locks()
        if lock.kind == "POSIX"
        and lock.shared
        and lock.inode == memory.st_ino
        and _FIRST_READ_LOCK <= lock.first <= _LAST_READ_LOCK
    }
    # The inode alone may belong to another file system. Of another user's process only the lock can be seen.
    file = memory.st_dev, memory.st_ino
    return {pid for pid in lockers if pid != os.getpid() and system.has_open(pid, file) is not False}


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "?"
