"""View 2: the workers, with their jobs and health."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work

from queuectl.domain.phrases import plural
from queuectl.domain.record import record, replace
from queuectl.domain.text import one_line, safe
from queuectl.domain.units import format_bytes, format_duration
from queuectl.operations.operation import Danger
from queuectl.runtime.liveness import WorkerState
from queuectl_tui.keymap import bindings, hint
from queuectl_tui.screens.list_view import ListView
from queuectl_tui.theme import STATE_STYLE
from queuectl_tui.widgets.charts import spark
from queuectl_tui.widgets.line_list import LineList, Row
from queuectl_tui.widgets.lines import Column, Lines, paint_of, spread_out
from queuectl_tui.worker_trend import Trend

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from queuectl.domain.worker import PoolInfo
    from queuectl.operations.context import Context
    from queuectl.runtime.liveness import LiveWorker
    from queuectl_tui.keymap import KeyHint
    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.widgets.lines import Line, Piece

COLUMNS = (
    Column(title="WORKER", width=8),
    Column(title="STATE", width=10),
    Column(title="PID", width=7, right=True, from_width=106),
    Column(title="JOB", width=10, grows=True),
    Column(title="RUN", width=6, right=True),
    Column(title="CPU", width=4, right=True),
    Column(title="MEM", width=5, right=True),
    Column(title="BEAT", width=5, right=True),
    Column(title="DONE/FAIL", width=9, right=True),
    Column(title="LAST 2 MIN", width=12, from_width=96),
)
_HOST = Column(title="HOST", width=10, from_width=80)
_ASKED = 200
"""Maximum number of workers whose jobs are looked up: more than any screen shows."""
_POOLS = 3
_LATE = 0.8
"""Part of its timeout after which a job is shown as late."""
_BUSY_CPU = 0.8
_OFTEN = 0.2
"""Part of its attempts that may fail before a worker's count is shown in colour."""


@record
class JobNow:
    """The job that a worker runs."""

    id: str
    command: str
    queue: str
    attempt: int
    started_at: int
    timeout_ms: int | None


