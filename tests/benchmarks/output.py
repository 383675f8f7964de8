"""Figures of job output in the console: the reader of terminal sequences, and a tick of a busy log."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from rich.ansi import AnsiDecoder

from queuectl_tui.screens.log import LogScreen
from queuectl_tui.widgets.log_pane import LogPane
from queuectl_tui.widgets.terminal_text import Terminal
from tests.benchmarks.figure import Figure, middle, paired
from tests.support.event_loop import settle
from tests.support.live_job import LiveJob
from tests.support.screen_harness import Stand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

HOSTILE = {
    "OSC without an end": "\x1b]" * 20_000,
    "CSI without an end": "\x1b[" * 20_000,
    "DCS without an end": "\x1bP" * 20_000,
    "carriage returns": "a\r" * 20_000,
    "cursor far to the right": "\x1b[999999C\rx" * 2000,
    "colours": "\x1b[38;5;1m" * 10_000,
}
PLAIN = "".join(f"line {n} of many, and nothing else on it\n" for n in range(5000))
COLOURED = "".join(f"\x1b[90m{n % 60:02}\x1b[0m \x1b[32mINFO\x1b[0m line {n} of many\n" for n in range(5000))
TICKS = 20


def output(rounds: int) -> list[Figure]:
    """Growth with hostile lines, coloured lines beside rich, and a tick."""
    growth = [_growth(name, text, rounds) for name, text in HOSTILE.items()]
    rich = [_beside_rich(kind, text, rounds) for kind, text in (("plain", PLAIN), ("coloured", COLOURED))]
    return [*growth, *rich, _tick()]


def _growth(name: str, text: str, rounds: int) -> Figure:
    ratio, four, one = paired(_timed(lambda: _read(text * 4)), _timed(lambda: _read(text)), rounds=rounds)
    return Figure(
        what=f"hostile line, {name}: four times the letters / once",
        value=f"{ratio:.1f}",
        target="≤ 6 × the time (the square would be 16)",
        met=ratio <= 6,
        detail=f"{middle(four) * 1000:.0f} / {middle(one) * 1000:.0f} ms",
    )


def _beside_rich(kind: str, text: str, rounds: int) -> Figure:
    ratio, ours, rich = paired(
        _timed(lambda: _read_lines(text)), _timed(lambda: [*AnsiDecoder().decode(text)]), rounds=rounds
    )
    return Figure(
        what=f"5,000 {kind} lines read / by rich.ansi",
        value=f"{ratio:.2f}",
        target="≤ 0.25 of its time",
        met=ratio <= 0.25,
        detail=f"{middle(ours) * 1000:.0f} / {middle(rich) * 1000:.0f} ms",
    )


def _read_lines(text: str) -> None:
    """Read whole lines, as the log does."""
    terminal = Terminal()
    for line in text.splitlines():
        terminal.whole(line)


def _read(text: str) -> None:
    terminal = Terminal()
    terminal.write(text)
    terminal.end()


def _timed(act: Callable[[], object]) -> Callable[[], float]:
    def timed() -> float:
        began = time.process_time()
        act()
        return time.process_time() - began

    return timed


def _tick() -> Figure:
    with tempfile.TemporaryDirectory() as directory:
        typical = middle(asyncio.run(_ticks(LiveJob(Path(directory), id="build")))) * 1000
    return Figure(
        what="a tick of the console's log, 50 new lines of a job that printed 5,000",
        value=f"{typical:.0f} ms of processor",
        target="≤ 16 ms (a frame)",
        met=typical <= 16,
    )


async def _ticks(job: LiveJob) -> list[float]:
    job.begin()
    job.print(COLOURED.encode())
    spent = []
    app = Stand(job.path, lambda: LogScreen("build"), clock=job.clock)
    async with app.run_test(size=(120, 40)):
        pane = app.screen.query_one(LogPane)
        while pane.view.rows.next < 5000:
            pane.read_on()
            await settle()
        for _ in range(TICKS):
            job.print(COLOURED.encode()[:2000])
            began = time.process_time()
            pane.read_on()
            await settle()
            spent.append(time.process_time() - began)
    return spent
