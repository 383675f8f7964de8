"""The sandbox of a self-test: its own kills are not taken for faults of the pool."""

from __future__ import annotations

import signal
import subprocess

from queuectl.selftest.sandbox import Sandbox


def test_a_supervisor_has_ended_when_its_kill_returns():
    sandbox = Sandbox.__new__(Sandbox)
    sandbox._pool = subprocess.Popen(["sleep", "600"])

    assert sandbox.kill_supervisor()
    assert sandbox._pool.returncode == -signal.SIGKILL, "no later poll is needed to notice it"
    assert not sandbox.kill_supervisor()