class WorkersView(ListView):
    """The pools at the top, the workers below, and the selected worker at the bottom."""

    view_name = "workers"
    title = "Workers"
    scope = "workers"
    BINDINGS: ClassVar[list[BindingType]] = bindings("workers")
    DEFAULT_CSS = """
    WorkersView {
        layout: vertical;
        #pools { height: auto; max-height: 4; padding: 0 1; margin-bottom: 1; }
        #workers-titles { height: 1; }
        #worker-detail { height: 5; padding: 0 1; border-top: solid $panel; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        """Create the view without workers."""
        super().__init__(LineList(id="worker-list"), id=id)
        self._snapshot: Snapshot | None = None
        self._trends: dict[str, Trend] = {}
        self._jobs: dict[str, JobNow] = {}
        self._asked: tuple[tuple[str, str], ...] = ()
        self._columns: tuple[Column, ...] = COLUMNS

    def compose(self) -> ComposeResult:
        yield Lines(id="pools")
        yield Lines(id="workers-titles")
        yield self._list
        yield Lines(id="worker-detail")

    def show(self, snapshot: Snapshot) -> None:
        """Show the workers; jobs that were not running before are looked up."""
        if snapshot.error is None:
            there = {worker.info.id for worker in snapshot.workers}
            self._trends = {id_: trend for id_, trend in self._trends.items() if id_ in there}
            for worker in snapshot.workers:
                self._trends.setdefault(worker.info.id, Trend()).see(worker, snapshot.at)
        self._snapshot = snapshot
        running = tuple(
            (seen.info.id, seen.info.job) for seen in snapshot.workers[:_ASKED] if seen.info.job is not None
        )
        if running != self._asked:
            self._asked = running
            self.console.reader.ask(lambda context: jobs_of(context, running), self._take_jobs, "workers.jobs")
        self._paint()

    def tick(self) -> None:
        """Update run times and heartbeat ages each second."""
        if self._snapshot is not None and self._snapshot.error is None:
            self._snapshot = replace(self._snapshot, at=max(self.console.clock.now(), self._snapshot.at))
            self._paint()

    def _take_jobs(self, jobs: dict[str, JobNow]) -> None:
        self._jobs = jobs
        self._paint()

    def _paint(self) -> None:
        snapshot = self._snapshot
        if snapshot is None or not self.children:
            return
        width = self.size.width
        may_write = not self.console.read_only
        start = self.console.shown_key("global.start_pool")
        self._list.empty = "no worker is running" + (f"\n\n{start} starts a pool" if may_write else "")
        pools = self.query_one("#pools", Lines)
        lines = pool_lines(snapshot, width - 2, start_key=start if may_write else "")
        pools.styles.height = len(lines)
        pools.show(lines)
        self._columns = COLUMNS if len(hosts_of(snapshot)) < 2 else (*COLUMNS[:2], _HOST, *COLUMNS[2:])
        self._paint_titles(self._columns)
        stops = {pool.id: pool.stop for pool in snapshot.pools}
        rows = [self._row(worker, snapshot.at, stops.get(worker.info.pool)) for worker in snapshot.workers]
        # No ghost rows: no action here is on one worker, and one that has ended must not look alive.
        self._list.show(rows, ghosts=False)
        self._paint_detail()

    def _row(self, worker: LiveWorker, at: int, stop: str | None) -> Row:
        info = worker.info
        trend = self._trends.get(info.id)
        state = state_of(worker, stop)
        glyph, word, role = STATE_STYLE[state]
        job = self._job_of(worker)
        if info.job is None:
            doing: Piece = ("", "text")
        else:
            doing = (one_line(info.job, 20) + (f"  {one_line(job.command, 200)}" if job else ""), "text")
        cpu = trend.cpu if trend is not None else None
        beat = None if worker.last_beat_at is None else max(at - worker.last_beat_at, 0)
        paint = paint_of(self)
        return Row(
            key=info.id,
            columns=self._columns,
            can_mark=False,
            cells=(
                (safe(info.id), "title"),
                (f"{glyph} {word}", role),
                *([(safe(info.host), "text")] if _HOST in self._columns else []),
                (str(info.pid), "dim"),
                doing,
                (_clock(at - job.started_at) if job else "", _late(job, at)),
                ("" if cpu is None else f"{cpu:.0%}", "warning" if cpu is not None and cpu >= _BUSY_CPU else "text"),
                (short_bytes(worker.memory_bytes), "text"),
                ("" if beat is None else _age(beat), "error" if state == "stale" else "dim"),
                (
                    f"{info.completed:,}/{info.failed:,}",
                    "warning" if info.failed > (info.completed + info.failed) * _OFTEN else "text",
                ),
                (spark(trend.series(at) if trend else (), 12, ascii_only=paint.ascii_only), "bar"),
            ),
        )

    def _job_of(self, worker: LiveWorker) -> JobNow | None:
        job = self._jobs.get(worker.info.id)
        return job if job is not None and job.id == worker.info.job else None

    def _selected(self) -> LiveWorker | None:
        if self._snapshot is None:
            return None
        cursor = self._list.cursor
        return next((worker for worker in self._snapshot.workers if worker.info.id == cursor), None)

    @on(LineList.Moved)
    def _moved(self) -> None:
        self._paint_detail()
        self.console.show_hints()

    def _paint_detail(self) -> None:
        worker, snapshot = self._selected(), self._snapshot
        lines: list[Line] = []
        if worker is not None and snapshot is not None:
            lines = self._detail(worker, snapshot)
        self.query_one("#worker-detail", Lines).show(lines)

    def _detail(self, worker: LiveWorker, snapshot: Snapshot) -> list[Line]:
        info, width = worker.info, self.size.width - 2
        stop = next((pool.stop for pool in snapshot.pools if pool.id == info.pool), None)
        state = state_of(worker, stop)
        glyph, word, role = STATE_STYLE[state]
        up = format_duration(max(snapshot.at - info.started_at, 0))
        meaning = _meaning(state, busy=info.job is not None)
        head: Line = ((f"{safe(info.id)}  ", "title"), (f"{glyph} {word}", role), (f"  {meaning}", "dim"))
        where: Line = ((f"pid {info.pid} on {safe(info.host)}   pool {safe(info.pool)}   up {up}", "dim"),)
        lines = [spread_out(head, where, width)] if width >= 100 else [head, where]
        job = self._job_of(worker)
        if job is not None:
            ran = _clock(snapshot.at - job.started_at)
            limit = "" if job.timeout_ms is None else f" of {_clock(job.timeout_ms)} allowed"
            text = f"job {safe(job.id)}   queue {safe(job.queue)}   attempt {job.attempt}   running {ran}{limit}"
            lines += [((text, _late(job, snapshot.at)),), (("$ ", "dim"), (one_line(job.command, width), "text"))]
        return lines

    def hints(self) -> list[KeyHint]:
        """Return the keys that apply to the selected worker."""
        found = []
        worker = self._selected()
        if worker is not None and worker.info.job is not None:
            found += [hint("list.open", "open job"), hint("workers.log")]
        if self._snapshot is not None and self._snapshot.pools and not self.console.read_only:
            found.append(hint("workers.stop_now"))
            found += [hint("global.more", "more"), hint("global.fewer", "fewer")]
        return found

    @on(LineList.Opened)
    def _open(self) -> None:
        worker = self._selected()
        if worker is not None and worker.info.job is not None:
            self.console.pages.job(worker.info.job)
        else:
            self.console.refuse("no worker that runs a job is under the cursor")

    def action_log(self) -> None:
        """Open the output of the worker's job."""
        worker = self._selected()
        if worker is not None and worker.info.job is not None:
            self.console.pages.log(worker.info.job)
        else:
            self.console.refuse("no worker that runs a job is under the cursor")

    @work
    async def action_stop_now(self) -> None:
        """Stop every pool at once, after confirmation."""
        from queuectl.operations.workers import STOP, Stop
        from queuectl_tui.screens.confirm import Confirm

        snapshot = self._snapshot
        if not self.console.may_write():
            return
        if snapshot is None or not snapshot.pools:
            self.console.refuse("no pool is running")
            return
        running = [safe(seen.info.job) for seen in snapshot.workers if seen.info.job is not None]
        workers = f"{len(snapshot.workers)} {plural(len(snapshot.workers), 'worker')}"
        asked = Confirm(
            f"Stop {workers} now?",
            [
                f"{self.console.shown_key('global.stop_pool')} drains instead: running jobs are finished first.",
                "Running jobs are ended and put back; what they have done so far is lost.",
            ],
            "queuectl worker stop --now",
            Danger.STOPS,
            do="Stop now",
            names=running,
        )
        if await self.app.push_screen_wait(asked):
            self.console.act(STOP, Stop(now=True), about=f"stopped {workers}")


