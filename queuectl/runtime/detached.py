"""A pool that outlives the terminal it was started from."""

from __future__ import annotations

import os
import sys
import time

from queuectl.domain.errors import QueuectlError, StoreError, TimedOut
from queuectl.runtime.census import is_here, living_workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.domain.clock import Clock
    from queuectl.runtime.place import Place
    from queuectl.store.store import Store

_PATIENCE = 30.0
_PAUSE = 0.02


def start_detached(
    arguments: Sequence[str], location: str, *, size: int, store: Store, place: Place, clock: Clock
) -> tuple[str, int]:
    """Start `queuectl ARGUMENTS…` on `location` in a session of its own and wait until its workers have reported in.

    The location goes by the environment: everybody can read arguments, and it may hold a password.

    Returns the pool's id and pid. Raises QueuectlError with the last line of its log when it ends instead.
    """
    place.make()
    log = os.path.join(place.root, "pool.log")
    pid = _spawn([sys.executable, "-I", "-m", "queuectl.cli", *arguments], location, log)
    deadline = clock.monotonic() + _PATIENCE
    while clock.monotonic() < deadline:
        for pool in store.fleet.running_pools():
            if pool.pid != pid or not is_here(pool, place.pools):
                continue
            here = [seen for seen in living_workers(store, place, now=clock.now()) if seen.info.pool == pool.id]
            if len(here) >= size:
                return pool.id, pid
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            kind = StoreError if os.waitstatus_to_exitcode(status) == StoreError.exit_code else QueuectlError
            raise kind("the pool ended at once" + _last_line(log), hint=f"its log is {log}")
        time.sleep(_PAUSE)
    raise TimedOut("the workers have not reported in" + _last_line(log), hint=f"the pool's log is {log}")


def _spawn(arguments: list[str], location: str, log: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    return os.posix_spawn(
        arguments[0],
        arguments,
        os.environ | {"QUEUECTL_DB": location},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, log, flags, 0o600),
        ],
        setsid=True,
    )


def _last_line(log: str) -> str:
    try:
        with open(log, "rb") as file:
            lines = file.read()[-2000:].decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    lines = [line for line in lines if not line.startswith("hint: ")]
    return f": {lines[-1]}" if lines else ""
