"""What the console sends to the terminal: its title, the clipboard, and a notice when a watched job has ended."""

from __future__ import annotations

from base64 import b64encode

from tests.support.console import Terminal
from tests.support.queue import Queue
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def wait_for_bytes(terminal: Terminal, wanted: bytes) -> None:
    def seen() -> bool:
        terminal.read(0.05)
        return wanted in terminal.seen

    wait_until(seen)


def test_the_title_shows_running_jobs_and_is_restored(console: Callable[..., Terminal], queue: Queue):
    terminal = console("tui")
    wait_for_bytes(terminal, b"\x1b[22;2t\x1b]2;0 running, 0 dead - queuectl\x07")

    queue.enqueue("exit 3", "--id", "broken", "--max-retries", "0")
    queue.start()
    assert queue.wait_for("broken") == "dead"
    wait_for_bytes(terminal, b"\x1b]2;0 running, 1 dead - queuectl\x07")

    terminal.press("q")
    assert terminal.wait(60) == 0
    assert terminal.seen.count(b"\x1b[23;2t") == 1


def test_a_copied_id_goes_to_the_terminals_clipboard(console: Callable[..., Terminal], queue: Queue):
    queue.enqueue("true", "--id", "job-4711")
    terminal = console("tui")
    terminal.wait_for("job-4711", 60)

    terminal.press("y")

    wait_for_bytes(terminal, b"\x1b]52;c;" + b64encode(b"job-4711"))


def test_the_end_of_a_watched_job_rings_and_notifies_the_terminal(console: Callable[..., Terminal], queue: Queue):
    waiting = f"while [ ! -e {queue.directory}/go ]; do sleep 0.05; done; exit 3"
    queue.enqueue(waiting, "--id", "long", "--max-retries", "0")
    queue.start()
    queue.busy_worker()
    terminal = console("tui")
    terminal.wait_for("processing", 60)
    terminal.wait_for("long", 60)

    terminal.press("W")
    terminal.wait_for("watching long", 60)
    assert b"\x1b]9;" not in terminal.seen
    (queue.directory / "go").touch()

    wait_for_bytes(terminal, b"\x1b]9;queuectl: long is dead after 1 attempt: while ")
    terminal.wait_for("long is dead", 60)
    words = terminal.seen.partition(b"\x1b]9;")[2].partition(b"\x07")[0]
    assert words.decode().isprintable()
    # Besides the one that ends the notice, which `text` omits.
    terminal.wait_for("\x07", 60)


def test_a_job_that_prints_its_progress_shows_it_while_it_runs(console: Callable[..., Terminal], queue: Queue):
    step = "printf '\\033]9;4;1;{}\\007'"
    waiting = f"while [ ! -e {queue.directory}/go ]; do sleep 0.05; done"
    queue.enqueue(f"{step.format(41)}; {waiting}; {step.format(83)}; sleep 60", "--id", "long")
    queue.start()
    queue.busy_worker()
    terminal = console("tui")
    terminal.wait_for(" 41%", 60)
    # Only the console's own words about it reach the terminal.
    assert b"\x1b]9;4" not in terminal.seen

    (queue.directory / "go").touch()

    terminal.wait_for(" 83%", 60)
