"""The environment of each process of a job names its attempt."""

from __future__ import annotations

import subprocess

from queuectl.runtime import system
from tests.support.waiting import wait_until


def test_processes_with_any_cookie_are_found(half):
    with (
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, env={"A": "x", "QUEUECTL_RUN": "w-1-2", "Z": "y"}) as marked,
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, env={"NOT_QUEUECTL_RUN": "w-3-4"}) as unmarked,
    ):
        found = wait_until(lambda: (now := system.cookies()) and marked.pid in now and now)

        assert found[marked.pid] == (system.start_time(marked.pid), "w-1-2")
        assert unmarked.pid not in system.cookies()
        assert system.carrying("w-1-2") == {marked.pid: found[marked.pid][0]}

        marked.communicate()
        unmarked.communicate()
    assert marked.pid not in system.cookies()
