"""The command in messages that suggest the next one runs the same queuectl."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from queuectl import __version__
from queuectl.cli.program import called_by
from tests.support.queue import QUEUECTL, ROOT

TYPE_CHECKING = False

MODULE = str(ROOT / "queuectl" / "cli" / "__main__.py")
PACKAGE = str(ROOT / "queuectl" / "__main__.py")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A console script as a wheel has it."""
    script = tmp_path / "venv" / "bin" / "queuectl"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    return script


def called(monkeypatch: pytest.MonkeyPatch, program: str, *, here: Path, path: str) -> str:
    monkeypatch.setattr(sys, "argv", [program, "demo"])
    monkeypatch.setenv("PATH", path)
    monkeypatch.chdir(here)
    return called_by()


def test_a_checkout_is_called_by_its_launcher(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert called(monkeypatch, MODULE, here=ROOT, path="/usr/bin") == "./bin/queuectl"
    assert called(monkeypatch, PACKAGE, here=ROOT, path="/usr/bin") == "./bin/queuectl"
    assert called(monkeypatch, MODULE, here=tmp_path, path="/usr/bin") == QUEUECTL
    assert called(monkeypatch, MODULE, here=tmp_path, path=str(ROOT / "bin")) == "queuectl"


def test_where_the_current_directory_is_gone_the_path_is_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: Path
):
    gone = tmp_path / "gone"
    gone.mkdir()
    for program, expected in (
        (str(installed), str(installed)),
        (MODULE, QUEUECTL),
        ("venv/bin/other", "venv/bin/other"),
    ):
        monkeypatch.setattr(sys, "argv", [program, "demo"])
        monkeypatch.setenv("PATH", "/usr/bin")
        monkeypatch.chdir(gone)
        gone.rmdir()

        assert called_by() == expected

        monkeypatch.chdir(tmp_path)
        gone.mkdir()


def test_an_installed_program_on_path_is_called_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: Path
):
    assert called(monkeypatch, str(installed), here=tmp_path, path=str(installed.parent)) == "queuectl"
    assert called(monkeypatch, str(installed), here=tmp_path, path="/usr/bin") == "./venv/bin/queuectl"
    assert called(monkeypatch, str(installed), here=ROOT, path="/usr/bin") == str(installed)


def test_a_module_without_a_launcher_is_called_by_its_interpreter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    package = tmp_path / "site-packages" / "queuectl"

    for module in (package / "__main__.py", package / "cli" / "__main__.py"):
        assert called(monkeypatch, str(module), here=tmp_path, path="/usr/bin") == f"{sys.executable} -m queuectl"


@pytest.mark.parametrize("module", ["queuectl", "queuectl.cli"])
def test_the_package_and_its_command_line_run_as_modules(module: str):
    done = subprocess.run([sys.executable, "-m", module, "--version"], cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"queuectl {__version__}\n", "")
