"""Check the limits of pools: open files, processes, and whether they end when their user logs out."""

from __future__ import annotations

import os
import resource
import sys

from queuectl.domain.finding import Finding
from queuectl.domain.phrases import plural
from queuectl.runtime.machine import files_wanted
from queuectl.runtime.systemd_login import kills_at_logout, login_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuectl.domain.worker import PoolInfo

_PROCESSES_OF_A_POOL, _PROCESSES_OF_A_WORKER = 2, 4
"""The supervisor and the steward; a worker, its job's shell, and processes that the shell starts."""
_UNLIMITED = "unlimited"


def allowance(pools: Sequence[PoolInfo]) -> Iterator[Finding]:
    """Check whether the limits of each pool suffice for its workers; without a pool, those of this process for one."""
    for pool in pools or (None,):
        size = 1 if pool is None else pool.size
        whose = "a pool started here" if pool is None else f"pool {pool.id}"
        workers = f"{size} {plural(size, 'worker')}"
        files, processes = _limits(None if pool is None else pool.pid)
        files_needed = files_wanted(size)
        processes_needed = _PROCESSES_OF_A_POOL + _PROCESSES_OF_A_WORKER * size
        cures = []
        needed = []
        if files is not None and files < files_needed:
            needed.append(f"{files_needed} files")
            cures.append(f"ulimit -n {max(1024, files_needed)}")
        # The limit counts all processes of the user; it does not apply to root.
        if processes is not None and os.geteuid() and processes < processes_needed:
            needed.append(f"{processes_needed} processes")
            cures.append(f"ulimit -u {max(4096, processes_needed)}")
        yield Finding(
            name="limits",
            detail=f"{whose} may have {_shown(files)} open files and {_shown(processes)} processes, "
            + (
                f"but {workers} may need {' and '.join(needed)}: some workers or jobs may not start"
                if needed
                else f"enough for {workers}"
            ),
            cure=f"{'; '.join(cures)}, then start the pool{'' if pool is None else ' again'}" if cures else None,
        )


def logins(pools: Sequence[PoolInfo], user: str) -> Iterator[Finding]:
    """Check whether the pools end when their `user` logs out."""
    with_login = [(pool, login) for pool in pools if (login := login_of(pool.pid, user)) is not None]
    if not with_login:
        systemd = os.path.isdir("/run/systemd/system")
        yield Finding(
            name="logout",
            detail="no pool depends on a login" if systemd else "not applicable: systemd does not run here",
        )
    for pool, login in with_login:
        if not login.session:
            yield Finding(
                name="logout",
                detail=f"pool {pool.id} is a service of {user}"
                + (", which lingers" if login.lingers else ", and ends with the user's last login"),
                cure=None if login.lingers else "loginctl enable-linger",
            )
        elif (kills := kills_at_logout()) is False:
            yield Finding(name="logout", detail=f"pool {pool.id} belongs to a login, and keeps running when that ends")
        else:
            yield Finding(
                name="logout",
                detail=f"pool {pool.id} belongs to a login, and {'ends' if kills else 'may end'} with it"
                " (KillUserProcesses)",
                cure="loginctl enable-linger, then: systemd-run --user --scope queuectl worker start --detach",
            )


def _limits(pid: int | None) -> tuple[int | None, int | None]:
    """Return the limits of open files and of processes of `pid`; for None, of a pool that would be started here.

    None stands for no limit. A pool raises its own limit of open files to the hard limit.
    """
    if pid is not None and sys.platform == "linux":
        try:
            with open(f"/proc/{pid}/limits", encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError:
            lines = []
        soft = {line[:25].strip(): line[26:].split()[0] for line in lines[1:]}
        if soft:
            return _number(soft.get("Max open files")), _number(soft.get("Max processes"))
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    processes, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    return tuple(None if each == resource.RLIM_INFINITY else each for each in (files, processes))  # type: ignore[return-value]  # a pair


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _shown(limit: int | None) -> str:
    return _UNLIMITED if limit is None else str(limit)
