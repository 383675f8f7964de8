"""Who reads an SQLite database and goes on reading: the log cannot be cut off while somebody looks at an old state."""

from __future__ import annotations

import os
import time

from queuectl.runtime import system
from queuectl.store.sqlite.file_locks import file_locks

_FIRST_READ_LOCK, _LAST_READ_LOCK = 123, 127
"""Bytes of the -shm file that a reader of a WAL database locks: part of SQLite's file format."""
_LOOKS = 8
_PAUSE = 0.1


def long_readers(path: str) -> dict[int, str]:
    """The processes that read the database `path` at most of several looks, by name; none where Linux does not tell.

    Not at all of them: while others come and go the list of locks may leave out one that stays.
    """
    seen: dict[int, int] = {}
    for look in range(_LOOKS):
        if look:
            time.sleep(_PAUSE)
        for pid in _readers(path):
            seen[pid] = seen.get(pid, 0) + 1
    return {pid: _name(pid) for pid, times in sorted(seen.items()) if times >= _LOOKS / 2}


def _readers(path: str) -> set[int]:
    try:
        memory = os.stat(path + "-shm")
    except OSError:
        return set()
    found = {
        lock.pid
        for lock in file_locks()
        if lock.kind == "POSIX"
        and lock.shared
        and lock.inode == memory.st_ino
        and _FIRST_READ_LOCK <= lock.first <= _LAST_READ_LOCK
    }
    # The inode alone may be another file system's. Of another user's process the lock is all that can be seen.
    file = memory.st_dev, memory.st_ino
    return {pid for pid in found if pid != os.getpid() and system.has_open(pid, file) is not False}


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "?"
