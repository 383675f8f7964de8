"""File locks as Linux lists them: the holders of locks on a database or its shared memory, without opening either."""

from __future__ import annotations

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@record
class FileLock:
    """A lock that is held; waiting requests are not listed."""

    kind: str
    """`POSIX` (as SQLite's are), `FLOCK` or `OFDLCK`."""
    shared: bool
    pid: int
    inode: int
    """The listed device number is not reliable on every file system, and left out."""
    first: int
    """Offset of its first byte."""


def file_locks() -> Iterator[FileLock]:
    """Yield every lock of the machine; nothing on systems without /proc/locks, which only Linux has."""
    try:
        with open("/proc/locks", encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        # 1: POSIX  ADVISORY  READ 28396 fe:00:2261961 124 124
        fields = line.split()
        if len(fields) == 8 and fields[4].isdigit():
            inode = int(fields[5].rpartition(":")[2])
            yield FileLock(
                kind=fields[1], shared=fields[3] == "READ", pid=int(fields[4]), inode=inode, first=int(fields[6])
            )
