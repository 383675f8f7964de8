"""Start of a detached pool, which outlives the terminal that it was started from."""

from __future__ import annotations

import json
import os
import stat
import sys
import time

from queuectl.domain.errors import MachineUnfit, QueuectlError, TimedOut
from queuectl.runtime.liveness import is_here, living_workers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.domain.clock import Clock
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store

_PATIENCE = 30.0
_PAUSE = 0.02
_DOCUMENT = 65_536
"""Capacity of a pipe in bytes: an error's document is smaller."""
_MOVE = "move it away: queuectl makes its own"


def start_detached(
    arguments: Sequence[str], location: str, *, size: int, store: Store, run_dir: RunDir, clock: Clock
) -> tuple[str, int]:
    """Start `queuectl ARGUMENTS…` on `location` in a session of its own and wait until its workers have reported in.

    The location is passed in the environment, since every user can read arguments and it may contain a password.

    Returns the pool's id and pid.

    Raises:
        QueuectlError: the pool ended instead; the error has the last line of its log, and its code and exit code.
        TimedOut: the workers have not reported in.
    """
    run_dir.make()
    log = os.path.join(run_dir.root, "pool.log")
    reader, writer = os.pipe()
    try:
        pid = _spawn([sys.executable, "-I", "-m", "queuectl.cli", *arguments, "--json"], location, log, writer)
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    try:
        pool = _wait_for_pool(pid, reader, log, size=size, store=store, run_dir=run_dir, clock=clock)
    finally:
        os.close(reader)
    return pool, pid


def _wait_for_pool(pid: int, reader: int, log: str, *, size: int, store: Store, run_dir: RunDir, clock: Clock) -> str:
    deadline = clock.monotonic() + _PATIENCE
    while clock.monotonic() < deadline:
        for pool in store.workers.running_pools():
            if pool.pid != pid or not is_here(pool, run_dir.pools):
                continue
            here = [seen for seen in living_workers(store, run_dir, now=clock.now()) if seen.info.pool == pool.id]
            if len(here) >= size:
                return pool.id
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            raise _ended(os.waitstatus_to_exitcode(status), reader, log)
        time.sleep(_PAUSE)
    raise TimedOut(
        f"not all workers have started within {_PATIENCE:.0f} s{_last_line(log)}",
        hint=f"the pool is left running: queuectl worker list shows it; its log is {log}",
    )


def _ended(exit_code: int, reader: int, log: str) -> QueuectlError:
    """Build the error of a pool that ended at its start, from its log and from the JSON document that it printed."""
    error = QueuectlError("the pool ended at once" + _last_line(log), hint=f"its log is {log}")
    os.set_blocking(reader, False)  # other processes of the pool may still live
    try:
        error.code = str(json.loads(os.read(reader, _DOCUMENT))["error"]["code"])  # type: ignore[assignment]  # one of the same program
        error.exit_code = exit_code
    except (OSError, ValueError, LookupError, TypeError):
        pass  # it was killed, or ended without an error
    return error


def _spawn(arguments: list[str], location: str, log: str, writer: int) -> int:
    output = _open_log(log)
    try:
        return os.posix_spawn(
            arguments[0],
            arguments,
            os.environ | {"QUEUECTL_DB": location},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, writer, 1),
                (os.POSIX_SPAWN_DUP2, output, 2),
            ],
            setsid=True,
        )
    except OSError as error:
        raise MachineUnfit(f"{arguments[0]} cannot be started: {error.strerror}") from None
    finally:
        os.close(output)


def _open_log(log: str) -> int:
    """Open the log to append to it. Raises MachineUnfit if it cannot be written, or is not a regular file."""
    try:
        # Non-blocking, so as not to wait for the reader of a named pipe.
        opened = os.open(
            log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600
        )
    except OSError as error:
        raise _unusable(log, error.strerror) from None
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise _unusable(log, None)
    os.set_blocking(opened, True)
    return opened


def _unusable(log: str, why: str | None) -> MachineUnfit:
    if os.path.islink(log):
        return MachineUnfit(f"the pool's log {log} is a symbolic link", hint=_MOVE)
    if why is None or (os.path.exists(log) and not os.path.isfile(log)):
        return MachineUnfit(f"the pool's log {log} is not a regular file", hint=_MOVE)
    return MachineUnfit(f"the pool's log {log} cannot be written: {why}")


def _last_line(log: str) -> str:
    """Return the last line of the log: the error, and not the hint that follows it."""
    try:
        with open(log, "rb") as file:
            lines = file.read()[-2000:].decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    while len(lines) > 1 and lines[-1].startswith("hint: "):
        del lines[-1]
    return f": {lines[-1].removeprefix('error: ')}" if lines else ""
