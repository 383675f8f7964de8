"""End of process trees: of the worker's own job, and of one that a killed worker left.

Pids are signalled only where they cannot have been recycled: through `system.send`, which checks the start time of what
it has pinned, or as a group whose leader has not been reaped or of which a member has just been listed.
"""

from __future__ import annotations

import os
import signal
import time

from queuectl.domain.errors import MachineUnfit
from queuectl.runtime import system
from queuectl.runtime.locks import LOCK_FD, is_free

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

LEFTOVER_GRACE = 2.0
"""Seconds between TERM and KILL for processes that outlive the main process of their job."""
GIVE_UP_AFTER = 3.0
"""Seconds after KILL before a process counts as unkillable: it is in an uninterruptible wait, or another user's."""
RECOVERY_GRACE = 0.5
RECOVERY_LIMIT = 5.0
UNKNOWN = 0
"""Placeholder pid of a process that holds the lock of an attempt and could not be found."""

_PAUSES = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.05)

_given_up: dict[int, int] = {}
"""Pids and start times of processes that could not be ended earlier: the next job is not blamed for them."""

_spared: dict[int, int] = {}
"""Pids and start times of descendants from before this process became a supervisor, and of their descendants."""


def spare_descendants() -> None:
    """Adopt orphans, and spare the descendants that this process already has: a shell's `helper & exec queuectl`.

    Raises MachineUnfit where the system should allow adoption and refuses it.
    """
    try:
        if system.adopt_orphans():
            _spared.update(system.descendants(os.getpid()))
    except OSError as error:
        raise MachineUnfit(error.strerror or str(error)) from None


def signal_running(leader: int, cookie: str, signo: int) -> None:
    """Signal the whole tree of a job whose main process has not been reaped yet."""
    _signal(leader, _remaining(leader, cookie), signo, group_is_ours=True)


def end_leftovers(leader: int, cookie: str, *, terminate: bool, kill_at: float, hurry: Callable[[], bool]) -> list[int]:
    """End what is left of a tree whose main process has been reaped; return the pids that cannot be ended.

    `terminate` sends TERM first. `kill_at` is in seconds on the monotonic clock. `hurry` is called while waiting, every
    50 ms at least; once it returns True, the rest is killed before `kill_at`.
    """
    if terminate:
        left = _remaining(leader, cookie)
        _signal(leader, left, signal.SIGTERM)
        _signal(leader, left, signal.SIGCONT)
    give_up_at = max(kill_at, time.monotonic()) + GIVE_UP_AFTER
    turn = 0
    while not system.all_gone(leader):
        left = _remaining(leader, cookie)
        # Between two generations of a forking tree one listing may be empty, but not two in a row.
        if not left and _given_up and not _remaining(leader, cookie):
            break
        now = time.monotonic()
        if now >= give_up_at:
            return give_up(leader, cookie)
        if now >= kill_at:
            _signal(leader, left, signal.SIGKILL)
        _pause(turn)
        turn += 1
        if hurry() and now < kill_at:
            kill_at = now
            give_up_at = now + GIVE_UP_AFTER
    return []


def kill_all(leader: int, cookie: str, *, reaped: bool) -> None:
    """Kill a job whose supervision failed, and wait for its end."""
    if not reaped:
        signal_running(leader, cookie, signal.SIGKILL)
    end_leftovers(leader, cookie, terminate=False, kill_at=0.0, hurry=lambda: False)


def give_up(leader: int, cookie: str) -> list[int]:
    """Remember what still lives of the tree as unkillable, so that no later job is blamed for it; return the pids."""
    left = _remaining(leader, cookie)
    _given_up.update(left)
    return sorted(left)


def outlast(pids: Sequence[int], goes_on: Callable[[], bool]) -> bool:
    """Wait until these processes are gone; False if `goes_on`, which waits a while, has returned False."""
    started = {pid: system.start_time(pid) for pid in pids}
    while any(when is not None and system.is_same(pid, when) for pid, when in started.items()):
        if not goes_on():
            return False
    return True


def end_tree(
    cookie: str,
    locks: Sequence[str],
    pid_hint: int | None = None,
    grace: float = RECOVERY_GRACE,
    limit: float = RECOVERY_LIMIT,
) -> list[int]:
    """End all that a killed worker's job left: until no process carries its cookie or holds its locks.

    `pid_hint` is the main process as the lock's note names it. Returns the pids that still live after `limit` seconds:
    the job must not run again before they are gone. UNKNOWN stands for them if a lock is held by an unknown process.

    A process that closed the lock, left the session, and whose environment is scrubbed or another user's is not found.
    The supervisor that adopts orphans finds those (`end_strays`).
    """
    return _end(
        lambda: _left_by(cookie, locks, pid_hint),
        lambda: not all(is_free(path) for path in locks),
        grace=grace,
        limit=limit,
    )


