"""Who reads an SQLite database and goes on reading: the log cannot be cut off while somebody looks at an old state."""

from __future__ import annotations

import os
import time

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
        shared = os.stat(path + "-shm")
        with open("/proc/locks", encoding="ascii", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return set()
    found = set()
    for line in lines:
        # 1: POSIX  ADVISORY  READ 28396 fe:00:2261961 124 124
        fields = line.split()
        if len(fields) != 8 or fields[1] != "POSIX" or fields[3] != "READ" or not fields[4].isdigit():
            continue
        pid, inode = int(fields[4]), fields[5].rpartition(":")[2]
        if inode == str(shared.st_ino) and _FIRST_READ_LOCK <= int(fields[6]) <= _LAST_READ_LOCK:
            found.add(pid)
    return {pid for pid in found if pid != os.getpid() and _has_open(pid, shared)}


def _has_open(pid: int, file: os.stat_result) -> bool:
    """Whether it is that very file: the number alone may be another file system's."""
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                opened = os.stat(f"/proc/{pid}/fd/{fd}")
            except OSError:
                continue
            if (opened.st_ino, opened.st_dev) == (file.st_ino, file.st_dev):
                return True
    except PermissionError:
        return True  # another user's: the lock is all that can be seen
    except OSError:
        pass
    return False


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "?"
