"""bin/queuectl and bin/test where something is missing: one line says what."""

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
    """Start a command where the only Python is this script."""
    path = checkout / "path"
    path.mkdir()
    for tool in ("sh", "readlink", "mkdir", "rm", "touch", "dirname"):
        found = shutil.which(tool)
        assert found
        (path / tool).symlink_to(found)
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
    ("python", "said"),
    [
        (None, "needs Python 3.11 or newer, but there is no python3"),
        (TOO_OLD, "needs Python 3.11 or newer, but python3 is 3.9.2"),
        (NO_VENV, "cannot make virtual environments"),
    ],
)
def test_one_line_says_what_is_missing(checkout: Path, command: str, python: str | None, said: str):
    done = start(checkout, command, python)

    assert done.returncode in {126, 127}
    assert done.stdout == ""
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (checkout / ".venv").exists()


def test_pytest_without_what_the_tests_need_names_the_program_that_sets_it_up():
    hide = """
import importlib.util, sys
import pytest
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {"hypothesis", "yaml"} else real(name, *rest)
sys.exit(pytest.main(["-q"]))
"""
    done = subprocess.run([sys.executable, "-c", hide], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 4
    told = "ERROR: run ./bin/test, which sets up what the tests need (hypothesis, yaml)"
    assert [line for line in (done.stdout + done.stderr).splitlines() if line] == [told]
