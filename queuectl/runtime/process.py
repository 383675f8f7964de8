"""Starting one command: a shell in a session of its own, its output in two pipes of ours.

What prevents a start is either the command's own (its directory, its environment, its size: `SpawnError`, a failed
attempt) or the machine's, which probably refuses any other command too (`StartRefused`, no attempt at all; `starts`
finds out).
"""

from __future__ import annotations

import errno
import os
import signal
import sys

from queuectl.runtime import system
from queuectl.runtime.locks import LOCK_FD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHELL = "/bin/sh"
ARGUMENT_MAX = 131_072
"""Linux takes no single argument of so many bytes (MAX_ARG_STRLEN, with its NUL). Longer commands become a script."""
SCRIPT_FD = 9
"""Dash cannot name more than one digit, and must be able to close it."""
_DESCRIPTORS = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
"""A minimal container has /proc, which workers need anyway, and not always the link to it."""
_FROM_SCRIPT = f". {_DESCRIPTORS}/{SCRIPT_FD}"
"""Not `sh /dev/fd/9`: this way $0 is what `sh -c` makes it."""
_CLOSE_SCRIPT = f"exec {SCRIPT_FD}<&-; ".encode()
"""The shell reads from a copy; what it starts need not carry the script. On the same line: line numbers stay."""

# Python ignores SIGPIPE and SIGXFSZ, the worker SIGINT, nohup SIGHUP: an ignored signal is inherited through exec.
_DEFAULT_SIGNALS = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})

_SECRETS = frozenset({b"PGPASSWORD", b"PGPASSFILE", b"PGSERVICEFILE", b"PGSSLKEY"})
_NOT_INHERITED = _SECRETS | {b"TMOUT"}
"""What opens the worker's own store, and what makes shells end themselves."""

_SEARCH = getattr(os, "O_PATH", os.O_RDONLY)

_REASONS = {
    errno.EAGAIN: "no more processes are allowed",
    errno.ENOMEM: "out of memory",
    errno.EBADF: f"the limit of open files must be above {LOCK_FD}",
}

_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)

_null = -1


class SpawnError(Exception):
    """This command cannot be started, on any machine; the text says why."""


class StartRefused(Exception):
    """The machine does not start this command at present, and probably no other; the text says why."""


def reason(error: OSError) -> str:
    """Say why the machine refused."""
    return _REASONS.get(error.errno or 0) or error.strerror or str(error)


