"""What the machine allows a pool: open files, processes, and to stay when its user logs out."""

from __future__ import annotations

import os
import resource
import sys

from queuectl.domain.finding import Finding
from queuectl.runtime.machine import files_wanted
from queuectl.runtime.systemd_login import kills_at_logout, login_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuectl.domain.worker import PoolInfo

_PROCESSES_OF_A_POOL, _PROCESSES_OF_A_WORKER = 2, 4
"""A worker, its job's shell, and what that runs."""
_UNLIMITED = "unlimited"


def allowance(pools: Sequence[PoolInfo]) -> Iterator[Finding]:
    """Whether the limits leave room for the workers that are wanted: those of each pool, or ours where none runs."""
    for pool in pools or (None,):
        size = 1 if pool is None else pool.size
        whose = "here" if pool is None else f"for pool {pool.id}"
        workers = "1 worker" if size == 1 else f"{size} workers"
        files, processes = _limits(None if pool is None else pool.pid)
        files_needed = files_wanted(size)
        wanted = _PROCESSES_OF_A_POOL + _PROCESSES_OF_A_WORKER * size
        cures = []
        if files is not None and files < files_needed:
            cures.append(f"ulimit -n {max(1024, files_needed)}")
        # The limit counts all processes of the user, and root has none.
        if processes is not None and os.geteuid() and processes < wanted:
            cures.append(f"ulimit -u {max(4096, wanted)}")
        yield Finding(
            name="limits",
            detail=f"{_shown(files)} open files and {_shown(processes)} processes {whose}, {workers} wanted",
            cure=f"{'; '.join(cures)}, then start the pool" if cures else None,
        )


def logins(pools: Sequence[PoolInfo], user: str) -> Iterator[Finding]:
    """Whether the pools end when their `user` logs out."""
    found = [(pool, login) for pool in pools if (login := login_of(pool.pid, user)) is not None]
    if not found:
        systemd = os.path.isdir("/run/systemd/system")
        yield Finding(
            name="logout",
            detail="no pool depends on a login" if systemd else "not applicable: systemd does not run here",
        )
    for pool, login in found:
        if not login.session:
            yield Finding(
                name="logout",
                detail=f"pool {pool.id} is a service of {user}"
                + (", which lingers" if login.lingers else ", and ends when the last login does"),
                cure=None if login.lingers else "loginctl enable-linger",
            )
        elif (kills := kills_at_logout()) is False:
            yield Finding(name="logout", detail=f"pool {pool.id} belongs to a login, and stays when that ends")
        else:
            yield Finding(
                name="logout",
                detail=f"pool {pool.id} belongs to a login, and {'ends' if kills else 'may end'} with it"
                " (KillUserProcesses)",
                cure="loginctl enable-linger, then: systemd-run --user --scope queuectl worker start --detach",
            )


def _limits(pid: int | None) -> tuple[int | None, int | None]:
    """The limits of open files and of processes of `pid`; for None those that a pool would have which starts here.

    None where there is none. A pool raises its own limit of open files as far as the hard limit.
    """
    if pid is not None and sys.platform == "linux":
        try:
            with open(f"/proc/{pid}/limits", encoding="ascii", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError:
            lines = []
        given = {line[:25].strip(): line[26:].split()[0] for line in lines[1:]}
        if given:
            return _number(given.get("Max open files")), _number(given.get("Max processes"))
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    processes, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    return tuple(None if each == resource.RLIM_INFINITY else each for each in (files, processes))  # type: ignore[return-value]  # a pair


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _shown(limit: int | None) -> str:
    return _UNLIMITED if limit is None else str(limit)
