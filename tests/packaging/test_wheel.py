"""The contents of the wheel, and its installation."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.queue import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    words = [
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-w",
        str(target),
        str(ROOT),
    ]
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    (made,) = target.glob("queuectl_console-*.whl")
    return made


def test_the_wheel_has_only_the_packages_with_their_sql_and_scripts(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()

    packages = {name.split("/")[0] for name in names if ".dist-info" not in name and ".data" not in name}
    assert packages == {"queuectl", "queuectl_tui"}
    for needed in ("store/queries.sql", "store/invariants.sql", "store/sqlite/migrations/0001_queue.sql", "py.typed"):
        assert f"queuectl/{needed}" in names
    for shell in ("bash", "zsh", "fish"):
        assert f"queuectl/operations/completion.{shell}" in names


def test_the_wheel_has_the_man_page_where_man_finds_it(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if ".data/" in each)

        assert name.endswith(".data/data/share/man/man1/queuectl.1")
        assert archive.read(name) == (ROOT / "docs" / "queuectl.1").read_bytes()


def test_an_installed_wheel_runs(wheel: Path, tmp_path: Path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); from queuectl.cli.main import entry; entry()"

    done = subprocess.run(
        [sys.executable, "-I", "-c", code, "--db", str(tmp_path / "queue.db"), "enqueue", "true"],
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr
