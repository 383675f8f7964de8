"""File systems of stores. SQLite's write-ahead log needs memory shared by all processes: impossible over a network."""

from __future__ import annotations

import os

from queuectl.domain.errors import StoreUnreadable

_NETWORK = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "drvfs",
        "fuse.sshfs",
        "virtiofs",
        "ceph",
        "glusterfs",
        "fuse.glusterfs",
    }
)


def filesystem_of(path: str) -> str | None:
    """Return the type of the file system that holds `path`; None where it is unknown (outside Linux)."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    real = os.path.realpath(path)
    best, kind = "", None
    for line in lines:
        mount, _, source = line.partition(" - ")
        place = mount.split(" ")[4].encode("utf-8", "surrogateescape").decode("unicode_escape")
        inside = real == place or real.startswith(place.rstrip("/") + "/")
        # Of two mounts on one directory, the later hides the earlier.
        if inside and len(place) >= len(best):
            best, kind = place, source.split(" ")[0]
    return kind


def is_network(kind: str | None) -> bool:
    """Return whether file systems of this type are on another machine."""
    return kind in _NETWORK


def refuse_network_filesystem(path: str) -> None:
    """Raise StoreUnreadable when `path` is on a network mount."""
    kind = filesystem_of(path)
    if is_network(kind):
        raise StoreUnreadable(
            f"the store {path} is on a network file system ({kind}), where SQLite loses data",
            hint="keep it on a local disk, or use a PostgreSQL server for several machines",
        )
