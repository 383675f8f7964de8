"""Ending process trees: one's own job's, and the one that a killed worker left.

Pids are signalled only where they cannot be somebody else's by now: through `system.send`, which checks the start time
of what it has pinned, or as a group of which the leader has not been reaped or a member has just been seen.
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
"""Seconds between TERM and KILL for what outlives the main process of its job."""
GIVE_UP_AFTER = 3.0
"""Seconds after KILL before a process counts as unkillable: in an uninterruptible wait, or another user's."""
RECOVERY_GRACE = 0.5
RECOVERY_LIMIT = 5.0
UNKNOWN = 0
"""Stands for a process that holds the lock of an attempt and could not be found."""

_PAUSES = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.05)

_given_up: dict[int, int] = {}
"""What could not be ended earlier in the life of this process, with start times: not the next job's doing."""

_spared: dict[int, int] = {}
"""Descendants of this process that were there before it became a supervisor, and theirs, with start times."""


def spare_descendants() -> None:
    """Adopt orphans, and take what descends from this process by now for no job's: a shell's `helper & exec queuectl`.

    Raises MachineUnfit where the system lets no process adopt orphans that it should.
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
    """End what is left of a tree whose main process has been reaped, and give the pids that cannot be ended.

    `terminate` asks for a TERM first. `hurry` is called while waiting, every 50 ms at least; once it returns True, what
    is left is killed before `kill_at`.
    """
    if terminate:
        left = _remaining(leader, cookie)
        _signal(leader, left, signal.SIGTERM)
        _signal(leader, left, signal.SIGCONT)
    give_up_at = max(kill_at, time.monotonic()) + GIVE_UP_AFTER
    turn = 0
    while not system.all_gone(leader):
        left = _remaining(leader, cookie)
        # Between two generations of a forking tree one listing may be empty, but not one after the other.
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
    """Remember what still lives of the tree as unkillable, so that no later job is blamed for it, and name it."""
    left = _remaining(leader, cookie)
    _given_up.update(left)
    return sorted(left)


def outlast(pids: Sequence[int], goes_on: Callable[[], bool]) -> bool:
    """Wait until these processes are gone. `goes_on` waits a while, and ends the wait by returning False."""
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
    """End all that a killed worker's job left: until nobody carries its cookie, and nobody holds its locks.

    `pid_hint` is the main process as the lock's note names it. Gives the pids that still live after `limit` seconds:
    the job must not run again before they are gone. UNKNOWN instead of them: a lock is held, nobody knows by whom.

    What it cannot find: a process that closed the lock, left the session, and whose environment is scrubbed or another
    user's. The supervisor that adopts orphans finds those (`end_strays`).
    """
    return _end(
        lambda: _left_by(cookie, locks, pid_hint),
        lambda: not all(is_free(path) for path in locks),
        grace=grace,
        limit=limit,
    )


def end_strays(keep: Collection[int], grace: float = RECOVERY_GRACE, limit: float = RECOVERY_LIMIT) -> list[int]:
    """End every descendant of this process outside the trees of its children `keep`, and give those that still live.

    For a supervisor that adopts orphans: what its workers leave when they are killed, scrubbed environment or not.
    Where orphans are not adopted there are none to end.
    """
    if not system.adopt_orphans():
        return []
    return _end(lambda: _strays(set(keep)), lambda: False, grace=grace, limit=limit)


def _end(find: Callable[[], dict[int, int]], held: Callable[[], bool], *, grace: float, limit: float) -> list[int]:
    begin = time.monotonic()
    seen: dict[int, int] = {}
    turn = 0
    while True:
        # First the lock, then the look: what lets go of it in between is still found.
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
    """Find what carries the cookie or holds a lock, the sessions that these lead, and all that descends from them."""
    found = system.carrying(cookie)
    for path in locks:
        found |= system.holding(path, LOCK_FD)
    if not found:
        return {}
    table = system.processes()
    # A session is ours if one of us leads it, or if it is the job's and one of us is still in it: the main process
    # made it, so nobody else can be. Not every session of ours: between fork and setsid it is still the worker's.
    sessions = {pid for pid in found if pid in table and table[pid].session == pid}
    if pid_hint is not None and any(pid in table and table[pid].session == pid_hint for pid in found):
        sessions.add(pid_hint)
    found |= {pid: process.started for pid, process in table.items() if process.session in sessions}
    found |= system.family(table, set(found))
    spared = spared_in(table)
    return {pid: started for pid, started in found.items() if pid not in spared}


def spared_in(table: Mapping[int, system.Process]) -> set[int]:
    """This process and whoever started it: what a job runs, a doctor say, does not end itself."""
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
    # The group at once: the kernel also reaches what forks meanwhile, and no parent sees its child die before its own
    # turn comes. A member that is left keeps the number taken.
    if group_is_ours or len(apart) < len(left):
        try:
            os.killpg(leader, signo)
        except OSError:
            pass  # nobody in it any more, or only another user's
    for pid, started in apart.items():
        system.send(pid, started, signo)


def _terminate(pid: int, started: int) -> None:
    if system.send(pid, started, signal.SIGTERM):
        system.send(pid, started, signal.SIGCONT)  # a stopped process would never see it


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except OSError:
        return 0


def _reap(pids: Collection[int]) -> None:
    """Take the status of those that are children of ours, by adoption: a zombie holds its pid."""
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue


def _pause(turn: int) -> None:
    time.sleep(_PAUSES[min(turn, len(_PAUSES) - 1)])