_MEANING = {
    "idle": "waits for a job",
    "busy": "runs a job",
    "stale": "holds its lock, but has shown no sign of life for five seconds",
    "draining": "finishes its job, then stops",
    "stopping": "ends its job, puts it back and stops",
}


def state_of(worker: LiveWorker, stop: str | None) -> str:
    """Return the state of a worker; `stop` is how its pool was asked to stop."""
    if worker.state is WorkerState.STALE:
        return "stale"
    if stop is not None:
        return "stopping" if stop == "now" else "draining"
    # The pool itself continues: the worker is surplus, or its supervisor has died.
    return "draining" if worker.stopping else worker.state.value


def _meaning(state: str, *, busy: bool) -> str:
    return "stops" if not busy and state in {"draining", "stopping"} else _MEANING[state]


def pool_lines(snapshot: Snapshot, width: int, *, start_key: str) -> list[Line]:
    """Return a line for each pool: wanted and current size.

    `start_key` starts a pool; it is empty if the console is read-only.
    """
    gone: Line = (("! pool gone", "error"), (f"   {snapshot.orphans_text}", "warning"))
    start: Line = ((start_key, "key"), (" starts one", "dim")) if start_key else ()
    if snapshot.orphaned_workers and not snapshot.pools:
        return [spread_out(gone, start, width)]
    if not snapshot.pools:
        waiting = snapshot.counts.get("pending", 0) + snapshot.counts.get("failed", 0)
        left = f"{waiting:,} {'job waits' if waiting == 1 else 'jobs wait'}" if waiting else "no job waits"
        stopped: Line = (("■ no pool is running", "cancelled"), (f"   {left}", "failed" if waiting else "dim"))
        return [spread_out(stopped, start, width)]
    shown = _POOLS - bool(snapshot.orphaned_workers)
    lines = [_pool_line(pool, snapshot, width) for pool in snapshot.pools[:shown]]
    if len(snapshot.pools) > shown:
        lines.append(((f"and {len(snapshot.pools) - shown} more pools", "dim"),))
    return [*lines, gone] if snapshot.orphaned_workers else lines