def inheritable(environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """What jobs see of the worker's environment. Computed once for a worker."""
    return {
        name: value
        for name, value in environment.items()
        if name not in _NOT_INHERITED and not name.startswith(b"QUEUECTL_")
    }


def environment(
    inherited: Mapping[bytes, bytes],
    explicit: Iterable[tuple[str, str]],
    *,
    job_id: str,
    attempt: int,
    cookie: str,
) -> dict[bytes, bytes]:
    """Make the environment of one attempt: inherited, then the job's own, then ours. Never fails: `start` may."""
    made = dict(inherited)
    for name, value in explicit:
        made[name.encode("utf-8", "surrogatepass")] = value.encode("utf-8", "surrogatepass")
    made[b"QUEUECTL_JOB_ID"] = job_id.encode("utf-8", "surrogatepass")
    made[b"QUEUECTL_ATTEMPT"] = b"%d" % attempt
    made[b"QUEUECTL_RUN"] = cookie.encode()
    return made


def cookie(worker: str, seq: int, fence: int, identity: str) -> str:
    """Name one attempt of one job of the store `identity`: what each process of its tree has in its environment.

    A copy of a store holds the same workers, jobs and fences, but has another identity: it names no process of the
    original.
    """
    return f"{worker}-{seq}-{fence}-{identity}"


def read_cookie(text: str) -> tuple[str, int, int, str] | None:
    """Read worker, seq, fence and identity from what `cookie` made; None for any other text."""
    parts = text.rsplit("-", 3)
    if len(parts) != 4 or not all(each.isascii() and each.isdigit() and len(each) < 19 for each in parts[1:3]):
        return None
    return parts[0], int(parts[1]), int(parts[2]), parts[3]


def start(command: str, environment: Mapping[bytes, bytes], cwd: str | None, lock: int | None) -> tuple[int, int, int]:
    """Start `command`; the pid and the two pipes to read its stdout and stderr from. Raises SpawnError, StartRefused.

    `lock` is inherited as LOCK_FD. The working directory is changed for the moment of the start, since posix_spawn
    cannot: the worker must have a single thread.
    """
    opened: list[int] = []
    try:
        null = _null if _null >= 0 else _prepare()
        text = command.encode()
        out, out_end = os.pipe()
        opened += out, out_end
        err, err_end = os.pipe()
        opened += err, err_end
        # Only our ends: the others' flags would be seen by the job.
        os.set_blocking(out, False)
        os.set_blocking(err, False)
        actions = [
            (os.POSIX_SPAWN_DUP2, null, 0),
            (os.POSIX_SPAWN_DUP2, out_end, 1),
            (os.POSIX_SPAWN_DUP2, err_end, 2),
        ]
        if lock is not None:
            actions.append((os.POSIX_SPAWN_DUP2, lock, LOCK_FD))
        if len(text) < ARGUMENT_MAX:
            # A command that begins with a dash is a command, and no option of the shell.
            dashes = ("--",) if text.startswith((b"-", b"+")) else ()
            arguments: tuple[str | bytes, ...] = (SHELL, "-c", *dashes, text)
        else:
            arguments = (SHELL, "-c", _FROM_SCRIPT)
            opened.append(_out_of_the_way(system.script_fd(_CLOSE_SCRIPT + text)))
            actions.append((os.POSIX_SPAWN_DUP2, opened[-1], SCRIPT_FD))
        if cwd is None:
            pid = _spawn(arguments, environment, actions)
        else:
            pid = _spawn_in(cwd, arguments, environment, actions)
    except OSError as error:
        _close(opened)
        if error.errno == errno.E2BIG:
            raise SpawnError("cannot start: command and environment are too large") from None
        raise StartRefused(reason(error)) from None
    except MemoryError:
        _close(opened)
        raise StartRefused(_REASONS[errno.ENOMEM]) from None
    except ValueError as error:  # a NUL or a "=" where none can be, or text that is not Unicode
        _close(opened)
        raise SpawnError(f"cannot start: {error}") from None
    except BaseException:
        _close(opened)
        raise
    _close(opened[1:2] + opened[3:])
    return pid, out, err


def _spawn(
    arguments: tuple[str | bytes, ...], environment: Mapping[bytes, bytes], actions: list[tuple[int, int, int]]
) -> int:
    return os.posix_spawn(
        SHELL,
        arguments,
        environment,
        file_actions=actions,
        setsid=True,
        setsigmask=(),
        setsigdef=_DEFAULT_SIGNALS,
    )


def _spawn_in(
    cwd: str,
    arguments: tuple[str | bytes, ...],
    environment: Mapping[bytes, bytes],
    actions: list[tuple[int, int, int]],
) -> int:
    # Shells believe PWD where it names their directory, and it is the only way to a path with its symlinks.
    path = cwd.encode()
    environment = {**environment, b"PWD": path} if path.startswith(b"/") else environment
    home = _open_home()
    try:
        try:
            os.chdir(path)
        except OSError as error:
            if error.errno == errno.ENOMEM:
                raise
            raise SpawnError(f"cannot start in {cwd}: {error.strerror}") from None
        try:
            return _spawn(arguments, environment, actions)
        finally:
            _go_back(home)
    finally:
        if home is not None:
            os.close(home)


def _open_home() -> int | None:
    """Open the worker's own directory; None where it cannot be entered, as its user may not search it."""
    try:
        return os.open(".", _SEARCH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _SHORTAGES:
            raise
        return None


def _go_back(home: int | None) -> None:
    try:
        if home is not None:
            os.fchdir(home)
            return
    except OSError:  # no longer permitted
        pass
    # The job has started, and nothing of ours needs the directory.
    os.chdir("/")


def _prepare() -> int:
    """Before the first start: open /dev/null for all of them, and keep what this process inherited from its jobs."""
    global _null  # noqa: PLW0603 - one descriptor for all jobs of the process
    for name in os.listdir(_DESCRIPTORS):
        try:
            if int(name) > 2:
                os.set_inheritable(int(name), False)
        except OSError:
            pass  # that of the listing itself
    # And have 0 to 2 taken: a pipe there would be overwritten before it is duplicated.
    fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    while fd <= 2:
        fd = os.dup(fd)
    _null = fd
    return fd


def _out_of_the_way(fd: int) -> int:
    """Move a descriptor to where no other action of the start writes."""
    import fcntl  # long commands are rare

    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, LOCK_FD + 1)
    finally:
        os.close(fd)


def _close(descriptors: list[int]) -> None:
    for fd in descriptors:
        os.close(fd)
