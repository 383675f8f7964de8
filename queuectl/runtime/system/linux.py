"""Process functions by pidfd, subreaper, memfd and /proc, which only Linux has. `portable` has the same names.

Every set of processes is a dict from pid to start time. A pid alone may have been recycled by the time it is
signalled; `send` pins the process with a pidfd first, then compares the start time, then signals what it pinned.
"""

from __future__ import annotations

import errno
import os
import signal

from queuectl.runtime.system import posix
from queuectl.runtime.system.posix import Process, family

_PR_SET_CHILD_SUBREAPER = 36
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ENDED = b"ZX"
_NO_PIDFD = (errno.ENOSYS, errno.EPERM)

# The fields of /proc/<pid>/stat, counted from the one after the name.
_STATE, _PARENT, _GROUP, _SESSION, _UTIME, _STIME, _THREADS, _START, _RSS = 0, 1, 2, 3, 11, 12, 17, 19, 21

_adopter = 0


def adopt_orphans() -> bool:
    """Make this process the parent of every descendant whose parent dies, and return True.

    The setting is not inherited by forked children. Raises OSError.
    """
    global _adopter  # noqa: PLW0603 - a property of the process, and a system call that is saved on every job
    if _adopter == os.getpid():
        return True
    import ctypes  # 2 ms and 300 KiB that only the processes which run jobs should pay

    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, f"cannot adopt orphans: {os.strerror(code)}")
    # Ignored SIGCHLD is inherited through exec and would make the kernel discard exit codes.
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _adopter = os.getpid()
    return True


def exit_fd(pid: int) -> int:
    """Return a file descriptor that polls readable once the child `pid` may have exited; call `reap` then."""
    pinned = _pidfd(pid)
    return posix.exit_fd(pid) if pinned is None else pinned


def reap(pid: int, exit_fd: int) -> int | None:
    """Return the wait status of the child `pid`, or None while it runs."""
    reaped, status = os.waitpid(pid, os.WNOHANG)
    return status if reaped else posix.reap(pid, exit_fd)


def all_gone(leader: int) -> bool:  # noqa: ARG001 - the portable half needs it
    """Reap all ended children, and return whether nothing is left of the tree.

    The orphans of a subreaper's descendants become its children, so every chain of parents ends at a child of this
    process: no child, no descendant. That is one system call after an ordinary job.
    """
    while True:
        try:
            reaped, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if not reaped:
            return False


def leftovers(leader: int, cookie: str) -> dict[int, int]:  # noqa: ARG001 - the portable half needs it
    """Return the living processes of the tree that this process started."""
    return descendants(os.getpid())


def descendants(pid: int) -> dict[int, int]:
    """Find the living tree below `pid`, without it. A snapshot: what forks meanwhile is found by the next one."""
    found: dict[int, int] = {}
    parents = [pid]
    while parents:
        parent = parents.pop()
        children = _children(parent)
        if children is None:
            return family(processes(), {pid})
        for child in children:
            stat = _stat(child)
            # The parent is compared because the child may be gone and its pid recycled.
            if stat is not None and int(stat[_PARENT]) == parent and child not in found:
                found[child] = int(stat[_START])
                parents.append(child)
    return found


def processes() -> dict[int, Process]:
    """Read the table of all living processes."""
    table = {}
    for pid in _pids():
        stat = _stat(pid)
        if stat is not None:
            table[pid] = Process(int(stat[_PARENT]), int(stat[_GROUP]), int(stat[_SESSION]), int(stat[_START]))
    return table


def carrying(cookie: str) -> dict[int, int]:
    """Find every process that was started with QUEUECTL_RUN=`cookie` in its environment and has not scrubbed it."""
    return {pid: started for pid, (started, found) in cookies().items() if found == cookie}


def cookies() -> dict[int, tuple[int, str]]:
    """Return the start time and the cookie of every process that carries any cookie."""
    mark = b"\0QUEUECTL_RUN="
    found = {}
    for pid in _pids():
        started = start_time(pid)
        environment = _read(f"/proc/{pid}/environ")
        if started is not None and environment and mark in (lead := b"\0" + environment):
            found[pid] = started, lead.partition(mark)[2].partition(b"\0")[0].decode(errors="replace")
    return found


