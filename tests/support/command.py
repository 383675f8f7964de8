"""The command line as a process, where a test must choose its environment, directory, user or file descriptors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import forked
from tests.support.queue import ROOT
from tests.support.waiting import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

MODULE = (sys.executable, "-m", "queuectl.cli")
UNPRIVILEGED_UID = 65534

_started: list[subprocess.Popen[Any]] = []


def environment(store: Path | str, **changes: str | None) -> dict[str, str]:
    """Return the environment of a command on `store`; a change to None removes a variable."""
    made = {name: value for name, value in os.environ.items() if not name.startswith("QUEUECTL_")}
    made.pop("NO_COLOR", None)
    made["QUEUECTL_DB"] = str(store)
    for name, value in changes.items():
        made.pop(name, None)
        if value is not None:
            made[name] = value
    return made


def start(
    *words: str, env: Mapping[str, str], program: Sequence[str] = MODULE, **options: Any
) -> subprocess.Popen[bytes]:
    """Start a command with pipes for its output."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    # The options decide between bytes and text.
    process = subprocess.Popen([*program, *words], env=env, **options)
    _started.append(process)
    return process  # type: ignore[return-value]  # see above


def end_what_was_started() -> None:
    """End all commands that the test has started and that still run, as after a failure."""
    while _started:
        process = _started.pop()
        if process.poll() is None:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None and not pipe.closed:
                pipe.close()


def has_opened_its_store(process: subprocess.Popen[bytes]) -> bool:
    """Return whether the command is past its start-up."""
    with open(f"/proc/{process.pid}/maps") as maps:
        mapped = maps.read()
    return ".db-shm" in mapped or ("libpq" in mapped and _has_a_connection(process.pid))


def _has_a_connection(pid: int) -> bool:
    try:
        return any(os.readlink(each).startswith("socket:") for each in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False  # closed meanwhile


def as_user(uid: int) -> list[str]:
    """Return the words that run a command as another user, which needs root.

    All modules are loaded first, as that user may not be able to read this Python's files.
    """
    script = f"""
import importlib, os, pkgutil, sys
import ctypes, difflib, encodings.ascii, encodings.unicode_escape, multiprocessing.popen_fork, pwd, queuectl
for module in pkgutil.walk_packages(queuectl.__path__, "queuectl."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
os.setgroups([]), os.setgid({uid}), os.setuid({uid})
from queuectl.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
    return [sys.executable, "-c", script]


def skip_unless_others_can_run_it() -> None:
    """Skip a test where another user cannot be assumed, or could not read the checkout."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    if not os.stat(ROOT).st_mode & 0o005:
        pytest.skip("another user cannot read this checkout")


class Done:
    """A command that has ended."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code, self.out, self.err = code, out.decode(), err.decode()

    def refused(self, code: int, *words: str) -> None:
        """Assert that it ended with `code`, one error line that contains `words`, and at most a hint."""
        lines = self.err.splitlines()
        assert self.code == code, f"exit code {self.code}: {self.out}{self.err}"
        assert lines, "no error line"
        assert lines[0].startswith("error: "), self.err
        assert all(line.startswith("hint: ") for line in lines[1:]), self.err
        assert len(lines) <= 2, self.err
        for word in words:
            assert word in lines[0], lines[0]


def run(*words: str, env: Mapping[str, str], given: bytes | None = None, **options: Any) -> Done:
    """Run a command to its end."""
    if not options and forked.can_run(env):
        done = forked.run(words, env=env, cwd=os.getcwd(), given=given or b"")
        return Done(done.returncode, done.stdout, done.stderr)
    if given is not None:
        options["stdin"] = subprocess.PIPE
    return finished(start(*words, env=env, **options), given)


def finished(process: subprocess.Popen[bytes], given: bytes | None = None) -> Done:
    """Wait for a command to end."""
    out, err = process.communicate(given, timeout=PATIENCE)
    return Done(process.returncode, out, err)
