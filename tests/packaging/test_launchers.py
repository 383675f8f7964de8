"""bin/queuectl and bin/test without a requirement: one line of error names it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.queue import ROOT
from tests.support.waiting import PATIENCE

TOO_OLD = """#!/bin/sh
echo '3.9.2 no'
"""
NO_VENV = """#!/bin/sh
case "$*" in
*version_info*) echo "3.12.1 $0" ;;
*) exit 1 ;;
esac
"""


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
