"""From a location to a store: the only place that picks a backend."""

from __future__ import annotations

import os
import sys
from functools import partial

from queuectl.config import wait_from_environment
from queuectl.domain.errors import UsageError
from queuectl.operations.context import Context
from queuectl.runtime.place import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from queuectl.domain.clock import Clock
    from queuectl.store.store import Store


def data_directory(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str:
    """Where this user's data lives, as platformdirs has it; that import would cost seven milliseconds a command."""
    return user_directory("XDG_DATA_HOME", "~/.local/share", environ, platform)


def user_directory(variable: str, default: str, environ: Mapping[str, str], platform: str) -> str:
    """Our directory below that which an XDG variable names; macOS has one for all purposes."""
    if platform == "darwin":
        return os.path.expanduser("~/Library/Application Support/queuectl")
    return os.path.join(environ.get(variable, "").strip() or os.path.expanduser(default), "queuectl")


def locate(flag: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The store: the flag, else QUEUECTL_DB, else `queue.db` in the data directory. Raises UsageError."""
    location = flag if flag is not None else environ.get("QUEUECTL_DB") or os.path.join(data_directory(), "queue.db")
    if not location or "\0" in location:
        raise UsageError("the name of the store is empty", hint="--db PATH")
    if location.startswith(("postgresql://", "postgres://")):
        raise UsageError("PostgreSQL stores are not supported yet", hint="give the path of an SQLite store")
    return os.path.realpath(os.path.expanduser(location))


def context(
    flag: str | None,
    *,
    clock: Clock | None = None,
    watched: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Context:
    """The context for the store that `flag` names, or the one this user has. Nothing is opened yet."""
    path = locate(flag)

    def elsewhere(other: str) -> Context:
        return context(other, clock=clock, watched=watched, progress=progress, say=say)

    return Context(
        partial(open_store, path),
        Place(path + ".run"),
        actor=actor(),
        location=path,
        elsewhere=elsewhere,
        watched=watched,
        clock=clock,
        progress=progress,
        say=say,
    )


def open_store(path: str, *, actor: str, durable: bool = True) -> Store:
    """Open the store at `path`. Raises StoreError."""
    # Loaded here: `--help` needs no driver.
    from queuectl.store.sqlite import SqliteDatabase
    from queuectl.store.store import Store

    return Store(SqliteDatabase(path, durable=durable, wait=wait_from_environment()), actor=actor)


def actor() -> str:
    """Who acts: `user@host`."""
    import pwd

    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        user = str(os.geteuid())
    return f"{user}@{os.uname().nodename}"
