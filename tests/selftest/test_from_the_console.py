"""The self-test from the console: it runs in the background, and ends when the console is closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.console import Terminal
from tests.support.queue import Queue
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def terminal(queue: Queue) -> Iterator[Terminal]:
    queue.enqueue("true", "--id", "waiting")
    opened = Terminal("tui", env=queue.environment)
    opened.wait_for("waiting", 30)
    yield opened
    opened.close()


def type_in(terminal: Terminal, line: str) -> None:
    """Run a command line, once the console has opened its prompt."""
    terminal.press(":")
    terminal.wait_for("Add a job, or a file of jobs", 30)
    terminal.press(line + "\r")


def grounds(queue: Queue) -> list[Path]:
    return list(queue.directory.glob("selftest-*"))


def test_its_verdict_is_shown(terminal: Terminal, queue: Queue):
    type_in(terminal, "selftest --jobs 3 --enqueuers 1 --workers 2")

    terminal.wait_for("violation_count", 60)
    assert grounds(queue) == []


def test_it_ends_when_the_console_is_closed(terminal: Terminal, queue: Queue):
    type_in(terminal, "selftest --crash --minutes 5 --workers 2")
    wait_until(lambda: any((each / "ledger").exists() for each in grounds(queue)))

    terminal.press("q")

    assert terminal.wait(30) == 0
    wait_until(lambda: grounds(queue) == [])
