"""The guardian of a self-test that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from queuectl.runtime.locks import hold
from queuectl.selftest.sandbox import ALIVE
from tests.support.queue import ROOT
from tests.support.waiting import PATIENCE, wait_until

GUARDIAN = (sys.executable, "-m", "queuectl.selftest.guardian")


@pytest.fixture
def ground(tmp_path: Path) -> Path:
    made = tmp_path / "selftest-1"
    made.mkdir()
    (tmp_path / "run").mkdir()
    return made


def guard(ground: Path) -> subprocess.Popen[bytes]:
    """Start a guardian whose command only counts how often it is run to stop the pools."""
    asked = ground.parent / "asked"
    command = ("/bin/sh", "-c", f'echo "$@" >> {asked}', "sh")
    words = [*GUARDIAN, str(ground), str(ground.parent / "run"), str(ground / "queue.db"), *command]
    return subprocess.Popen(words, stdin=subprocess.PIPE, cwd=ROOT)


def test_it_deletes_nothing_while_a_pool_that_the_store_does_not_know_lives(ground: Path):
    lock = hold(str(ground / ALIVE))
    starting = subprocess.Popen(["sleep", "600"], pass_fds=(lock,))
    os.close(lock)
    asked = ground.parent / "asked"
    guardian = guard(ground)

    assert guardian.stdin is not None
    guardian.stdin.close()
    wait_until(lambda: asked.exists() and asked.read_text().count("worker stop --now") >= 3)
    assert ground.exists()
    starting.kill()
    starting.wait()

    assert guardian.wait(PATIENCE) == 0
    assert os.listdir(ground.parent) == ["asked"]


def test_it_leaves_everything_to_a_self_test_that_ends_by_itself(ground: Path):
    guardian = guard(ground)

    guardian.communicate(b"all is done\n")

    assert guardian.wait(PATIENCE) == 0
    assert sorted(os.listdir(ground.parent)) == ["run", "selftest-1"]
