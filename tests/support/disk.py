"""A small file system of its own, for tests that fill it or make it read-only."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """Mount `size` at `place`; skips the test, with the reason, where that is not permitted."""
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("mounting a small file system needs root: " + made.stderr.decode().strip())
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def bound(file: Path, to: Path) -> Iterator[Path]:
    """Give a file a second name by a bind mount; skips the test, with the reason, where that is not permitted."""
    to.touch()
    made = subprocess.run(["mount", "--bind", str(file), str(to)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("binding a file needs root: " + made.stderr.decode().strip())
    try:
        yield to
    finally:
        subprocess.run(["umount", "-l", str(to)], check=True)


def make_read_only(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)


def fill(place: Path) -> None:
    """Fill the file system to the last byte."""
    with (place / "ballast").open("ab", buffering=0) as file:
        for size in (65_536, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
