"""Copy the store while other processes use it."""

from __future__ import annotations

import os
import signal
import threading

from queuectl.domain.errors import NotFound, Refused, UsageError
from queuectl.domain.record import field, record
from queuectl.domain.text import has_control, safe
from queuectl.operations.document import Document
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.domain.json_types import Bytes
    from queuectl.operations.context import Context


@record
class Backup:
    """Parameters of `backup`."""

    file: str = field("the file to create; it must not exist", metavar="FILE", completes="files", positional=True)


@record
class Saved(Document):
    """A complete copy of a store."""

    path: str
    """Its absolute path."""
    size_bytes: Bytes
    """Its size."""


def backup(context: Context, params: Backup) -> Saved:
    """Copy the store to a new file, which appears under its name only when it is complete."""
    if has_control(params.file):
        raise UsageError(f"FILE must not contain control characters: {safe(params.file)}")
    try:
        path = os.path.abspath(os.path.expanduser(params.file))
    except OSError as error:  # the current directory is gone
        raise UsageError(f"{params.file} cannot be written: {error.strerror}") from None
    if os.path.lexists(path):
        raise Refused(f"{path} already exists", hint="choose another name, or move that file away")
    store = context.store
    if store.absent:
        raise NotFound("there is no store to copy", hint="name the store with --db or QUEUECTL_DB")
    partial = f"{path}.{os.getpid()}.partial"
    previous_handlers = _remove_on_signal(partial)
    try:
        try:
            os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None
        try:
            store.backup(partial, lambda remaining, pages: context.progress(pages - remaining, pages, "pages"))
            size = os.stat(partial).st_size
            _publish(partial, path)
        finally:
            _remove(partial)
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
    return Saved(path=path, size_bytes=size)


def _remove_on_signal(partial: str) -> dict[int, Any]:
    """Remove the incomplete copy when a signal ends this process, at any moment. Return the previous handlers."""
    if threading.current_thread() is not threading.main_thread():
        return {}  # the console's writer: its main thread handles the signals

    def end(number: int, _frame: object) -> None:
        # Not by the exception alone, which may be raised just before a `try`, or in the middle of a `finally`.
        _remove(partial)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    usual = {signal.SIG_DFL, signal.default_int_handler}
    handled = [number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) in usual]
    return {number: signal.signal(number, end) for number in handled}


def _remove(partial: str) -> None:
    for leftover in (partial, partial + "-journal", partial + "-wal", partial + "-shm"):
        try:
            os.unlink(leftover)
        except FileNotFoundError:
            pass


def _publish(partial: str, path: str) -> None:
    """Give the copy its name, by a link: a rename would overwrite a file that was created there meanwhile."""
    try:
        os.link(partial, path, follow_symlinks=False)
    except FileExistsError:
        raise Refused(f"{path} already exists", hint="choose another name, or move that file away") from None
    except OSError:
        # A file system without links.
        os.rename(partial, path)
    directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # The directory entry too must survive power loss.
        os.fsync(directory)
    finally:
        os.close(directory)


BACKUP = Operation(
    name="backup",
    heading=Heading.CARE,
    see=("migrate",),
    blocking=True,
    summary="Copy the store to a file while workers run",
    params=Backup,
    run=backup,
    description=(
        "The copy is one consistent state of the store, and a store itself: queuectl --db FILE list. It holds the "
        "values of variables that jobs were enqueued with, so keep it as private as the store. An existing file is not "
        "overwritten."
    ),
    examples=("backup /var/backups/queue-today.db",),
)
