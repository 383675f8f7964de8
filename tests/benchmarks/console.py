"""Figures of the console over a million jobs, in a real pseudo-terminal."""

from __future__ import annotations

import os
import statistics
import threading
import time
from pathlib import Path

import apsw

from tests.benchmarks.figure import Figure, middle, paired
from tests.benchmarks.footprint import _rss, processor_nanoseconds
from tests.benchmarks.speed import fill
from tests.benchmarks.stage import QUEUECTL, Stage, python
from tests.support.console import Terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

JOBS = 1_000_000
VISIBLE = 40
MINIMAL = """
from textual.app import App
from textual.widgets import Footer, Header

class Minimal(App):
    BINDINGS = [("q", "quit", "Quit")]
    TITLE = "minimal"

    def compose(self):
        yield Header()
        yield Footer()

Minimal().run()
"""


def console(rounds: int) -> list[Figure]:
    """First paint, keys, processor and memory."""
    with Stage() as stage:
        fill(stage, JOBS)
        return [
            _first_paint(stage, rounds),
            _memory(stage),
            *_keys(stage, rounds),
            *_processor(stage, rounds),
        ]


def _open(stage: Stage) -> Terminal:
    terminal = Terminal("tui", env=stage.environment, program=QUEUECTL)
    terminal.wait_for(f"echo {JOBS}")
    return terminal


def _minimal(stage: Stage) -> Terminal:
    terminal = Terminal("-c", MINIMAL, env=stage.environment, program=python())
    terminal.wait_for("Quit")
    return terminal


def _first_paint(stage: Stage, rounds: int) -> Figure:
    def ours() -> float:
        return _timed(lambda: _open(stage))

    def minimal() -> float:
        return _timed(lambda: _minimal(stage))

    ratio, mine, theirs = paired(ours, minimal, rounds=rounds)
    return Figure(
        what=f"first paint over {JOBS:,} jobs / a minimal Textual app with Header and Footer",
        value=f"{ratio:.2f}",
        target="≤ 1.5 of its time",
        met=ratio <= 1.5,
        detail=f"{middle(mine) * 1000:.0f} / {middle(theirs) * 1000:.0f} ms",
    )


def _timed(open_: Callable[[], Terminal]) -> float:
    start = time.perf_counter()
    terminal = open_()
    taken = time.perf_counter() - start
    terminal.close()
    return taken


def _memory(stage: Stage) -> Figure:
    ours, minimal = _open(stage), _minimal(stage)
    time.sleep(2)
    more = (_rss(ours.pid) - _rss(minimal.pid)) / 1024
    ours.close()
    minimal.close()
    return Figure(
        what="memory of the console over the minimal app",
        value=f"{more:.0f} MiB",
        target="≤ 30 MiB",
        met=more <= 30,
    )


def _keys(stage: Stage, rounds: int) -> list[Figure]:
    terminal = _open(stage)
    time.sleep(1)
    figures = []
    for name, keys, back, limit in (
        ("cursor down", "j", "", 33),
        ("page down", "\x1b[6~", "", 33),
        ("end", "G", "g", 150),
        ("filter by state", "/state:dead\r", "\x1b", 150),
    ):
        waits = []
        for _ in range(rounds * 4):
            waits.append(_painted(terminal, keys))
            if back:
                _painted(terminal, back)
            _quiet(terminal)
        typical = statistics.median(waits) * 1000
        figures.append(
            Figure(
                what=f"key to painted row at {JOBS:,} jobs: {name}",
                value=f"{typical:.0f} ms",
                target=f"≤ {limit} ms",
                met=typical <= limit,
                detail=f"max {max(waits) * 1000:.0f} ms",
            )
        )
    terminal.close()
    return figures


def _painted(terminal: Terminal, keys: str) -> float:
    """Seconds from the key to the last bytes of the picture that answers it: 40 ms of silence end it."""
    seen = len(terminal.seen)
    start = last = time.perf_counter()
    terminal.press(keys)
    while terminal.read(0.04 if last > start else 1.0, since=seen):
        last = time.perf_counter()
        seen = len(terminal.seen)
    return last - start


def _quiet(terminal: Terminal) -> None:
    """Let the picture that follows a resting cursor be painted too."""
    deadline = time.perf_counter() + 0.4
    while time.perf_counter() < deadline:
        terminal.read(0.05)


def _processor(stage: Stage, rounds: int) -> list[Figure]:
    seconds = 4 * rounds
    terminal = _open(stage)
    _drain(terminal, 3)
    idle = _share(terminal, seconds)
    ended = threading.Event()
    writer = threading.Thread(target=_change_rows, args=(stage.path, ended))
    writer.start()
    _drain(terminal, 2)
    busy = _share(terminal, seconds)
    ended.set()
    writer.join()
    terminal.close()
    return [
        Figure(
            what=f"processor of the console with every visible row changing at 2 Hz, over {seconds} s",
            value=f"{busy:.1f} % of a core",
            target="≤ 5 %",
            met=busy <= 5,
        ),
        Figure(
            what=f"processor of the idle console, over {seconds} s",
            value=f"{idle:.1f} % of a core",
            target="< 1 %",
            met=idle < 1,
        ),
    ]


def _share(terminal: Terminal, seconds: int) -> float:
    before = _all_threads(terminal.pid)
    _drain(terminal, seconds)
    return 100 * (_all_threads(terminal.pid) - before) / 1e9 / seconds


def _drain(terminal: Terminal, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        terminal.read(0.1)


def _all_threads(pid: int) -> int:
    return sum(
        processor_nanoseconds(int(thread))
        for thread in os.listdir(f"/proc/{pid}/task")
        if Path(f"/proc/{thread}").exists()
    )


def _change_rows(path: str, ended: threading.Event) -> None:
    """Give every visible job another queue, twice a second, as another process would."""
    connection = apsw.Connection(path)
    connection.set_busy_timeout(5000)
    turn = 0
    while not ended.wait(0.5):
        turn += 1
        connection.execute(
            "UPDATE jobs SET queue = ?, updated_at = ? WHERE seq > ?", (f"turn{turn % 10}", turn, JOBS - VISIBLE)
        ).fetchall()
    connection.close()
