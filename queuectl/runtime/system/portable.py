"""The same as `linux` for any Unix with a `ps`, with less precision.

- No subreaper: a daemon that left the session is found by its environment, and only if another process of the tree
  still lives and so causes a search.
- No pidfd: between comparing the start time and the signal a pid could be recycled. It takes microseconds.
- Start times are whole seconds, and `ps` on Linux computes them from clocks that jitter: `is_same` allows one.
"""

from __future__ import annotations

import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MONTHS = b"JanFebMarAprMayJunJulAugSepOctNovDec"
_JITTER = 1
_LISTING = ("-A", "-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "stat=", "-o", "lstart=")
_ENVIRONMENTS = (
    ("-A", "-E", "-ww", "-o", "pid=", "-o", "command=")
    if sys.platform == "darwin"
    else ("axeww", "-o", "pid=", "-o", "args=")
)

_bells: list[int] = []
"""The write ends of the pipes that the handler of SIGCHLD writes to."""


class Process:
    """One line of the table of processes."""

    __slots__ = ("group", "parent", "session", "started")

    def __init__(self, parent: int, group: int, session: int, started: int) -> None:
        """Take the fields of the line; `session` is the group where the system does not show sessions."""
        self.parent = parent
        self.group = group
        self.session = session
        self.started = started


def adopt_orphans() -> bool:
    """Return False: only Linux lets a process adopt orphans."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return False


def exit_fd(pid: int) -> int:  # noqa: ARG001 - SIGCHLD does not name the child
    """Return a pipe that polls readable whenever a child of this process may have exited; call `reap` then."""
    reader, bell = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(bell, False)
    os.write(bell, b"!")  # it may have exited before the handler was installed
    _bells.append(bell)
    if signal.getsignal(signal.SIGCHLD) is not _ring:
        signal.signal(signal.SIGCHLD, _ring)
    return reader


def reap(pid: int, exit_fd: int) -> int | None:
    """Return the wait status of the child `pid`, or None while it runs."""
    # The pipe is drained before the wait: in the other order an exit in between would be missed.
    try:
        os.read(exit_fd, 64)
    except OSError:
        pass
    reaped, status = os.waitpid(pid, os.WNOHANG)
    return status if reaped else None


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


def family(table: dict[int, Process], roots: set[int]) -> dict[int, int]:
    """Find the tree below `roots` in `table`, without them."""
    below: dict[int, list[int]] = {}
    for pid, process in table.items():
        below.setdefault(process.parent, []).append(pid)
    found: dict[int, int] = {}
    parents = list(roots)
    while parents:
        for child in below.get(parents.pop(), ()):
            if child not in found and child not in roots:
                found[child] = table[child].started
                parents.append(child)
    return found


def processes() -> dict[int, Process]:
    """Read the table of all living processes."""
    return _listed(*_LISTING)


def carrying(cookie: str) -> dict[int, int]:
    """Find every process of this user that was started with QUEUECTL_RUN=`cookie` in its environment."""
    return {pid: started for pid, (started, found) in cookies().items() if found == cookie}


def cookies() -> dict[int, tuple[int, str]]:
    """Return the start time and the cookie of every process of this user that carries any cookie."""
    mark = b" QUEUECTL_RUN="
    table = processes()
    found = {}
    for line in _run("ps", *_ENVIRONMENTS)[1].splitlines():
        pid, _, rest = line.strip().partition(b" ")
        if mark in rest and int(pid) in table:
            cookie = rest.partition(mark)[2].partition(b" ")[0].decode(errors="replace")
            found[int(pid)] = table[int(pid)].started, cookie
    return found


def holding(path: str, fd: int) -> dict[int, int]:  # noqa: ARG001 - the signature of the Linux half
    """Return nothing: not every system shows open files of other processes."""
    return {}


def has_open(pid: int, file: tuple[int, int]) -> bool | None:
    """Return whether `pid` has the file of this device and inode open; None where that cannot be seen."""
    listed = _run("lsof", "-n", "-P", "-p", str(pid), "-F", "n")[1]
    if not listed:
        return None  # another user's, or there is no lsof
    for line in listed.splitlines():
        try:
            opened = os.stat(line[1:]) if line.startswith(b"n/") else None
        except OSError:
            continue
        if opened is not None and (opened.st_dev, opened.st_ino) == file:
            return True
    return False


def send(pid: int, started: int, signo: int, *, same: Callable[[int, int], bool] | None = None) -> bool:
    """Signal the process `pid` that started at `started`; False if it is gone or may not be signalled."""
    if not (same or is_same)(pid, started):
        return False
    try:
        os.kill(pid, signo)
    except OSError:
        return False
    return True


def start_time(pid: int) -> int | None:
    """Return when `pid` was started, in seconds since the epoch; None if there is no such process or only a zombie."""
    process = _listed(*_LISTING[1:], "-p", str(pid)).get(pid)
    return None if process is None else process.started


def is_same(pid: int, started: int) -> bool:
    """Return whether `pid` lives and is the process that started at `started`."""
    now = start_time(pid)
    return now is not None and abs(now - started) <= _JITTER


def boot_id() -> str:
    """Return the id of this boot of this machine: pids and start times are only valid within one boot."""
    if sys.platform == "darwin":
        return _run("sysctl", "-n", "kern.bootsessionuuid")[1].decode().strip()
    return f"init {start_time(1)}"


def usage(pid: int) -> tuple[float, int] | None:
    """Return the seconds of processor time that `pid` has used and the bytes of memory it occupies."""
    fields = _run("ps", "-o", "time=", "-o", "rss=", "-p", str(pid))[1].split()
    if len(fields) != 2:
        return None
    days, _, clock = fields[0].rpartition(b"-")
    seconds = 0.0
    for part in clock.split(b":"):
        seconds = seconds * 60 + float(part)
    return seconds + int(days or 0) * 86400, int(fields[1]) * 1024


def script_fd(text: bytes) -> int:
    """Return the descriptor of an unnamed file that holds `text`."""
    folder = os.environ.get("TMPDIR", "/tmp")  # noqa: S108 - O_EXCL and unlinked at once
    while True:
        path = os.path.join(folder, f"queuectl-{os.getpid()}-{time.monotonic_ns()}")
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            break
        except FileExistsError:
            continue
    os.unlink(path)
    write_all(fd, text)
    return fd


def write_all(fd: int, text: bytes) -> None:
    """Write `text` without moving the offset: where /dev/fd/N duplicates it, a reader must start at the beginning."""
    done = 0
    try:
        while done < len(text):
            done += os.pwrite(fd, memoryview(text)[done:], done)
    except OSError:
        os.close(fd)
        raise


def _listed(*arguments: str) -> dict[int, Process]:
    table = {}
    lister, text = _run("ps", *arguments)
    for line in text.splitlines():
        pid, parent, group, state, _, month, day, clock, year = line.split()
        if state[:1] in b"ZX" or int(pid) == lister:
            continue
        hour, minute, second = map(int, clock.split(b":"))
        date = (int(year), _MONTHS.index(month) // 3 + 1, int(day), hour, minute, second, 0, 0, -1)
        table[int(pid)] = Process(int(parent), int(group), int(group), int(time.mktime(date)))
    return table


def _run(*command: str) -> tuple[int, bytes]:
    """Run a program of the system; return its pid and its output, which is empty if there is no such program."""
    end, start = os.pipe()
    try:
        pid = os.posix_spawnp(
            command[0],
            command,
            {**os.environ, "LC_ALL": "C"},
            file_actions=[(os.POSIX_SPAWN_DUP2, start, 1), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)],
        )
    except OSError:
        os.close(start)
        os.close(end)
        return 0, b""
    os.close(start)
    with open(end, "rb") as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return pid, text


def _ring(*_: object) -> None:
    for bell in tuple(_bells):
        try:
            os.write(bell, b"!")
        except BlockingIOError:
            pass
        except OSError:  # the reader has closed the pipe
            _bells.remove(bell)
            os.close(bell)


def _forget_bells() -> None:
    for bell in _bells:
        os.close(bell)
    _bells.clear()


os.register_at_fork(after_in_child=_forget_bells)
