"""Look after the store: doctor and backup."""

from __future__ import annotations

import os
import stat

from queuectl.domain.errors import Refused, StoreError, UsageError
from queuectl.domain.finding import Finding
from queuectl.domain.quantity import format_bytes
from queuectl.domain.record import field, record
from queuectl.operations.operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from queuectl.operations.context import Context

_TOO_LITTLE = 64 * 1024 * 1024
_NAMED = 5


@record
class Doctor:
    """How thoroughly."""

    check: bool = field("also check every index and every invariant of the queue", default=False)


@record
class Backup:
    """Where to."""

    file: str = field("a file that is not there yet", metavar="FILE", positional=True)


@record
class Examined:
    """Everything that was looked at."""

    store: str
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """1 when anything needs a cure."""
        return int(any(finding.cure for finding in self.findings))

    def document(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "ok": self.exit_code == 0,
            "store": self.store,
            "checks": [
                {"name": each.name, "ok": each.cure is None, "detail": each.detail, "cure": each.cure}
                for each in self.findings
            ],
        }


@record
class Saved:
    """A copy."""

    path: str
    bytes: int

    def document(self) -> dict[str, Any]:
        """The JSON form."""
        return {"path": self.path, "bytes": self.bytes}


def doctor(context: Context, params: Doctor) -> Examined:
    """Look at the store and its surroundings."""
    return Examined(store=context.location, findings=tuple(_examine(context, params)))


def _examine(context: Context, params: Doctor) -> Iterator[Finding]:
    yield from _surroundings(context)
    if not os.path.lexists(context.location):
        yield Finding(name="store", detail=f"{context.location} is not there yet: the first command makes it")
        return
    try:
        store = context.store
        yield Finding(name="store", detail=f"{context.location} opens")
        yield from store.findings(thorough=params.check)
        for checked in store.invariants() if params.check else ():
            few = ", ".join(checked.broken[:_NAMED]) + (", …" if len(checked.broken) > _NAMED else "")
            yield Finding(
                name=checked.name,
                detail=checked.sentence + (f": broken by {len(checked.broken)} ({few})" if checked.broken else ""),
                cure="this should never happen: keep a backup of the store and report it" if checked.broken else None,
            )
    except StoreError as error:
        yield Finding(name="store", detail=error.message, cure=error.hint or "see docs/operations.md")


def _surroundings(context: Context) -> Iterator[Finding]:
    path = context.location
    directory = os.path.dirname(path)
    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    for each in (path, path + "-wal", path + "-shm"):
        yield from _only_ours(each, 0o600)
    yield from _only_ours(context.place.root, 0o700)
    mode = os.stat(directory).st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        yield Finding(
            name="directory", detail=f"anybody may replace files in {directory}", cure=f"chmod o-w {directory}"
        )
    # Loaded here: nothing else needs to know.
    from queuectl.store.mounts import filesystem_of, is_network

    kind = filesystem_of(directory)
    yield Finding(
        name="filesystem",
        detail=f"{directory} is on {kind or 'a file system that this machine does not name'}"
        + (", and gone after a reboot" if kind == "tmpfs" else ""),
        cure="keep the store on a local disk: SQLite loses data on network file systems" if is_network(kind) else None,
    )
    space = os.statvfs(directory)
    free = space.f_bavail * space.f_frsize
    yield Finding(
        name="space", detail=f"{format_bytes(free)} free", cure="free some space" if free < _TOO_LITTLE else None
    )


def _only_ours(path: str, wanted: int) -> Iterator[Finding]:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode):
        yield Finding(name="permissions", detail=f"{path} is a symbolic link", cure="move it away")
    elif status.st_uid != os.geteuid():
        yield Finding(
            name="permissions", detail=f"{path} belongs to another user", cure="run queuectl as the user that owns it"
        )
    elif stat.S_IMODE(status.st_mode) & ~wanted:
        yield Finding(
            name="permissions",
            detail=f"{path} has mode {stat.S_IMODE(status.st_mode):o}: whoever writes it runs commands as you",
            cure=f"chmod {wanted:o} {path}",
        )
    else:
        yield Finding(name="permissions", detail=f"{path} is yours alone")


def backup(context: Context, params: Backup) -> Saved:
    """Copy the store to a new file, which appears under its name only when it is complete."""
    path = os.path.abspath(os.path.expanduser(params.file))
    if os.path.lexists(path):
        raise Refused(f"{path} is there already", hint="choose another name, or move it away")
    store = context.store
    partial = f"{path}.{os.getpid()}.partial"
    try:
        os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    try:
        store.backup(partial, lambda left, pages: context.progress(pages - left, pages, "pages"))
        size = os.stat(partial).st_size
        _publish(partial, path)
    finally:
        for leftover in (partial, partial + "-journal", partial + "-wal", partial + "-shm"):
            try:
                os.unlink(leftover)
            except FileNotFoundError:
                pass
    return Saved(path=path, bytes=size)


def _publish(partial: str, path: str) -> None:
    """Give the copy its name. A link, because a rename would overwrite what came to be there meanwhile."""
    try:
        os.link(partial, path, follow_symlinks=False)
    except FileExistsError:
        raise Refused(f"{path} is there already", hint="choose another name, or move it away") from None
    except OSError:
        # A file system without links.
        os.rename(partial, path)
    directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # The name too must survive power loss.
        os.fsync(directory)
    finally:
        os.close(directory)


DOCTOR = Operation(
    name="doctor",
    summary="Check the store and its surroundings, and name the cure for each problem",
    params=Doctor,
    run=doctor,
    description="Exits with 1 when it finds a problem. It may run while workers do.",
    examples=("doctor", "doctor --check"),
)
BACKUP = Operation(
    name="backup",
    summary="Copy the store to a file while workers run",
    params=Backup,
    run=backup,
    description=(
        "The copy is one consistent state of the store, and a store itself: queuectl --db FILE list. An existing "
        "file is refused."
    ),
    examples=("backup /var/backups/queue-today.db",),
)
