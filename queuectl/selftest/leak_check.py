"""What must not be left of finished attempts: processes, locks, live output."""

from __future__ import annotations

import os
import sys

from queuectl.runtime import locks, process, tree
from queuectl.runtime.doorbell import bell_of_pool, bell_of_worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store


def processes_of(location: str) -> dict[int, str]:
    """Find the processes that a job of the store at `location` has left, each with the mark of its attempt.

    A look of its own at the table of processes: what proves the engine must not share its mistakes. Only Linux shows
    the environment for certain; elsewhere the locks must do, which jobs inherit as well.
    """
    if sys.platform != "linux":
        return {}
    ours = b"\0QUEUECTL_DB=" + os.fsencode(location) + b"\0"
    found: dict[int, str] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
                environment = b"\0" + file.read() + b"\0"
        except OSError:
            continue  # it has gone, or is somebody else's
        _, mark, after = environment.partition(b"\0QUEUECTL_RUN=")
        if ours in environment and mark:
            found[int(pid)] = after.partition(b"\0")[0].decode(errors="backslashreplace")
    return found


def outlived(store: Store, location: str, *, now: int) -> dict[str, str]:
    """Find the attempts of which something lives although they had been recorded as finished before `now`.

    `now` must be read before: whoever records an attempt has ended its processes by then. A sentence for each mark.
    """
    found = {}
    for pid, mark in processes_of(location).items():
        cookie = process.read_cookie(mark)
        if cookie is None:
            continue  # of a version that made them otherwise
        _, seq, fence, _ = cookie
        for attempt in store.jobs.attempts(seq):
            if attempt.attempt == fence and attempt.ended_at is not None and attempt.ended_at < now:
                found[mark] = f"process {pid} outlived its attempt {mark}, which ended as {attempt.outcome}"
    return found


def end_all(location: str) -> None:
    """End what jobs of the store at `location` have left: nothing, unless something is wrong."""
    for mark in set(processes_of(location).values()):
        tree.end_tree(mark, ())


def left_in(run_dir: RunDir) -> Iterator[str]:
    """Name what is left in the directory of a queue that has stopped: a sentence for each."""
    for room, what in (
        (run_dir.attempts, "the lock of an attempt"),
        (run_dir.live, "the live output of an attempt"),
        (run_dir.workers, "the lock of a worker"),
    ):
        for name in sorted(os.listdir(room)):
            held = "" if room == run_dir.live or locks.is_free(os.path.join(room, name)) else ", and somebody holds it"
            yield f"{what} was left: {name}{held}"


def files_of_pools(run_dir: RunDir) -> Iterator[str]:
    """Name what is left of the pools of a queue that has stopped: locks, and bells that call one process."""
    for name in sorted(os.listdir(run_dir.pools)):
        yield f"the lock of a pool was left: {name}"
    for name in sorted(os.listdir(run_dir.bells)):
        if name.startswith((bell_of_worker(""), bell_of_pool(""))):
            yield f"the bell of a process was left: {name}"
