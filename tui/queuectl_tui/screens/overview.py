"""View 5: throughput, durations and failures, from what the workers count anyway."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal

from queuectl.domain.record import record
from queuectl.domain.text import one_line
from queuectl.domain.units import format_duration
from queuectl_tui.keymap import bindings, hint
from queuectl_tui.screens.views import View
from queuectl_tui.widgets.charts import Chart, TimeChart, outcome_lines, percentile_lines
from queuectl_tui.widgets.lines import Column, Drawing, Lines, paint_of, spread_out, table_line, titles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from queuectl.operations.context import Context
    from queuectl.store.stats import Rollup, SlowCommand
    from queuectl_tui.keymap import KeyHint
    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.widgets.lines import Line, Piece

    Draw: TypeAlias = Callable[[int, int, bool], list[Line]]

_QUEUES = (
    Column(title="QUEUE", width=7, grows=True),
    Column(title="IN", width=6, right=True),
    Column(title="DONE", width=6, right=True),
    Column(title="FAIL", width=4, right=True),
    Column(title="WAIT95", width=6, right=True, from_width=52),
    Column(title="RUN50", width=6, right=True),
)
_SLOW = (
    Column(title="SLOWEST COMMANDS", width=12, grows=True),
    Column(title="JOBS", width=4, right=True),
    Column(title="MEAN", width=6, right=True),
    Column(title="MOST", width=6, right=True),
)
_TALL = 29
"""Rows from which the second pair of charts is shown."""
_BAD, _WORRYING = 0.2, 0.05
"""Failure rates that are shown in colour."""


@record
class Span:
    """The period shown, in slots of some minutes."""

    label: str
    slots: int
    step: int
    every_ms: int
    """Minimum milliseconds between two reads: a day has many rows, and changes slowly."""


HOUR = Span(label="1 h", slots=60, step=1, every_ms=2000)
DAY = Span(label="24 h", slots=72, step=20, every_ms=15_000)


@record
class Figures:
    """The data that is drawn."""

    span: Span
    rollup: Rollup
    slow: tuple[SlowCommand, ...]


def figures(context: Context, span: Span) -> Figures:
    """Read the figures."""
    history = context.store.stats
    rollup = history.rollup(now=context.now(), slots=span.slots, step=span.step)
    return Figures(span=span, rollup=rollup, slow=tuple(history.slow_commands()))


class Panel(Drawing):
    """A part of the view that is drawn by a given function."""

    def __init__(self, *, id: str | None = None) -> None:
        """Create an empty panel."""
        super().__init__(id=id)
        self._draw: Draw = lambda _width, _height, _ascii: []

    def show(self, draw: Draw) -> None:
        """Set the function that draws, and redraw."""
        self._draw = draw
        self.redraw()

    def lines(self, width: int, height: int) -> list[Line]:
        """Return the lines that the function draws."""
        return self._draw(width, height, paint_of(self).ascii_only)


class OverviewView(View):
    """Charts, percentiles, and two short tables."""

    view_name = "overview"
    title = "Overview"
    scope = "overview"
    can_focus = True
    BINDINGS: ClassVar[list[BindingType]] = bindings("overview")
    DEFAULT_CSS = """
    OverviewView {
        layout: vertical;
        padding: 0 1;
        #facts { height: 1; }
        .row { height: 4; margin-top: 1; }
        .row > * { width: 1fr; }
        .row > .second { margin-left: 3; }
        .charts { height: 1fr; min-height: 5; }
        #outcomes { height: 2; margin-top: 1; }
        .tables { height: 1fr; min-height: 3; max-height: 12; }
        #times { display: none; }
        &.-tall #times { display: block; }
        &.-short .row { margin-top: 0; }
        &.-short #outcomes { margin-top: 0; }
        &.-short .charts { height: 6; }
        &.-short .spaced { margin-top: 1; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        """Show the last hour, not read yet."""
        super().__init__(id=id)
        self._span = HOUR
        self._snapshot: Snapshot | None = None
        self._figures: Figures | None = None
        self._read_at: int | None = None
        self._changed: int | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="facts")
        with Horizontal(classes="row charts"):
            yield TimeChart(id="in")
            yield self._second(TimeChart(id="out"))
        with Horizontal(classes="row charts", id="times"):
            yield TimeChart(id="wait-time")
            yield self._second(TimeChart(id="run-time"))
        yield Panel(id="outcomes")
        with Horizontal(classes="row spaced"):
            yield Panel(id="wait")
            yield self._second(Panel(id="run"))
        with Horizontal(classes="row tables spaced"):
            yield Panel(id="queues")
            yield self._second(Panel(id="slow"))

    @staticmethod
    def _second(widget: Drawing) -> Drawing:
        widget.add_class("second")
        return widget

    def on_view_shown(self) -> None:
        """Focus the view itself."""
        self.focus()

    def on_mount(self) -> None:
        """Paint content that arrived before the view was mounted."""
        self._paint()

    def on_resize(self) -> None:
        """Choose what is shown by the height."""
        self.set_class(self.size.height >= _TALL, "-tall")
        self.set_class(self.size.height < 22, "-short")
        self._paint_facts()

    def show(self, snapshot: Snapshot) -> None:
        """Read again after a change, but not more often than the span requires."""
        self._snapshot = snapshot
        due = self._read_at is None or snapshot.at - self._read_at >= self._span.every_ms
        moved = snapshot.changed != self._changed or snapshot.at // 60_000 != (self._read_at or 0) // 60_000
        if due and moved:
            self._read_at, self._changed = snapshot.at, snapshot.changed
            self._load()
        self._paint_facts()

    def _load(self) -> None:
        span = self._span
        self.console.reader.ask(lambda context: figures(context, span), self._take, "overview")

    def _take(self, found: Figures) -> None:
        if found.span != self._span or found == self._figures:
            return
        self._figures = found
        self._paint()

    def action_span(self) -> None:
        """Switch between the last hour and the last day."""
        self._span = DAY if self._span == HOUR else HOUR
        self._load()
        self.console.show_hints()

    def hints(self) -> list[KeyHint]:
        """Return the key that switches the span."""
        return [hint("overview.span", "24 h" if self._span == HOUR else "1 h")]

    def _paint(self) -> None:
        found = self._figures
        if found is None or not self.children:
            return
        rollup, since = found.rollup, f"{found.span.label} ago"
        if found.span.slots * found.span.step > 60:
            since = time.strftime("%H:%M", time.localtime(rollup.first * 60))
        per = "min" if found.span.step == 1 else f"{found.span.step} min"
        self._chart("in", Chart(
            title="In", series=(rollup.enqueued,), note=_note(rollup.enqueued, per), since=since,
        ))  # fmt: skip
        done = [well + badly for well, badly in zip(rollup.completed, rollup.failed, strict=True)]
        failed: Piece = (f"  {sum(rollup.failed):,} failed", "dead") if any(rollup.failed) else ("", "text")
        self._chart("out", Chart(
            title="Out", series=(rollup.completed, rollup.failed), roles=("completed", "dead"),
            note=_note(done, per, failed), since=since,
        ))  # fmt: skip
        for id_, title, series, role in (
            ("wait-time", "Waiting time p95", rollup.wait_p95, "scheduled"),
            ("run-time", "Run time p95", rollup.run_p95, "bar"),
        ):
            self._chart(id_, Chart(
                title=title, series=(series,), roles=(role,), since=since,
                format=lambda value: format_duration(round(value)) if value else "0",
            ))  # fmt: skip
        self._panel("outcomes", lambda width, _height, plain: outcome_lines(rollup.outcomes, width, ascii_only=plain))
        self._panel("wait", lambda width, _height, plain: percentile_lines(
            "Waiting time", rollup.wait, width, role="scheduled", ascii_only=plain))  # fmt: skip
        self._panel("run", lambda width, _height, plain: percentile_lines(
            "Run time", rollup.run, width, ascii_only=plain))  # fmt: skip
        self._panel("queues", lambda width, height, _plain: queue_lines(rollup, width, height))
        self._panel("slow", lambda width, height, _plain: slow_lines(found.slow, width, height))
        self._paint_facts()

    def _chart(self, id_: str, chart: Chart) -> None:
        self.query_one(f"#{id_}", TimeChart).show(chart)

    def _panel(self, id_: str, draw: Draw) -> None:
        self.query_one(f"#{id_}", Panel).show(draw)

    def _paint_facts(self) -> None:
        if not self.children:
            return
        width = self.size.width
        left: list[Piece] = [("last ", "dim"), (self._span.label, "title")]
        if self._figures is not None:
            rate = self._figures.rollup.failure_rate
            if rate is not None:
                role = "error" if rate >= _BAD else "warning" if rate >= _WORRYING else "good"
                left += [("   failure rate ", "dim"), (f"{rate:.1%}", role)]
        if self._snapshot is not None:
            due = self._snapshot.oldest_due_ms
            if due is None:
                left.append(("   nothing is due", "dim"))
            else:
                left += [("   oldest due ", "dim"), ("under 1s" if due < 1000 else format_duration(due), "text")]
            counts = self._snapshot.counts
            now: Line = (
                (f"{counts.get('processing', 0):,}", "processing"), (" run   ", "dim"),
                (f"{counts.get('pending', 0) + counts.get('failed', 0):,}", "pending"), (" wait", "dim"),
            )  # fmt: skip
            self.query_one("#facts", Lines).show([spread_out(tuple(left), now, width)])


def _note(values: Sequence[int], per: str, *more: Piece) -> tuple[Piece, ...]:
    return (
        (f"{sum(values):,}", "title"),
        (" in all", "dim"),
        *more,
        (f"  most {max(values, default=0):,}/{per}", "dim"),
    )


def queue_lines(rollup: Rollup, width: int, height: int) -> list[Line]:
    """Return a line for each queue, the busiest first."""
    busiest = sorted(rollup.queues, key=lambda line: (-line.enqueued - line.completed - line.failed, line.queue))
    rows: list[list[Piece]] = [
        [
            (one_line(line.queue, 60), "title"),
            (f"{line.enqueued:,}", "text"),
            (f"{line.completed:,}", "completed"),
            (f"{line.failed:,}", "dead" if line.failed else "dim"),
            ("" if line.wait.p95 is None else format_duration(line.wait.p95), "text"),
            ("" if line.run.p50 is None else format_duration(line.run.p50), "text"),
        ]
        for line in busiest
    ]
    return _table(_QUEUES, rows, width, height, "no queue had jobs")


def slow_lines(slow: Sequence[SlowCommand], width: int, height: int) -> list[Line]:
    """Return a line for each of the slowest commands."""
    rows: list[list[Piece]] = [
        [
            (one_line(each.command, 200), "text"),
            (f"{each.jobs:,}", "dim"),
            (format_duration(each.typical_ms), "title"),
            (format_duration(each.longest_ms), "dim"),
        ]
        for each in slow
    ]
    return _table(_SLOW, rows, width, height, "no job has finished yet")


def _table(
    columns: tuple[Column, ...], rows: Sequence[Sequence[Piece]], width: int, height: int, empty: str
) -> list[Line]:
    if not rows:
        return [titles(columns, width), ((empty.center(width), "dim"),)]
    return [titles(columns, width), *(table_line(columns, row, width) for row in rows[: max(height - 1, 0)])]
