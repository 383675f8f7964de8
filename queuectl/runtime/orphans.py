"""Processes that outlive their attempt: its result is recorded, or its job is gone, and they still run.

It happens to what nobody could end at the time: a process in an uninterruptible wait, one of another user, one that
a supervisor was killed beside. Nothing runs twice for it, since an attempt's cookie names one claim of one job.
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
    """What is left of one attempt that is over."""

    cookie: str
    pids: tuple[int, ...]
    """None where a lock is held and the machine does not say by whom."""
    locks: tuple[str, ...]
    """Attempt locks that they hold."""


def orphans(store: Store, run_dir: RunDir) -> list[Orphans]:
    """The processes of attempts of this store that are over."""
    running = {worker.id for worker in store.workers.running_workers()}
    pids: dict[str, set[int]] = {}
    held: dict[str, list[str]] = {}
    for pid, (_, cookie) in system.cookies().items():
        pids.setdefault(cookie, set()).add(pid)
    for path in _attempt_files(run_dir):
        worker = os.path.basename(path).partition(".")[0]
        note = locks.read_note(path)
        # While a worker is not written off, the reaper looks after its attempts.
        if worker not in running and note is not None and not locks.is_free(path):
            cookie = process.cookie(worker, *note[1:], store.database.identity)
            held.setdefault(cookie, []).append(path)
            pids.setdefault(cookie, set()).update(system.holding(path, locks.LOCK_FD))
    spared = tree.spared_in(system.processes())
    return [
        Orphans(cookie=cookie, pids=tuple(sorted(found - spared)), locks=tuple(held.get(cookie, ())))
        for cookie, found in sorted(pids.items())
        if _is_over(store, cookie) and (found - spared or cookie in held)
    ]


def end(left: Orphans) -> list[int]:
    """End them, with all that descends from them; those that cannot be ended."""
    return tree.end_tree(left.cookie, left.locks)


def _attempt_files(run_dir: RunDir) -> list[str]:
    try:
        return [os.path.join(run_dir.attempts, name) for name in sorted(os.listdir(run_dir.attempts))]
    except OSError:
        return []


def _is_over(store: Store, cookie: str) -> bool:
    found = process.read_cookie(cookie)
    # Of the store that this one is a copy of, an attempt that is over here may well run.
    if found is None or found[3] != store.database.identity:
        return False
    worker, seq, fence, _ = found
    return store.workers.attempt_is_over(worker, seq, fence)
