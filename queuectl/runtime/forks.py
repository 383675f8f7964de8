"""What a supervisor does with child processes: try whether one can be forked, signal, reap, and say how one ended."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from multiprocessing.process import BaseProcess


def try_fork() -> None:
    """Raise the OSError that a fork, or the pipes around it, would meet."""
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
    """Signal a child of ours; its pid is not reused before we have joined it."""
    if child.is_alive() and child.pid is not None:
        os.kill(child.pid, number)


def reap_adopted(ours: Collection[int]) -> None:
    """Take the status of what the jobs of dead workers left to us, the nearest subreaper; not of our own children."""
    if not hasattr(os, "waitid"):
        return  # macOS before Python 3.13: nothing is adopted there
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in ours:
            return
        os.waitpid(ended.si_pid, 0)


def how(exitcode: int | None) -> str:
    """Say how a process ended."""
    if exitcode is not None and exitcode < 0:
        return f"signal {-exitcode}"
    return f"exit code {exitcode}"
