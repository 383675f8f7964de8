"""The console in a real terminal, over a real store with real workers."""

from __future__ import annotations

import signal
from functools import partial

import pytest

from tests.support.console import ALTERNATE_OFF, ALTERNATE_ON, Terminal
from tests.support.queue import Queue
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def pressed(terminal: Terminal, key: str, queue: Queue) -> bool:
    """Press a key; return whether the job is no longer dead."""
    terminal.press(key)
    try:
        terminal.wait_for("queuectl retry broken", seconds=1)
    except AssertionError:
        return False
    return queue.state("broken") != "dead"


def test_an_operator_runs_watches_repairs_and_quits(console: Callable[..., Terminal], queue: Queue):
    queue.enqueue("test -e fixed", "--id", "broken", "--max-retries", "0")
    terminal = console()
    terminal.wait_for("broken")

    terminal.press("S")
    terminal.wait_for("How many?")
    terminal.press("\r")
    wait_until(lambda: len(queue.workers()) > 0)
    terminal.wait_for("dead")
    assert queue.wait_for("broken") == "dead"

    (queue.directory / "fixed").touch()
    # A key is ignored for a moment after the row under the cursor has changed: an operator presses it again.
    wait_until(partial(pressed, terminal, "r", queue))
    assert queue.wait_for("broken", "completed") == "completed"

    terminal.press("X")
    terminal.wait_for("Drain and stop")
    terminal.press("y")
    wait_until(lambda: not queue.workers())

    terminal.press("q")
    assert terminal.wait() == 0
    assert ALTERNATE_ON in terminal.seen
    assert ALTERNATE_OFF in terminal.seen


def test_without_a_command_on_a_terminal_the_console_opens(console: Callable[..., Terminal]):
    terminal = console()

    terminal.press("q")

    assert terminal.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_restores_the_terminal(console: Callable[..., Terminal], number: int):
    terminal = console("tui")

    terminal.signal(number)

    assert terminal.wait() == 128 + number
    assert terminal.seen.rindex(ALTERNATE_OFF) > terminal.seen.rindex(ALTERNATE_ON)
    assert terminal.mode() == terminal.before


def test_closing_the_console_leaves_workers_and_their_jobs_running(console: Callable[..., Terminal], queue: Queue):
    terminal = console()
    terminal.press("S")
    terminal.wait_for("How many?")
    terminal.press("\r")
    wait_until(lambda: len(queue.workers()) > 0)
    queue.enqueue(f"while [ ! -e {queue.directory}/go ]; do sleep 0.05; done", "--id", "job")
    queue.busy_worker()

    terminal.signal(signal.SIGHUP)
    terminal.wait()

    assert queue.state("job") == "processing"
    (queue.directory / "go").touch()
    assert queue.wait_for("job") == "completed"


def test_ctrl_c_shows_a_hint_and_quits_at_the_second_press(console: Callable[..., Terminal]):
    terminal = console()

    terminal.press("\x03")
    terminal.wait_for("again")
    terminal.press("\x03")

    assert terminal.wait() in {0, 130}


def test_read_only_keeps_the_store_unchanged(console: Callable[..., Terminal], queue: Queue):
    queue.enqueue("true", "--id", "job")
    terminal = console("tui", "--read-only")
    terminal.wait_for("job")

    terminal.press("x")
    terminal.wait_for("read-only")

    assert queue.state("job") == "pending"
