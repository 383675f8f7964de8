"""Dependence of a process on a login: systemd ends what it started for a login with that login."""

from __future__ import annotations

import os
import re

from queuectl.domain.record import record

_SESSION = r"/session-[^/]+\.scope(?:/|$)"
_USER_SERVICE = r"/user@\d+\.service(?:/|$)"


@record
class Login:
    """The dependence of a process on a login of its user."""

    session: bool
    """Whether it belongs to one login; otherwise it is a service of the user's own systemd."""
    lingers: bool
    """Whether the user's services stay when the last login ends."""


def login_of(pid: int, user: str, root: str = "/") -> Login | None:
    """Return how `pid`, a process of `user`, depends on a login; None without systemd, or if it does not depend."""
    if not os.path.isdir(os.path.join(root, "run/systemd/system")):
        return None
    try:
        with open(os.path.join(root, f"proc/{pid}/cgroup"), encoding="utf-8", errors="replace") as file:
            groups = file.read()
    except OSError:
        return None
    lingers = os.path.exists(os.path.join(root, "var/lib/systemd/linger", user))
    if any(re.search(_SESSION, line) for line in groups.splitlines()):
        return Login(session=True, lingers=lingers)
    if any(re.search(_USER_SERVICE, line) for line in groups.splitlines()):
        return Login(session=False, lingers=lingers)
    return None


def kills_at_logout() -> bool | None:
    """Return whether this machine ends what a login has started (KillUserProcesses); None where that is unknown."""
    # Loaded here: only the doctor needs it, and only where systemd runs.
    from subprocess import TimeoutExpired, run

    try:
        command = ["loginctl", "show-session", "--property=KillUserProcesses", "--value"]
        value = run(command, capture_output=True, timeout=5, check=False).stdout.strip()
    except (OSError, TimeoutExpired):
        return None
    return {b"yes": True, b"no": False}.get(value)
