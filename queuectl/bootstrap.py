"""Opening of stores by location: the only module that picks a backend."""

from __future__ import annotations

import os
import sys
from functools import partial

from queuectl.config import wait_from_environment
from queuectl.domain.errors import StoreUnreadable, UsageError
from queuectl.domain.text import has_control, is_unicode, safe
from queuectl.operations.context import Context
from queuectl.runtime.run_dir import RunDir
from queuectl.store.location import is_url, mistaken_scheme

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from queuectl.domain.clock import Clock
    from queuectl.store.store import Store


def data_directory(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str:
    """Return where this user's data lives, as platformdirs does; importing that costs seven milliseconds a command."""
    return user_directory("XDG_DATA_HOME", "~/.local/share", environ, platform)


def user_directory(variable: str, default: str, environ: Mapping[str, str], platform: str) -> str:
    """Return queuectl's directory below the one that an XDG variable names; macOS has one for all purposes.

    A relative path is ignored, as the XDG specification demands: it would name a different directory in each directory.
    """
    if platform == "darwin":
        return os.path.expanduser("~/Library/Application Support/queuectl")
    named = environ.get(variable, "").strip()
    return os.path.join(named if os.path.isabs(named) else os.path.expanduser(default), "queuectl")


def locate(flag: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """Return the store of `flag`, else of QUEUECTL_DB, else `queue.db` in the data directory.

    It is the path of a file, or the URL of a server, which may hold a password.

    Raises:
        UsageError: the name or URL cannot be that of a store
        StoreUnreadable: the directory of the file cannot be used
    """
    location = flag if flag is not None else environ.get("QUEUECTL_DB") or os.path.join(data_directory(), "queue.db")
    if not location or "\0" in location:
        raise UsageError("the name of the store is empty", hint="--db PATH")
    scheme = mistaken_scheme(location)
    if scheme is not None:
        raise UsageError(
            f"a store cannot be named '{safe(scheme[:40])}:…'",
            hint="give the path of a file, or postgresql://USER@HOST/DATABASE",
        )
    if not is_unicode(location):
        raise UsageError("the name of the store is not valid Unicode text")
    if has_control(location):
        # Usually the carriage return of a file with Windows line ends.
        suffix = "" if "://" in location else f": {safe(location)}"
        raise UsageError(
            f"the name of the store must not contain control characters{suffix}", hint="check --db and QUEUECTL_DB"
        )
    if is_url(location):
        return location
    try:
        return os.path.realpath(os.path.expanduser(location))
    except OSError:
        raise StoreUnreadable(
            f"the store {safe(location)} cannot be found: the current directory is gone",
            hint="give its absolute path with --db or QUEUECTL_DB",
        ) from None


def run_dir_of(location: str, environ: Mapping[str, str] = os.environ) -> RunDir:
    """Return the directory of this host's locks and doorbells: beside a file, in the data directory for a server."""
    if not is_url(location):
        return RunDir(location + ".run")
    # Imported here, as are drivers: a file needs neither.
    from queuectl.store.postgres.url import name_of, shown

    return RunDir(os.path.join(data_directory(environ), f"{name_of(shown(location))}.run"))


def context(
    flag: str | None,
    *,
    clock: Clock | None = None,
    watched: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
    say: Callable[[str], None] | None = None,
    note: Callable[[str], None] | None = None,
    on_absent: Callable[[str], None] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Context:
    """Return the context for the store that `flag` names, or for this user's default store. Nothing is opened yet.

    With `on_absent` a store that does not exist is not created: `on_absent` is called with one line that reports it,
    and the store is empty.
    """
    location = locate(flag, environ)
    seen = location
    if is_url(location):
        from queuectl.store.postgres.url import shown

        seen = shown(location)
    elif say is not None and on_absent is None and _looks_unexpanded(location) and not _has_contents(location):
        say(f"the new store is called {os.path.basename(location)}: no shell has removed its quotes or replaced its $")

    def elsewhere(other: str) -> Context:
        return context(other, clock=clock, watched=watched, progress=progress, say=say, environ=environ)

    return Context(
        partial(open_store, location, make=on_absent is None),
        run_dir_of(location, environ),
        actor=actor(),
        location=seen,
        given=location,
        elsewhere=elsewhere,
        watched=watched,
        clock=clock,
        progress=progress,
        say=say,
        note=note,
        on_absent=on_absent,
    )


def open_store(path: str, *, actor: str, durable: bool = True, as_is: bool = False, make: bool = True) -> Store:
    """Open the store at `path`, which may be a URL. Raises StoreError, and UsageError without a driver for it.

    `as_is`: open for inspection only. The store is neither created nor migrated, and locks are not waited for. Without
    `make` a store that does not exist is not created: an empty one in memory takes its place.
    """
    # Imported here: `--help` needs no driver.
    from queuectl.store.store import Store

    wait = 0.0 if as_is else wait_from_environment()
    if is_url(path):
        from queuectl.store.database import Absent
        from queuectl.store.postgres.database import PostgresDatabase

        try:
            return Store(PostgresDatabase(path, wait=wait, as_is=as_is, make=make), actor=actor)
        except Absent:
            return _absent(path, actor)
    if not as_is and not _has_contents(path):
        # Imported here: needed only before a store exists, and for a mistyped name.
        from queuectl.store.absent import is_absent

        if is_absent(path, own=os.path.realpath(data_directory())) and not make:
            return _absent(path, actor)
    from queuectl.store.sqlite.database import SqliteDatabase

    database = SqliteDatabase(path, durable=durable, wait=wait, as_is=as_is, was_used=run_dir_of(path).was_used)
    return Store(database, actor=actor)


def _looks_unexpanded(path: str) -> bool:
    """Return whether the file's name has characters that a shell should have removed, in an existing directory."""
    directory, name = os.path.split(path)
    return ("$" in name or name[:1] in {'"', "'"} or name[-1:] in {'"', "'"}) and os.path.isdir(directory)


def _has_contents(path: str) -> bool:
    try:
        return os.stat(path, follow_symlinks=False).st_size > 0
    except (OSError, ValueError):
        return False


def _absent(path: str, actor: str) -> Store:
    from queuectl.store.absent import AbsentDatabase
    from queuectl.store.store import Store

    store = Store(AbsentDatabase(path), actor=actor)
    store.absent = True
    return store


def actor() -> str:
    """Return who acts, as `user@host`."""
    import pwd

    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    return f"{user}@{os.uname().nodename}"