def end_strays(keep: Collection[int], grace: float = RECOVERY_GRACE, limit: float = RECOVERY_LIMIT) -> list[int]:
    """End every descendant of this process outside the trees of its children `keep`; return those that still live.

    For a supervisor that adopts orphans: what its workers leave when they are killed, with or without the cookie. Where
    orphans are not adopted there are none to end.
    """
    if not system.adopt_orphans():
        return []
    return _end(lambda: _strays(set(keep)), lambda: False, grace=grace, limit=limit)


def _end(find: Callable[[], dict[int, int]], held: Callable[[], bool], *, grace: float, limit: float) -> list[int]:
    begin = time.monotonic()
    seen: dict[int, int] = {}
    turn = 0
    while True:
        # The lock is tested before the listing: a process that releases it in between is still found.
        locked = held()
        found = find()
        _reap(seen)
        if not found and not locked:
            return []
        elapsed = time.monotonic() - begin
        if elapsed >= limit:
            return sorted(found) or [UNKNOWN]
        for pid, started in found.items():
            if elapsed >= grace:
                system.send(pid, started, signal.SIGKILL)
            elif seen.get(pid) != started:
                _terminate(pid, started)
        seen |= found
        _pause(turn)
        turn += 1


def _strays(keep: set[int]) -> dict[int, int]:
    table = system.processes()
    below = system.family(table, {os.getpid()})
    # Workers and jobs begin sessions of their own, and no process can join an older one.
    session = os.getsid(0)
    spared = {
        pid
        for pid, started in below.items()
        if _spared.get(pid) == started or (pid not in keep and table[pid].session == session)
    }
    spared |= set(system.family(table, spared))
    _spared.update({pid: below[pid] for pid in spared if pid in below})
    kept = keep | set(system.family(table, keep)) | spared
    return {pid: started for pid, started in below.items() if pid not in kept}


def _left_by(cookie: str, locks: Sequence[str], pid_hint: int | None) -> dict[int, int]:
    """Find processes that carry the cookie or hold a lock, the sessions that these lead, and all their descendants."""
    found = system.carrying(cookie)
    for path in locks:
        found |= system.holding(path, LOCK_FD)
    if not found:
        return {}
    table = system.processes()
    # A session belongs to the tree if a process of the tree leads it, or if it is the job's and such a process is still
    # in it: the main process created it, so it has no other members. Not every session of a process of the tree:
    # between fork and setsid that is still the worker's.
    sessions = {pid for pid in found if pid in table and table[pid].session == pid}
    if pid_hint is not None and any(pid in table and table[pid].session == pid_hint for pid in found):
        sessions.add(pid_hint)
    found |= {pid: process.started for pid, process in table.items() if process.session in sessions}
    found |= system.family(table, set(found))
    spared = spared_in(table)
    return {pid: started for pid, started in found.items() if pid not in spared}


def spared_in(table: Mapping[int, system.Process]) -> set[int]:
    """Return this process and its ancestors: a doctor that is run by a job must not end itself."""
    spared = {0, 1, os.getpid()}
    ancestor = os.getppid()
    while ancestor not in spared and ancestor in table:
        spared.add(ancestor)
        ancestor = table[ancestor].parent
    return spared


def _remaining(leader: int, cookie: str) -> dict[int, int]:
    found = system.leftovers(leader, cookie)
    return {pid: started for pid, started in found.items() if _given_up.get(pid) != started}


def _signal(leader: int, left: dict[int, int], signo: int, *, group_is_ours: bool = False) -> None:
    """Signal the group of `leader`, and what of the tree has left it."""
    apart = {pid: started for pid, started in left.items() if _group(pid) != leader}
    # The whole group at once: the kernel also reaches processes that fork meanwhile, and no parent sees its child die
    # before it is signalled itself. A remaining member keeps the group's number from being reused.
    if group_is_ours or len(apart) < len(left):
        try:
            os.killpg(leader, signo)
        except OSError:
            pass  # the group is empty, or all its members are another user's
    for pid, started in apart.items():
        system.send(pid, started, signo)


def _terminate(pid: int, started: int) -> None:
    if system.send(pid, started, signal.SIGTERM):
        system.send(pid, started, signal.SIGCONT)  # a stopped process does not handle TERM


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def _reap(pids: Collection[int]) -> None:
    """Reap those that are adopted children of this process: a zombie keeps its pid in use."""
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue


def _pause(turn: int) -> None:
    time.sleep(_PAUSES[min(turn, len(_PAUSES) - 1)])
