"""Start of one command: a shell in a session of its own, its output in two pipes of the worker.

A start fails either because of the command (its directory, its environment, its size: `SpawnError`, a failed attempt)
or because of the machine, which probably refuses any other command too (`StartRefused`, no attempt at all; `starts`
tests that).
"""

from __future__ import annotations

import errno
import os
import signal
import sys

from queuectl.domain.units import format_time
from queuectl.runtime import system
from queuectl.runtime.locks import LOCK_FD
from queuectl.runtime.program import SHELL, interpreter_of, is_like_sh, path_of, write_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from queuectl.runtime.attempt_spec import AttemptSpec

ARGUMENT_MAX = 131_072
"""Bytes, with the NUL, from which Linux refuses a single argument (MAX_ARG_STRLEN). Longer commands become a script."""
SCRIPT_FD = 9
"""One digit: dash must be able to close it, and accepts no longer numbers in redirections."""
_DESCRIPTORS = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
"""Not /dev/fd on Linux: a minimal container has /proc, which workers need anyway, and not always the link to it."""
_FROM_SCRIPT = f". {_DESCRIPTORS}/{SCRIPT_FD}"
"""Not `sh /dev/fd/9`: this way $0 is the same as with `sh -c`."""
_CLOSE_SCRIPT = f"exec {SCRIPT_FD}<&-; ".encode()
"""The shell reads from a copy; its children need not inherit the script. On the same line: line numbers stay."""

# Python ignores SIGPIPE and SIGXFSZ, the worker SIGINT, nohup SIGHUP: exec keeps ignored signals ignored.
_DEFAULT_SIGNALS = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})

_SECRETS = frozenset({b"PGPASSWORD", b"PGPASSFILE", b"PGSERVICEFILE", b"PGSSLKEY"})
_NOT_INHERITED = _SECRETS | {b"TMOUT"}
"""Credentials of the worker's own store, and the variable that makes shells time out."""

_SEARCH = getattr(os, "O_PATH", os.O_RDONLY)

_REASONS = {
    errno.EAGAIN: "no more processes are allowed",
    errno.ENOMEM: "out of memory",
    errno.EBADF: f"the limit of open files must be above {LOCK_FD}",
}

_SHORTAGES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)

_OF_PROGRAM = frozenset(
    (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ENOEXEC, errno.ELOOP, errno.ENAMETOOLONG)
)
"""Errors that mean the shell or interpreter that a job asks for, and not the machine."""

_null = -1


class SpawnError(Exception):
    """This command cannot be started on any machine, for the reason in the text."""


class StartRefused(Exception):
    """The machine does not start this command at present, and probably no other, for the reason in the text."""


def reason(error: OSError) -> str:
    """Describe why the machine refused."""
    return _REASONS.get(error.errno or 0) or error.strerror or str(error)


def inheritable(environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the part of the worker's environment that its jobs inherit. Computed once for a worker."""
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
    scheduled_for: int | None = None,
) -> dict[bytes, bytes]:
    """Build the environment of one attempt: inherited, then the job's own, then the QUEUECTL_ variables.

    `scheduled_for` is the planned time of the job's schedule. Never fails: `start` may.
    """
    variables = dict(inherited)
    for name, value in explicit:
        variables[name.encode("utf-8", "surrogatepass")] = value.encode("utf-8", "surrogatepass")
    variables[b"QUEUECTL_JOB_ID"] = job_id.encode("utf-8", "surrogatepass")
    variables[b"QUEUECTL_ATTEMPT"] = b"%d" % attempt
    variables[b"QUEUECTL_RUN"] = cookie.encode()
    if scheduled_for is not None:
        variables[b"QUEUECTL_SCHEDULED_FOR"] = format_time(scheduled_for).encode()
    return variables


def cookie(worker: str, seq: int, fence: int, identity: str) -> str:
    """Return the cookie of one attempt of one job of the store `identity`, which its process tree inherits.

    A copy of a store holds the same workers, jobs and fences, but has another identity: it names no process of the
    original.
    """
    return f"{worker}-{seq}-{fence}-{identity}"


def read_cookie(text: str) -> tuple[str, int, int, str] | None:
    """Return worker, seq, fence and identity of a cookie; None for any other text."""
    parts = text.rsplit("-", 3)
    if len(parts) != 4 or not all(each.isascii() and each.isdigit() and len(each) < 19 for each in parts[1:3]):
        return None
    return parts[0], int(parts[1]), int(parts[2]), parts[3]


def has_script(spec: AttemptSpec) -> bool:
    """Return whether the command of an attempt may have been written to its script file."""
    return bool(spec.script) and (spec.command.startswith("#!") or len(spec.command) * 4 >= ARGUMENT_MAX)


def start(spec: AttemptSpec, lock: int | None) -> tuple[int, int, int]:
    """Start the command of an attempt; return its pid and the pipes to read its stdout and stderr from.

    `lock` is inherited as LOCK_FD. The working directory is changed for the moment of the start, since posix_spawn
    cannot: the worker must have a single thread.

    Raises:
        SpawnError: this command cannot be started on any machine.
        StartRefused: the machine starts no process at present.
    """
    opened: list[int] = []
    try:
        pid = _start(spec, lock, opened)
    except OSError as error:
        _close(opened)
        if error.errno == errno.E2BIG:
            raise SpawnError("cannot start: command and environment are too large") from None
        raise StartRefused(reason(error)) from None
    except MemoryError:
        _close(opened)
        raise StartRefused(_REASONS[errno.ENOMEM]) from None
    except ValueError as error:  # an invalid NUL or "=", or text that is not Unicode
        _close(opened)
        raise SpawnError(f"cannot start: {error}") from None
    except BaseException:
        _close(opened)
        raise
    out, out_end, err, err_end, *script = opened
    _close([out_end, err_end, *script])
    return pid, out, err