def holding(path: str, fd: int) -> dict[int, int]:
    """Find every process that has the file `path` open as `fd`."""
    try:
        file = os.stat(path, follow_symlinks=False)
    except OSError:
        return {}
    found = {}
    for pid in _pids():
        started = start_time(pid)
        try:
            held = os.stat(f"/proc/{pid}/fd/{fd}")
        except OSError:
            continue
        if started is not None and (held.st_ino, held.st_dev) == (file.st_ino, file.st_dev):
            found[pid] = started
    return found


def has_open(pid: int, file: tuple[int, int]) -> bool | None:
    """Return whether `pid` has the file of this device and inode open; None where that cannot be seen."""
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                opened = os.stat(f"/proc/{pid}/fd/{fd}")
            except FileNotFoundError:
                continue  # closed meanwhile
            if (opened.st_dev, opened.st_ino) == file:
                return True
    except PermissionError:
        return None  # another user's
    except OSError:
        pass
    return False


def send(pid: int, started: int, signo: int) -> bool:
    """Signal the process `pid` that started at `started`; False if it is gone or may not be signalled."""
    try:
        pinned = _pidfd(pid)
    except OSError:
        return False
    if pinned is None:
        return is_same(pid, started) and posix.send(pid, signo)
    try:
        if not is_same(pid, started):
            return False
        signal.pidfd_send_signal(pinned, signo)
    except OSError:
        return False
    finally:
        os.close(pinned)
    return True


def start_time(pid: int) -> int | None:
    """Return when `pid` was started, in ticks since the boot; None if there is no such process or only its zombie."""
    stat = _stat(pid)
    return None if stat is None else int(stat[_START])


def is_same(pid: int, started: int) -> bool:
    """Return whether `pid` lives and is the process that started at `started`."""
    return start_time(pid) == started


def boot_id() -> str:
    """Return the id of this boot of this machine: pids and start times are only valid within one boot."""
    text = _read("/proc/sys/kernel/random/boot_id")
    return text.decode().strip() if text else f"init {start_time(1)}"


def usage(pid: int) -> tuple[float, int] | None:
    """Return the seconds of processor time that `pid` has used and the bytes of memory it occupies."""
    stat = _stat(pid)
    if stat is None:
        return None
    return (int(stat[_UTIME]) + int(stat[_STIME])) / _TICKS, int(stat[_RSS]) * _PAGE


def script_fd(text: bytes) -> int:
    """Return the descriptor of an unnamed file that holds `text`."""
    try:
        fd = os.memfd_create("queuectl", os.MFD_CLOEXEC)
    except (AttributeError, OSError):
        return posix.script_fd(text)
    posix.write_all(fd, text)
    return fd


def _pidfd(pid: int) -> int | None:
    """Open a pidfd; None before Linux 5.3, without its headers at Python's build, or where a container forbids it."""
    try:
        return os.pidfd_open(pid)
    except AttributeError:
        return None
    except OSError as error:
        if error.errno in _NO_PIDFD:
            return None
        raise


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _children(pid: int) -> list[int] | None:
    """Read the children of each of its threads; None where the kernel does not list them."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        listed = _read(f"/proc/{pid}/task/{thread}/children")
        if listed is not None:
            found += map(int, listed.split())
        elif not os.path.exists("/proc/thread-self/children"):
            return None
    return found


def _stat(pid: int) -> list[bytes] | None:
    """Read the fields after the name, which may itself hold spaces and parentheses; None for what has ended."""
    text = _read(f"/proc/{pid}/stat")
    if not text:
        return None
    fields = text[text.rindex(b")") + 2 :].split()
    # A zombie with threads is a process whose main thread has ended and whose others have not.
    return None if fields[_STATE] in _ENDED and int(fields[_THREADS]) <= 1 else fields


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return None
