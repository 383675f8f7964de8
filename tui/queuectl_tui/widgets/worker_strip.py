"""The workers below the jobs: one line each, as many as fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.text import one_line
from queuectl.domain.units import format_bytes
from queuectl_tui.console import console_of
from queuectl_tui.theme import STATE_STYLE
from queuectl_tui.widgets.job_rows import clock, coarse
from queuectl_tui.widgets.lines import Drawing, fitted

if TYPE_CHECKING:
    from queuectl.runtime.liveness import LiveWorker
    from queuectl.store.job_pages import Row
    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.widgets.lines import Line

_MOST = 5


class WorkerStrip(Drawing):
    """The current activity of each worker."""

    DEFAULT_CSS = """
    WorkerStrip { height: auto; width: 1fr; border: round $foreground 25%; border-title-color: $text;
        border-title-style: bold; border-subtitle-color: $text-muted; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        """Create the strip without workers."""
        super().__init__(id=id)
        self._workers: tuple[LiveWorker, ...] = ()
        self._jobs: dict[str, Row] = {}
        self._now = 0
        self._height = 1
        self.border_title = "Workers"

    def show(self, snapshot: Snapshot, jobs: dict[str, Row], now: int) -> None:
        """Show the workers; `jobs` are the jobs that they run, by id."""
        self._workers, self._jobs, self._now = snapshot.workers, jobs, now
        there, wanted = len(snapshot.workers), snapshot.wanted
        self.border_title = f"Workers {there} of {max(wanted, there)}" if there or wanted else "No workers"
        if there and not snapshot.pools:
            self.border_title = f"Workers {there}, pool gone"
        key = console_of(self).shown_key
        keys = f"{key('global.start_pool')} starts a pool"
        if snapshot.pools:
            keys = f"{key('global.more')} more  {key('global.fewer')} fewer  {key('global.stop_pool')} drain"
        self.border_subtitle = keys if self._may_write else ""
        height = min(max(there, 1), _MOST)
        if height != self._height:
            self._height = height
            self.styles.height = height + 2
        self.redraw()

    @property
    def _may_write(self) -> bool:
        return not getattr(self.app, "read_only", False)

    def lines(self, width: int, height: int) -> list[Line]:
        """Return a line for each worker; the busy ones are first when not all fit."""
        if not self._workers:
            start = console_of(self).shown_key("global.start_pool")
            how = f": {start} starts workers, which keep running when the console closes" if self._may_write else ""
            return [((f"No worker is running{how}.", "dim"),)]
        workers = list(self._workers)
        hidden = len(workers) - height
        if hidden > 0:
            workers.sort(key=lambda each: (each.state == "idle", each.state == "busy"))
            workers = workers[: height - 1]
        lines = [self._line(worker, width) for worker in workers]
        if hidden > 0:
            every = console_of(self).shown_key("global.view_2")
            lines.append(((f"and {hidden + 1} more: {every} shows all workers", "dim"),))
        return lines

    def _line(self, worker: LiveWorker, width: int) -> Line:
        info = worker.info
        state = worker.state.value
        glyph, word, role = STATE_STYLE[state]
        if state == "stopping":
            # Of a worker that finishes its job first: there is no space for "draining".
            (glyph, _, role), word = STATE_STYLE["draining"], "stops"
        elif state == "stale":
            role = "dead"  # not bold: the line has no other bold text
        job = self._jobs.get(info.job or "")
        run = "" if job is None or job.started_at is None else clock(self._now - job.started_at)
        beat = "" if worker.last_beat_at is None else coarse(self._now - worker.last_beat_at)
        memory = "" if worker.memory_bytes is None else format_bytes(worker.memory_bytes).replace(".0", "")
        right = f"  rss {memory:>8}  beat {beat:>4}  {f'{info.completed}/{info.failed}':>9}"
        hidden = f"{fitted(one_line(info.id, 9), 9)} "
        width_left = max(width - len(hidden) - 8 - len(right) - 8 - 10, 10)
        what = "" if info.job is None else one_line(f"{'' if job is None else job.command}", width_left)
        return (
            (hidden, "text"),
            (f"{glyph} {word:6} ", role),
            (fitted(one_line(info.job or "", 9), 9, right=True) + " ", "dim"),
            (fitted(what, width_left), "text"),
            (f" {run:>6}", "processing"),
            (right, "dim" if state != "stale" else "dead"),
        )
