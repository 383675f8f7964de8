"""Processes that outlive their attempt: its result is recorded, or its job is gone, and they still run.

It happens to what nobody could end at the time: a process in an uninterruptible wait, one of another user, one that
a supervisor was killed beside. Nothing runs twice for it, since an attempt's cookie names one claim of one job.
"""

from __future__ import annotations

import os

from queuectl.domain.record import record
from queuectl.runtime import host, locks, process, tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.runtime.place import Place
    from queuectl.store.store import Store


@record
class Orphans:
    """What is left of one attempt that is over."""

    cookie: str
    pids: tuple[int, ...]
    """None where a lock is held and the machine does not say by whom."""
    locks: tuple[str, ...]
    """Attempt locks that they hold."""


def orphans(store: Store, place: Place) -> list[Orphans]:
    """The processes of attempts of this store that are over."""
    running = {worker.id for worker in store.fleet.running_workers()}
    pids: dict[str, set[int]] = {}
    held: dict[str, list[str]] = {}
    for pid, (_, cookie) in host.cookies().items():
        pids.setdefault(cookie, set()).add(pid)
    for path in _attempt_files(place):
        worker = os.path.basename(path).partition(".")[0]
        note = locks.read_note(path)
        # While a worker is not written off, the reaper looks after its attempts.
        if worker not in running and note is not None and not locks.is_free(path):
            cookie = process.cookie(worker, *note[1:], store.database.identity)
            held.setdefault(cookie, []).append(path)
            pids.setdefault(cookie, set()).update(host.holding(path, locks.LOCK_FD))
    spared = tree.spared_in(host.processes())
    return [
        Orphans(cookie=cookie, pids=tuple(sorted(found - spared)), locks=tuple(held.get(cookie, ())))
        for cookie, found in sorted(pids.items())
        if _is_over(store, cookie) and (found - spared or cookie in held)
    ]


def end(left: Orphans) -> list[int]:
    """End them, with all that descends from them; those that cannot be ended."""
    return tree.end_tree(left.cookie, left.locks)


def _attempt_files(place: Place) -> list[str]:
    try:
        return [os.path.join(place.attempts, name) for name in sorted(os.listdir(place.attempts))]
    except OSError:
        return []


def _is_over(store: Store, cookie: str) -> bool:
    found = process.read_cookie(cookie)
    # Of the store that this one is a copy of, an attempt that is over here may well run.
    if found is None or found[3] != store.database.identity:
        return False
    worker, seq, fence, _ = found
    return store.fleet.attempt_is_over(worker, seq, fence)
