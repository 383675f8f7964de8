"""Check versions, environment variables, file modes, the file system and free space."""

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

_MIN_FREE_BYTES = 64 * 1024 * 1024


def versions() -> Finding:
    """Report the versions of queuectl and Python."""
    return Finding(name="versions", detail=f"queuectl {__version__} on Python {platform.python_version()}")


def machine() -> Finding:
    """Check whether this machine can run jobs at all."""
    try:
        check()
    except MachineUnfit as error:
        return Finding(name="machine", detail=error.message, cure=error.hint or "see docs/operations.md")
    return Finding(name="machine", detail="processes can be identified, and /bin/sh starts")


def variables() -> Iterator[Finding]:
    """Report QUEUECTL_ variables of the environment that are not settings."""
    for name, meant in unknown_variables():
        cure = f"rename it to {meant}, or unset it" if meant else None
        yield Finding(name="environment", detail=f"{name} is set, but is not a setting: it is ignored", cure=cure)


def examine(context: Context, *, fix: bool) -> Iterator[Finding]:
    """Check the files of the store and their disk, without opening the store."""
    yield from _permissions(context, fix=fix)
    directory = os.path.dirname(context.location)
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    mode = os.stat(directory).st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        yield Finding(
            name="directory", detail=f"every user may replace files in {directory}", cure=f"chmod o-w {directory}"
        )
    kind = filesystem_of(directory)
    yield Finding(
        name="filesystem",
        detail=f"{directory} is on {kind or 'a file system of unknown type'}"
        + (", and lost at a reboot" if kind == "tmpfs" else ""),
        cure="keep the store on a local disk: SQLite loses data on network file systems" if is_network(kind) else None,
    )
    space = os.statvfs(directory)
    free = space.f_bavail * space.f_frsize
    full = space.f_files > 0 and space.f_favail == 0
    yield Finding(
        name="space",
        detail=f"{format_bytes(free)} free" + (", but no more files can be created" if full else ""),
        cure="free some space on this disk, or: queuectl prune --state completed --older-than 7d"
        if free < _MIN_FREE_BYTES or full
        else None,
    )


def _permissions(context: Context, *, fix: bool) -> Iterator[Finding]:
    path, root = context.location, context.run_dir.root
    modes = dict.fromkeys((path, path + "-wal", path + "-shm"), 0o600)
    modes |= dict.fromkeys((root, *(os.path.join(root, subdir) for subdir in SUBDIRS)), 0o700)
    correct = 0
    for each, mode in modes.items():
        try:
            status = os.lstat(each)
        except OSError:
            continue
        problem = _permission_problem(each, status, mode, fix=fix)
        if problem is None:
            correct += 1
        else:
            yield problem
    if correct:
        yield Finding(
            name="permissions", detail=f"{correct} files and directories of the store are accessible only to you"
        )


def _permission_problem(path: str, status: os.stat_result, wanted: int, *, fix: bool) -> Finding | None:
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
    if fix and _chmod(path, wanted):
        return Finding(name=name, detail=f"{path} had mode {mode:o}", fixed=cure)
    return Finding(
        name=name, detail=f"{path} has mode {mode:o}: users who can write it can run commands as you", cure=cure
    )


def _chmod(path: str, mode: int) -> bool:
    try:
        os.chmod(path, mode)
    except OSError:
        return False
    return True