def hosts_of(snapshot: Snapshot) -> set[str]:
    """Return the hosts that work on the store."""
    return {pool.host for pool in snapshot.pools} | {seen.info.host for seen in snapshot.workers}


def _pool_line(pool: PoolInfo, snapshot: Snapshot, width: int) -> Line:
    own = [worker for worker in snapshot.workers if worker.info.pool == pool.id]
    busy = sum(worker.info.job is not None for worker in own)
    glyph, word, role, more = _pool_state(pool, len(own), busy)
    up = format_duration(max(snapshot.at - pool.started_at, 0))
    queues = pool.queues if pool.only_job is None else (f"job {pool.only_job} only",)
    serves = one_line(", ".join(one_line(queue, 20) for queue in queues) or "every queue", 40)
    if pool.labels:
        serves += f"   labels {one_line(' '.join(pool.labels), 30)}"
    left: Line = (
        (f"{glyph} {word}", role),
        (f"  {len(own)} of {pool.size}", "title"), (f"  {busy} busy", "text"), (f"  {more}" if more else "", role),
    )  # fmt: skip
    where = f"on {one_line(pool.host, 20)}   " if len(hosts_of(snapshot)) > 1 else ""
    return spread_out(left, ((f"{one_line(pool.id, 12)}   {where}{serves}   up {up}", "dim"),), width)


def _pool_state(pool: PoolInfo, there: int, busy: int) -> tuple[str, str, str, str]:
    if pool.stop == "now":
        return *STATE_STYLE["stopping"], "running jobs are put back"
    if pool.stop is not None:
        return *STATE_STYLE["draining"], f"stops once {'its job is' if busy == 1 else f'{busy} jobs are'} done"
    if there < pool.size:
        return "○", "starting", "pending", f"{pool.size - there} to start"
    if there > pool.size:
        return "◇", "shrinking", "scheduled", f"{there - pool.size} to stop"
    return "▶", "running", "completed", ""


def jobs_of(context: Context, running: Iterable[tuple[str, str]]) -> dict[str, JobNow]:
    """Return the jobs that the workers run, by worker; a job deleted meanwhile is left out."""
    from queuectl.domain.errors import NotFound

    settings = context.settings
    found = {}
    for worker, id_ in running:
        try:
            listed = context.store.jobs.get(id_)
        except NotFound:
            continue
        if listed.latest is not None:
            found[worker] = JobNow(
                id=id_,
                command=listed.job.command,
                queue=listed.job.queue,
                attempt=listed.latest.attempt,
                started_at=listed.latest.started_at,
                timeout_ms=settings.timeout_ms(listed.job.timeout_ms),
            )
    return found


def short_bytes(count: int | None) -> str:
    """Format a size as `11M`, for a narrow column."""
    return "" if count is None else format_bytes(count).replace(" ", "").replace("iB", "").replace(".0", "")


def _age(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f}s" if milliseconds < 60_000 else _clock(milliseconds)


def _clock(milliseconds: int) -> str:
    minutes, seconds = divmod(max(milliseconds, 0) // 1000, 60)
    return f"{minutes}:{seconds:02d}" if minutes < 600 else f"{minutes // 60}h"


def _late(job: JobNow | None, at: int) -> str:
    late = job is not None and job.timeout_ms is not None and at - job.started_at > job.timeout_ms * _LATE
    return "warning" if late else "text"