def _start(spec: AttemptSpec, lock: int | None, opened: list[int]) -> int:
    """Start the command and return its pid.

    Adds each new descriptor to `opened`: both ends of the pipe of stdout, those of stderr, and the script of a long
    command.
    """
    null = _null if _null >= 0 else _prepare()
    text = spec.command.encode()
    out, out_end = os.pipe()
    opened += out, out_end
    err, err_end = os.pipe()
    opened += err, err_end
    # Only the worker's ends: the job would see the flags of the others.
    os.set_blocking(out, False)
    os.set_blocking(err, False)
    actions = [
        (os.POSIX_SPAWN_DUP2, null, 0),
        (os.POSIX_SPAWN_DUP2, out_end, 1),
        (os.POSIX_SPAWN_DUP2, err_end, 2),
    ]
    if lock is not None:
        actions.append((os.POSIX_SPAWN_DUP2, lock, LOCK_FD))
    program, arguments, script = _program(spec, text)
    if script:
        opened.append(_move_above_lock(system.script_fd(_CLOSE_SCRIPT + text)))
        actions.append((os.POSIX_SPAWN_DUP2, opened[-1], SCRIPT_FD))
    if spec.cwd is None:
        return _spawn(program, arguments, spec.environment, actions)
    return _spawn_in(spec.cwd, program, arguments, spec.environment, actions)


def _program(spec: AttemptSpec, text: bytes) -> tuple[str | bytes, tuple[str | bytes, ...], bool]:
    """Return the program that runs a command, its arguments, and whether it reads the command from SCRIPT_FD."""
    shell: str | bytes = spec.shell
    if text.startswith(b"#!") or shell != SHELL:
        interpreter = interpreter_of(text) if spec.heeds_first_line and spec.script else None
        if interpreter is not None:
            write_script(spec.script, text)
            program = interpreter.program
            return program, (program, *interpreter.arguments, os.fsencode(spec.script)), False
        found = path_of(spec.shell, spec.environment)
        if found is None:
            raise SpawnError(f"cannot start: there is no shell {spec.shell!r} in the PATH of the job")
        shell = found
    if len(text) < ARGUMENT_MAX:
        # A command that begins with a dash is a command, and no option of the shell.
        dashes = ("--",) if text.startswith((b"-", b"+")) else ()
        return shell, (spec.shell, "-c", *dashes, text), False
    if is_like_sh(spec.shell) or not spec.script:
        return shell, (spec.shell, "-c", _FROM_SCRIPT), True
    write_script(spec.script, text)
    return shell, (spec.shell, os.fsencode(spec.script)), False


def _spawn(
    program: str | bytes,
    arguments: tuple[str | bytes, ...],
    environment: Mapping[bytes, bytes],
    actions: list[tuple[int, int, int]],
) -> int:
    try:
        return os.posix_spawn(
            program,
            arguments,
            environment,
            file_actions=actions,
            setsid=True,
            setsigmask=(),
            setsigdef=_DEFAULT_SIGNALS,
        )
    except OSError as error:
        if program == SHELL or error.errno not in _OF_PROGRAM:
            raise
        raise SpawnError(f"cannot start: {os.fsdecode(program)}: {error.strerror}") from None


def _spawn_in(
    cwd: str,
    program: str | bytes,
    arguments: tuple[str | bytes, ...],
    environment: Mapping[bytes, bytes],
    actions: list[tuple[int, int, int]],
) -> int:
    # Shells take over PWD where it names their directory, and only PWD keeps a path with its symlinks.
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
            return _spawn(program, arguments, environment, actions)
        finally:
            _go_back(home)
    finally:
        if home is not None:
            os.close(home)


def _open_home() -> int | None:
    """Open the worker's own directory; None where its user has no permission to search it."""
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
    # The job has started, and the worker does not need the directory.
    os.chdir("/")


def _prepare() -> int:
    """Prepare the first start: open /dev/null for all jobs, and make inherited descriptors close on exec."""
    global _null  # noqa: PLW0603 - one descriptor for all jobs of the process
    for name in os.listdir(_DESCRIPTORS):
        try:
            if int(name) > 2:
                os.set_inheritable(int(name), False)
        except OSError:
            pass  # the descriptor of the listing itself
    # Occupy 0 to 2: a pipe there would be overwritten before it is duplicated.
    fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    while fd <= 2:
        fd = os.dup(fd)
    _null = fd
    return fd


def _move_above_lock(fd: int) -> int:
    """Move a descriptor above LOCK_FD, where no other file action of the start writes."""
    import fcntl  # long commands are rare

    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, LOCK_FD + 1)
    finally:
        os.close(fd)


def _close(descriptors: list[int]) -> None:
    for fd in descriptors:
        os.close(fd)
