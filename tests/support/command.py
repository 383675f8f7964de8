"""The command line as a process, where a test must choose its environment, directory, user or file descriptors."""

from __future__ import annotations

import os
import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

MODULE = (sys.executable, "-m", "queuectl.cli")
NOBODY = 65534


def environment(store: Path | str, **changes: str | None) -> dict[str, str]:
    """The environment of a command on `store`; a change to None takes a variable away."""
    made = {name: value for name, value in os.environ.items() if not name.startswith("QUEUECTL_")}
    made.pop("NO_COLOR", None)
    made["QUEUECTL_DB"] = str(store)
    for name, value in changes.items():
        made.pop(name, None)
        if value is not None:
            made[name] = value
    return made


def start(*words: str, env: Mapping[str, str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a command with pipes for its output."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen([*MODULE, *words], env=env, **options)  # type: ignore[return-value]


def has_opened_its_store(process: subprocess.Popen[bytes]) -> bool:
    """Whether it is past its start and at work."""
    with open(f"/proc/{process.pid}/maps") as maps:
        return ".db-shm" in maps.read()


class Done:
    """A command that has ended."""

    def __init__(self, process: subprocess.Popen[bytes], given: bytes | None = None) -> None:
        self.out, self.err = (data.decode() for data in process.communicate(given, timeout=60))
        self.code = process.returncode

    def refused(self, code: int, *words: str) -> None:
        """It ended with `code` and told in one error line, which contains `words`, and nothing else but a hint."""
        lines = self.err.splitlines()
        assert self.code == code, f"exit code {self.code}: {self.out}{self.err}"
        assert lines, "it said nothing"
        assert lines[0].startswith("error: "), self.err
        assert all(line.startswith("hint: ") for line in lines[1:]), self.err
        assert len(lines) <= 2, self.err
        for word in words:
            assert word in lines[0], lines[0]


def run(*words: str, env: Mapping[str, str], given: bytes | None = None, **options: Any) -> Done:
    """Run a command to its end."""
    if given is not None:
        options["stdin"] = subprocess.PIPE
    return Done(start(*words, env=env, **options), given)
