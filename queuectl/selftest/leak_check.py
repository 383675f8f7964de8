"""Leaks of finished attempts: processes, locks and live output that must not exist."""

from __future__ import annotations

import os
import sys

from queuectl.runtime import locks, process, tree
from queuectl.runtime.doorbell import bell_of_pool, bell_of_worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.domain.attempt import Outcome
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store


def processes_of(location: str) -> dict[int, str]:
    """Find the processes that jobs of the store at `location` have left: pid to the cookie of the attempt.

    Independent of the runtime's own search, since a check must not share the mistakes of what it checks. Only Linux
    shows the environment for certain; elsewhere only the locks, which jobs inherit as well, can be checked.
    """
    if sys.platform != "linux":
        return {}
    store = b"\0QUEUECTL_DB=" + os.fsencode(location) + b"\0"
    cookies: dict[int, str] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
                environment = b"\0" + file.read() + b"\0"
        except OSError:
            continue  # it has ended, or is another user's
        _, variable, after = environment.partition(b"\0QUEUECTL_RUN=")
        if store in environment and variable:
            cookies[int(pid)] = after.partition(b"\0")[0].decode(errors="backslashreplace")
    return cookies


def outlived(store: Store, location: str) -> dict[str, str]:
    """Find attempts of which processes live although their end is recorded: cookie to sentence.

    A worker or steward ends the processes of an attempt before it records it. The processes are listed again after the
    records were read, and no two times are compared: on a server, those of two processes differ by some milliseconds.
    """
    over = {
        cookie: outcome
        for cookie in set(processes_of(location).values())
        if (outcome := _outcome(store, cookie)) is not None
    }
    living = processes_of(location) if over else {}
    return {
        cookie: f"process {pid} outlived its attempt {cookie}, which ended as {over[cookie]}"
        for pid, cookie in living.items()
        if cookie in over
    }


def _outcome(store: Store, cookie: str) -> Outcome | None:
    """Return the recorded outcome of an attempt; None for one that is not over, or of a version with another format."""
    fields = process.read_cookie(cookie)
    if fields is None:
        return None
    worker, seq, fence, _ = fields
    attempts = (each for each in store.jobs.attempts(seq) if (each.attempt, each.worker) == (fence, worker))
    return next((each.outcome for each in attempts), None)


def end_all(location: str) -> None:
    """End processes that jobs of the store at `location` have left: none, unless there is a fault."""
    for cookie in set(processes_of(location).values()):
        tree.end_tree(cookie, ())


def left_in(run_dir: RunDir) -> Iterator[str]:
    """Yield a sentence for each file of attempts and workers in the run directory of a queue that has stopped."""
    for directory, what in (
        (run_dir.attempts, "the lock of an attempt"),
        (run_dir.live, "the live output of an attempt"),
        (run_dir.workers, "the lock of a worker"),
    ):
        for name in sorted(os.listdir(directory)):
            free = directory == run_dir.live or locks.is_free(os.path.join(directory, name))
            yield f"{what} was left: {name}" + ("" if free else ", and is still held")


def files_of_pools(run_dir: RunDir) -> Iterator[str]:
    """Yield a sentence for each file of pools of a queue that has stopped: locks, and bells of single processes."""
    for name in sorted(os.listdir(run_dir.pools)):
        yield f"the lock of a pool was left: {name}"
    for name in sorted(os.listdir(run_dir.bells)):
        if name.startswith((bell_of_worker(""), bell_of_pool(""))):
            yield f"the bell of a process was left: {name}"
