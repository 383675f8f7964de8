"""What the store lies in: versions, modes, file system, space."""

from __future__ import annotations

import os
import platform
import stat

from queuectl import __version__
from queuectl.config import unknown_variables
from queuectl.domain.errors import MachineUnfit
from queuectl.domain.finding import Finding
from queuectl.domain.units import format_bytes
from queuectl.runtime.machine import check
from queuectl.runtime.run_dir import SUBDIRS
from queuectl.store.sqlite.mounts import filesystem_of, is_network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.operations.context import Context

_TOO_LITTLE = 64 * 1024 * 1024


def versions() -> Finding:
    """What runs here."""
    return Finding(name="versions", detail=f"queuectl {__version__} on Python {platform.python_version()}")


def machine() -> Finding:
    """Whether jobs can run here at all."""
    try:
        check()
    except MachineUnfit as error:
        return Finding(name="machine", detail=error.message, cure=error.hint or "see docs/operations.md")
    return Finding(name="machine", detail="processes can be told apart, and /bin/sh starts")


def variables() -> Iterator[Finding]:
    """Variables of the environment that look like settings, and are none."""
    for name, meant in unknown_variables():
        cure = f"rename it to {meant}, or unset it" if meant else None
        yield Finding(name="environment", detail=f"{name} is set and is no setting: it is ignored", cure=cure)


def examine(context: Context, *, fix: bool) -> Iterator[Finding]:
    """Look at the files of the store and their disk. Nothing here opens the store."""
    yield from _permissions(context, fix=fix)
    directory = os.path.dirname(context.location)
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    mode = os.stat(directory).st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        yield Finding(
            name="directory", detail=f"anybody may replace files in {directory}", cure=f"chmod o-w {directory}"
        )
    kind = filesystem_of(directory)
    yield Finding(
        name="filesystem",
        detail=f"{directory} is on {kind or 'a file system that this machine does not name'}"
        + (", and gone after a reboot" if kind == "tmpfs" else ""),
        cure="keep the store on a local disk: SQLite loses data on network file systems" if is_network(kind) else None,
    )
    space = os.statvfs(directory)
    free = space.f_bavail * space.f_frsize
    full = space.f_files > 0 and space.f_favail == 0
    yield Finding(
        name="space",
        detail=f"{format_bytes(free)} free" + (", but no more files can be made" if full else ""),
        cure="free some space: prune jobs, delete files" if free < _TOO_LITTLE or full else None,
    )


def _permissions(context: Context, *, fix: bool) -> Iterator[Finding]:
    path, root = context.location, context.run_dir.root
    wanted = dict.fromkeys((path, path + "-wal", path + "-shm"), 0o600)
    wanted |= dict.fromkeys((root, *(os.path.join(root, room) for room in SUBDIRS)), 0o700)
    well = 0
    for each, mode in wanted.items():
        try:
            status = os.lstat(each)
        except OSError:
            continue
        found = _only_ours(each, status, mode, fix=fix)
        if found is None:
            well += 1
        else:
            yield found
    if well:
        yield Finding(name="permissions", detail=f"{well} files and directories of the store are yours alone")


def _only_ours(path: str, status: os.stat_result, wanted: int, *, fix: bool) -> Finding | None:
    name = "permissions"
    if stat.S_ISLNK(status.st_mode):
        return Finding(name=name, detail=f"{path} is a symbolic link", cure="move it away")
    if status.st_uid != os.geteuid():
        return Finding(
            name=name, detail=f"{path} belongs to another user", cure="run queuectl as the user that owns it"
        )
    mode = stat.S_IMODE(status.st_mode)
    if not mode & ~wanted:
        return None
    cure = f"chmod {wanted:o} {path}"
    if fix and _changed(path, wanted):
        return Finding(name=name, detail=f"{path} had mode {mode:o}", fixed=cure)
    return Finding(name=name, detail=f"{path} has mode {mode:o}: whoever writes it runs commands as you", cure=cure)


def _changed(path: str, mode: int) -> bool:
    try:
        os.chmod(path, mode)
    except OSError:
        return False
    return True
