"""Requirements of a pool on the machine. Where one is missing no job can run, so the pool does not start."""

from __future__ import annotations

import errno
import os
import sys

from queuectl.domain.errors import MachineUnfit
from queuectl.runtime import system
from queuectl.runtime.locks import LOCK_FD
from queuectl.runtime.program import SHELL

_FILES = 1024
"""The usual limit of open files."""
_FILES_OF_A_POOL, _FILES_OF_A_WORKER = 64, 2
"""A worker inherits its supervisor's descriptors, two for each worker, and opens a few dozen of its own."""
_TRANSIENT = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ETXTBSY)
"""Errors of a start that may succeed later."""


def prepare(workers: int, bells: int) -> None:
    """Raise the limit of open files for `workers`. Raises MachineUnfit where no job, or not so many, can run."""
    _need_open_files(workers, bells)
    check()


def check() -> None:
    """Raise MachineUnfit where no job can be run, or be distinguished from other processes."""
    _check_process_table()
    try:
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise MachineUnfit(f"{os.devnull} cannot be opened: {error.strerror}") from None
    try:
        _check_shell(null)
    finally:
        os.close(null)


def files_wanted(workers: int, bells: int = 1) -> int:
    """Return how many open files a pool of `workers` needs, each of which listens to so many doorbells."""
    return max(LOCK_FD + 1, _FILES_OF_A_POOL + bells + _FILES_OF_A_WORKER * workers)


def allow_open_files(workers: int, bells: int) -> int:
    """Raise the soft limit of open files for `workers`; return how many of them the hard limit allows."""
    import resource  # loaded here: only supervisors and the doctor need it

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(_FILES, files_wanted(workers, bells))
    if resource.RLIM_INFINITY != soft < wanted:
        try:
            raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
        except (OSError, ValueError):
            pass  # macOS has another limit below the hard limit
    if soft == resource.RLIM_INFINITY:
        return workers
    if soft <= LOCK_FD:
        return 0
    return min(workers, (soft - _FILES_OF_A_POOL - bells) // _FILES_OF_A_WORKER)


def _need_open_files(workers: int, bells: int) -> None:
    allowed = allow_open_files(workers, bells)
    if allowed == workers:
        return
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not allowed:
        raise MachineUnfit(
            f"the limit of open files is {limit}, and jobs need more than {LOCK_FD}", hint=f"ulimit -n {_FILES}"
        )
    raise MachineUnfit(
        f"the limit of open files is {limit}, and {workers} workers need {files_wanted(workers, bells)}",
        hint=f"ulimit -n {files_wanted(workers, bells)}, or --count {allowed}",
    )


def _check_process_table() -> None:
    # A /proc of another pid namespace shows other processes under the same pids.
    if system.start_time(os.getpid()) is not None and (sys.platform != "linux" or _self() == str(os.getpid())):
        return
    if sys.platform != "linux":
        raise MachineUnfit("the system does not list this process")
    which = "is not mounted" if _self() is None else "is that of another pid namespace"
    raise MachineUnfit(f"/proc {which}, and no job can run without it", hint="mount -t proc proc /proc")


def _self() -> str | None:
    try:
        return os.readlink("/proc/self")
    except OSError:
        return None


def _check_shell(null: int) -> None:
    try:
        pid = os.posix_spawn(
            SHELL, (SHELL, "-c", ":"), os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, fd) for fd in range(3)]
        )
    except OSError as error:
        if error.errno in _TRANSIENT:
            return
        raise MachineUnfit(f"{SHELL}, which runs every job, cannot be started: {error.strerror}") from None
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        raise MachineUnfit(f"{SHELL}, which runs every job, does not work: {how}")
