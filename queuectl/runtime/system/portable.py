"""The same as `linux` for any Unix that psutil supports, with less precision.

- No subreaper: a daemon that left the session is found by its environment, and only if another process of the tree
  still lives and so causes a search.
- No pidfd: between comparing the start time and the signal a pid could be recycled. It takes microseconds.
- Start times are milliseconds since the epoch. Where the system counts them from its boot, as Linux does, they jitter
  with the clock: `is_same` allows a second.
"""

from __future__ import annotations

import os
import signal
import sys

import psutil

from queuectl.runtime.system import posix
from queuectl.runtime.system.posix import Process, exit_fd, family, reap, script_fd

__all__ = ["Process", "exit_fd", "family", "reap", "script_fd"]
"""Here only for the callers of this half, which has all names of the other."""
_JITTER = 1000
_COOKIE = "QUEUECTL_RUN"
_GONE = frozenset({psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD})


def adopt_orphans() -> bool:
    """Return False: only Linux lets a process adopt orphans."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return False


def all_gone(leader: int) -> bool:
    """Reap all ended children, and return whether the group of `leader`, itself reaped, is empty."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    # Zombies that wait for init are members too.
    return all(process.group != leader for process in processes().values())


def leftovers(leader: int, cookie: str) -> dict[int, int]:
    """Return the living processes of the tree that this process started as `leader`."""
    table = processes()
    tree = {pid: process.started for pid, process in table.items() if leader in (pid, process.group)}
    found = tree | carrying(cookie) | family(table, set(tree))
    found.pop(os.getpid(), None)
    return found


def descendants(pid: int) -> dict[int, int]:
    """Find the living tree below `pid`, without it."""
    return family(processes(), {pid})


def processes() -> dict[int, Process]:
    """Read the table of all living processes."""
    table = {}
    for each in psutil.process_iter():
        try:
            if each.status() not in _GONE:
                group, session = os.getpgid(each.pid), os.getsid(each.pid)
                table[each.pid] = Process(each.ppid(), group, session, _started(each))
        except (psutil.Error, OSError):
            continue  # it has ended meanwhile
    return table


def carrying(cookie: str) -> dict[int, int]:
    """Find every process of this user that was started with QUEUECTL_RUN=`cookie` in its environment."""
    return {pid: started for pid, (started, found) in cookies().items() if found == cookie}


def cookies() -> dict[int, tuple[int, str]]:
    """Return the start time and the cookie of every process of this user that carries any cookie."""
    found = {}
    for each in psutil.process_iter():
        try:
            cookie = each.environ().get(_COOKIE)
            if cookie is not None:
                found[each.pid] = _started(each), cookie
        except (psutil.Error, OSError):
            continue  # it has ended, is a zombie, or belongs to another user
    return found


def holding(path: str, fd: int) -> dict[int, int]:  # noqa: ARG001 - the signature of the Linux half
    """Return nothing: not every system shows open files of other processes."""
    return {}


def has_open(pid: int, file: tuple[int, int]) -> bool | None:
    """Return whether `pid` has the file of this device and inode open; None where that cannot be seen."""
    try:
        paths = [each.path for each in psutil.Process(pid).open_files()]
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError):
        return None
    for path in paths:
        try:
            opened = os.stat(path)
        except OSError:
            continue
        if (opened.st_dev, opened.st_ino) == file:
            return True
    return False


def send(pid: int, started: int, signo: int) -> bool:
    """Signal the process `pid` that started at `started`; False if it is gone or may not be signalled."""
    return is_same(pid, started) and posix.send(pid, signo)


def start_time(pid: int) -> int | None:
    """Return when `pid` was started; None if there is no such process or only a zombie."""
    try:
        found = psutil.Process(pid)
        return None if found.status() in _GONE else _started(found)
    except (psutil.Error, OSError):
        return None


def is_same(pid: int, started: int) -> bool:
    """Return whether `pid` lives and is the process that started at `started`."""
    now = start_time(pid)
    return now is not None and abs(now - started) <= _JITTER


def boot_id() -> str:
    """Return the id of this boot of this machine: pids and start times are only valid within one boot."""
    if sys.platform == "darwin":
        import subprocess

        # Not the time of the boot: it moves with the clock.
        return subprocess.check_output(["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], text=True).strip()
    return f"init {(start_time(1) or 0) // 1000}"


def usage(pid: int) -> tuple[float, int] | None:
    """Return the seconds of processor time that `pid` has used and the bytes of memory it occupies."""
    try:
        found = psutil.Process(pid)
        spent, memory = found.cpu_times(), found.memory_info().rss
    except (psutil.Error, OSError):
        return None
    return spent.user + spent.system, memory


def _started(of: psutil.Process) -> int:
    return round(of.create_time() * 1000)
