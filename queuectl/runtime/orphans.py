"""Processes that outlive their attempt: its result is recorded, or its job is gone, and they still run.

This happens to processes that could not be ended at the time: one in an uninterruptible wait, one of another user, one
whose supervisor was killed while ending it. No job runs twice because of it, since a cookie names one claim of one job.
"""

from __future__ import annotations

import os

from queuectl.domain.record import record
from queuectl.runtime import locks, process, system, tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store


@record
class Orphans:
    """Processes and locks left of one attempt that is over."""

    cookie: str
    pids: tuple[int, ...]
    """Empty where a lock is held and the system does not show by which process."""
    locks: tuple[str, ...]
    """Paths of the attempt locks that they hold."""


def orphans(store: Store, run_dir: RunDir) -> list[Orphans]:
    """Return what still runs of attempts of this store that are over."""
    running = {worker.id for worker in store.workers.running_workers()}
    pids: dict[str, set[int]] = {}
    held: dict[str, list[str]] = {}
    for pid, (_, cookie) in system.cookies().items():
        pids.setdefault(cookie, set()).add(pid)
    for path in _attempt_files(run_dir):
        worker = os.path.basename(path).partition(".")[0]
        note = locks.read_note(path)
        # Until a worker is written off, its attempts are up to the reaper.
        if worker not in running and note is not None and not locks.is_free(path):
            cookie = process.cookie(worker, note.seq, note.fence, store.database.identity)
            held.setdefault(cookie, []).append(path)
            pids.setdefault(cookie, set()).update(system.holding(path, locks.LOCK_FD))
    spared = tree.spared_in(system.processes())
    return [
        Orphans(cookie=cookie, pids=tuple(sorted(carriers - spared)), locks=tuple(held.get(cookie, ())))
        for cookie, carriers in sorted(pids.items())
        if _is_over(store, cookie) and (carriers - spared or cookie in held)
    ]


def end(orphans: Orphans) -> list[int]:
    """End these processes and their descendants; return the pids that cannot be ended."""
    return tree.end_tree(orphans.cookie, orphans.locks)


def _attempt_files(run_dir: RunDir) -> list[str]:
    try:
        return [os.path.join(run_dir.attempts, name) for name in sorted(os.listdir(run_dir.attempts))]
    except OSError:
        return []


def _is_over(store: Store, cookie: str) -> bool:
    fields = process.read_cookie(cookie)
    # An attempt that is over here may still run for the store that this one is a copy of.
    if fields is None or fields[3] != store.database.identity:
        return False
    worker, seq, fence, _ = fields
    return store.workers.attempt_is_over(worker, seq, fence)
