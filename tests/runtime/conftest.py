"""Workers for the tests of the runtime, over both halves of the system package."""

from __future__ import annotations

import sys

import pytest

from queuectl.runtime import system
from queuectl.runtime.system import portable
from tests.support.attempts import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HALVES = ["linux", "portable"]


def use_half(half: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the Linux or the portable half for a test, and for the processes that it forks."""
    if half == "linux" and sys.platform != "linux":
        pytest.skip("this half is for Linux")
    if half == "portable":
        for name in system.__all__:
            monkeypatch.setattr(system, name, getattr(portable, name))


@pytest.fixture(params=HALVES)
def half(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    use_half(request.param, monkeypatch)
    return str(request.param)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start an attempt in a worker of its own."""
    workers: list[Worker] = []

    def start(command: str, **options: object) -> Worker:
        workers.append(Worker(command, str(tmp_path), **options))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()
