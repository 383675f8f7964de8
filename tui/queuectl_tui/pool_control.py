"""Start, stop and scale of the worker pool from the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.phrases import plural
from queuectl.domain.record import replace
from queuectl.operations import find
from queuectl.operations.commandline.render import command_line
from queuectl.operations.operation import Danger

if TYPE_CHECKING:
    from queuectl_tui.console import Console

_MOST_WORKERS = 64


class PoolControl:
    """The keys of the worker pool."""

    def __init__(self, console: Console) -> None:
        """Act for `console`."""
        self._console = console

    async def start(self) -> None:
        """Start workers that keep running when the console closes, after asking how many."""
        if not self._console.may_write():
            return
        from queuectl_tui.screens.number import NumberPrompt

        start = find("worker start")

        def line(number: int) -> str:
            return command_line(start, start.params(count=number, detach=True))

        asked = NumberPrompt(
            "Start workers", "How many? They keep running when the console closes.", value=4, low=1, high=_MOST_WORKERS,
            line=line, do="Start",
        )  # fmt: skip
        number = await self._console.push_screen_wait(asked)
        if number is not None:
            self._start(number)

    async def stop(self) -> None:
        """Let the workers finish their jobs, then stop, after confirmation."""
        console = self._console
        if not console.may_write():
            return
        workers = len(console.snapshot.workers)
        if not workers and not console.snapshot.pools:
            console.refuse(f"no workers are running: {console.shown_key('global.start_pool')} starts some")
            return
        from queuectl_tui.screens.confirm import Confirm

        stop = find("worker stop")
        lines = [
            _busy_workers(console.snapshot.busy),
            "Waiting jobs stay in the queue until workers are started again.",
        ]
        asked = Confirm(
            f"Stop {workers} {plural(workers, 'worker')}?", lines, command_line(stop, stop.params()), Danger.STOPS,
            do="Drain and stop",
        )  # fmt: skip
        if await console.push_screen_wait(asked):
            console.act(stop, stop.params(), about=f"stopped {workers} {plural(workers, 'worker')}")

    def scale(self, by: int) -> None:
        """Add or remove workers of the newest pool."""
        console = self._console
        if not console.may_write():
            return
        pools = [pool for pool in console.snapshot.pools if pool.stop is None and pool.only_job is None]
        if not pools:
            if by > 0:
                self._start(1)
            else:
                console.refuse("no workers are running")
            return
        pool = pools[-1]
        size = pool.size + by
        if size < 1:
            console.refuse(f"that is the last worker: {console.shown_key('global.stop_pool')} stops the pool")
            return
        # Shown at once, so that three quick presses add three workers.
        pools_now = tuple(replace(each, size=size) if each.id == pool.id else each for each in console.snapshot.pools)
        console.snapshot = replace(console.snapshot, pools=pools_now)
        scale = find("worker scale")
        name = pool.id if len(pools_now) > 1 else None
        console.act(scale, scale.params(size=size, pool=name), about=f"asked for {size} {plural(size, 'worker')}")

    def _start(self, count: int) -> None:
        start = find("worker start")
        self._console.act(
            start, start.params(count=count, detach=True), about=f"started {count} {plural(count, 'worker')}"
        )


def _busy_workers(count: int) -> str:
    if not count:
        return "No worker is running a job."
    if count == 1:
        return "1 worker is running a job, and finishes it first."
    return f"{count} workers are running jobs, and finish them first."
