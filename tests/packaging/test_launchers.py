"""bin/queuectl and bin/test without a requirement: one line of error names it."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.queue import ROOT
from tests.support.waiting import PATIENCE, wait_until

TOO_OLD = """#!/bin/sh
echo '3.9.2 no'
"""
NO_VENV = """#!/bin/sh
case "$*" in
*version_info*) echo "3.12.1 $0" ;;
*) exit 1 ;;
esac
"""

WORKING = """#!/bin/sh
case "$*" in
*version_info*) echo "3.12.1 $0" ;;
*"-m venv"*)
    for last; do :; done
    mkdir -p "$last/bin"
    ln -s "$0" "$last/bin/python"
    ;;
*"-m pip install"*)
    echo "installed: $*"
    : >"$GATE.reached"
    while [ ! -e "$GATE" ]; do sleep 0.1; done
    ;;
*"import sys, pip"*) exit 1 ;;
esac
"""
"""Stands for Python: pip waits for the file GATE."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without .venv, in a directory with a space in its name."""
    made = tmp_path / "a checkout"
    made.mkdir()
    shutil.copytree(ROOT / "bin", made / "bin")
    for name in ("pyproject.toml", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, made)
    return made


def start(checkout: Path, command: str, python: str | None) -> subprocess.CompletedProcess[str]:
    """Run a command where `python`, a script, is the only Python on PATH."""
    path = checkout / "path"
    path.mkdir()
    for tool in ("sh", "readlink", "mkdir", "rm", "touch", "dirname"):
        program = shutil.which(tool)
        assert program
        (path / tool).symlink_to(program)
    if python is not None:
        (path / "python3").write_text(python)
        (path / "python3").chmod(0o755)
    return subprocess.run(
        [str(checkout / "bin" / command)],
        env={"PATH": str(path)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("command", ["queuectl", "test"])
@pytest.mark.parametrize(
    ("python", "expected"),
    [
        (None, "needs Python 3.11 or newer, but there is no python3"),
        (TOO_OLD, "needs Python 3.11 or newer, but python3 is 3.9.2"),
        (NO_VENV, "cannot make virtual environments"),
    ],
)
def test_a_missing_requirement_is_one_line_of_error(checkout: Path, command: str, python: str | None, expected: str):
    done = start(checkout, command, python)

    assert done.returncode in {126, 127}
    assert done.stdout == ""
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (checkout / ".venv").exists()


@pytest.fixture
def set_up(checkout: Path) -> dict[str, str]:
    """The environment of a set-up whose pip waits for the file GATE."""
    python = checkout / "python"
    python.write_text(WORKING)
    python.chmod(0o755)
    return {"PATH": os.environ["PATH"], "PYTHON": str(python), "GATE": str(checkout / "gate"), "TERM": "xterm"}


def test_the_first_run_shows_on_a_terminal_that_it_goes_on(checkout: Path, set_up: dict[str, str]):
    terminal, other = pty.openpty()
    process = subprocess.Popen([checkout / "bin" / "setup"], env=set_up, stdout=subprocess.PIPE, stderr=other)
    os.close(other)
    seen = b""
    while b"installing packages, 2 s" not in seen:
        assert select.select([terminal], [], [], PATIENCE)[0], seen
        seen += os.read(terminal, 4096)
    Path(set_up["GATE"]).touch()
    out, _ = process.communicate(timeout=PATIENCE)
    with suppress(OSError):  # the other side is closed
        while data := os.read(terminal, 4096):
            seen += data
    os.close(terminal)

    assert (process.returncode, out) == (0, b"")
    assert b"once: installs Python packages over the network, which takes about a minute\r\n" in seen
    assert seen.endswith(b"\r\x1b[K")


@pytest.mark.parametrize("stderr", ["2>err", "2>&-", "2>err >&-"])
def test_off_a_terminal_the_first_run_is_one_line_on_stderr(checkout: Path, set_up: dict[str, str], stderr: str):
    Path(set_up["GATE"]).touch()
    done = subprocess.run(
        ["sh", "-c", f"'{checkout}/bin/setup' {stderr}"],
        env=set_up,
        cwd=checkout,
        capture_output=True,
        timeout=PATIENCE,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    if "err" in stderr:
        lines = (checkout / "err").read_text().splitlines()
        about = "once: installs Python packages over the network, which takes about a minute"
        assert [line for line in lines if not line.startswith("installed: ")] == [
            f"queuectl: sets up {checkout}/.venv, {about}"
        ]


def test_a_first_run_that_is_killed_leaves_no_process(checkout: Path, set_up: dict[str, str]):
    terminal, other = pty.openpty()
    process = subprocess.Popen([checkout / "bin" / "setup"], env=set_up, stderr=other, start_new_session=True)
    os.close(other)
    wait_until(lambda: Path(set_up["GATE"] + ".reached").exists())
    process.kill()
    process.wait()
    Path(set_up["GATE"]).touch()

    wait_until(lambda: not in_session(process.pid))
    os.close(terminal)


def in_session(session: int) -> list[str]:
    """Return the pids of the processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            if int(stat.read_text().rpartition(")")[2].split()[3]) == session:
                found.append(stat.parent.name)
    return found


def test_pytest_without_its_requirements_names_the_command_that_installs_them():
    hide = """
import importlib.util, sys
import pytest
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {"hypothesis", "yaml"} else real(name, *rest)
sys.exit(pytest.main(["-q"]))
"""
    done = subprocess.run([sys.executable, "-c", hide], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 4
    expected = "ERROR: run ./bin/test, which sets up what the tests need (hypothesis, yaml)"
    assert [line for line in (done.stdout + done.stderr).splitlines() if line] == [expected]
