"""Child processes of a supervisor: test whether a fork succeeds, signal, reap, and describe how one ended."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from multiprocessing.process import BaseProcess


def try_fork() -> None:
    """Fork a child that exits at once. Raises the OSError that a fork, or the pipes around it, meets."""
    opened: list[int] = []
    try:
        for _ in range(2):
            opened += os.pipe()
        pid = os.fork()
    finally:
        for fd in opened:
            os.close(fd)
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)


def send(child: BaseProcess, number: int) -> None:
    """Signal a child of this process; its pid is not reused before it has been joined."""
    if child.is_alive() and child.pid is not None:
        os.kill(child.pid, number)


def reap_adopted(own: Collection[int]) -> None:
    """Reap adopted processes, which the jobs of dead workers left to this subreaper, but not the children `own`."""
    if not hasattr(os, "waitid"):
        return  # macOS before Python 3.13, where no orphans are adopted
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in own:
            return
        os.waitpid(ended.si_pid, 0)


def how(exitcode: int | None) -> str:
    """Describe how a process ended."""
    if exitcode is not None and exitcode < 0:
        return f"signal {-exitcode}"
    return f"exit code {exitcode}"
