"""View 1: the jobs, live; the selected job in detail; the workers below."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Horizontal

from queuectl.domain.filter import Filter
from queuectl.domain.job import JobState
from queuectl.store.job_pages import Sort
from queuectl_tui.keymap import KeyHint, bindings, hint, of_scope
from queuectl_tui.screens.empty_jobs import first_run, nothing_matches
from queuectl_tui.screens.failure_burst import FailureBurstControl
from queuectl_tui.screens.job_actor import JobActor, JobKeys, names_of
from queuectl_tui.screens.job_acts import act_hints
from queuectl_tui.screens.table_target import TableTarget
from queuectl_tui.screens.table_views import TableViews
from queuectl_tui.screens.views import View
from queuectl_tui.widgets.counters import Counters
from queuectl_tui.widgets.detail import Detail, read_job_now
from queuectl_tui.widgets.failure_burst_banner import FailureBurstBanner
from queuectl_tui.widgets.filter_bar import FilterBar, FilterField, meaning
from queuectl_tui.widgets.job_table import MOVES, JobTable
from queuectl_tui.widgets.worker_strip import WorkerStrip

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.timer import Timer

    from queuectl.operations.context import Context
    from queuectl.store.job_pages import Row
    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.widgets.detail import JobNow

_REST = 0.08
"""Seconds that the cursor must rest before the detail is read."""
_NARROW = 100
_LOW_FOR_WORKERS = 26
SORTS = tuple(Sort)
_ARROWS = {Sort.NEWEST: "▼", Sort.OLDEST: "▲"}


class JobsView(JobKeys, View):
    """The table, the detail and the workers."""

    view_name = "jobs"
    title = "Jobs"
    scope = "list"
    DEFAULT_CSS = """
    JobsView { layout: vertical; }
    JobsView > #middle { height: 1fr; width: 1fr; }
    JobsView.-narrow > #middle { layout: vertical; }
    JobsView #table { width: 9fr; }
    JobsView #detail { width: 5fr; }
    JobsView.-narrow #table, JobsView.-narrow #detail { width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = bindings(
        "list", but=frozenset(each.id for each in of_scope("list") if each.id.partition(".")[2] in MOVES)
    )

    def __init__(self, *, id: str | None = None) -> None:
        """Create the view without a snapshot."""
        super().__init__(id=id)
        self._snapshot: Snapshot | None = None
        self._resting: Timer | None = None
        self._detail_wanted = True
        self._jobs_running: dict[str, Row] = {}
        self.zoomed = False

    def compose(self) -> ComposeResult:
        """Lay out counters, filter, table and detail side by side, workers."""
        yield Counters(id="counters")
        yield FailureBurstBanner(id="burst")
        yield FilterBar(id="filter")
        with Horizontal(id="middle"):
            yield JobTable(id="table")
            yield Detail(id="detail")
        yield WorkerStrip(id="strip")

    def on_mount(self) -> None:
        """Look up the children once."""
        self.table = self.query_one(JobTable)
        self.detail = self.query_one(Detail)
        self.bar = self.query_one(FilterBar)
        self.counters = self.query_one(Counters)
        self.strip = self.query_one(WorkerStrip)
        self.actor = JobActor(self, TableTarget(self.table))
        self.burst = FailureBurstControl(self.query_one(FailureBurstBanner))
        self.views = TableViews(self.table, self.bar)
        self._arrange()

    # What the app asks -----------------------------------------------------------------------------------------------

    def on_view_shown(self) -> None:
        """Focus the table."""
        self.table.focus()
        self.table.refresh_rows()

    def show(self, snapshot: Snapshot) -> None:
        """Show the counters at once, and request rows, running jobs and detail."""
        was_empty = self._is_empty
        before, self._snapshot = self._snapshot, snapshot
        if self._is_empty != was_empty:
            self._arrange()
        self.counters.show(snapshot)
        self.burst.show(snapshot)
        self._show_workers()
        self._show_empty_text()
        if before is None or snapshot.changed != before.changed or before.error != snapshot.error or not before.total:
            self.table.refresh_rows()
            self._ask_running(snapshot)
            self._ask_detail()

    def tick(self) -> None:
        """Update ages and run times each second."""
        self.table.tick()
        self.table.ask_paces()
        self.detail.repaint(self.console.paint, self.console.clock.now())
        self._show_workers()

    def hints(self) -> list[KeyHint]:
        """Return the keys that apply to the row under the cursor."""
        if self.bar.field.has_focus:
            return [
                KeyHint(key="enter", label="keep", priority=90),
                KeyHint(key="esc", label="clear", priority=90),
                KeyHint(key="state:dead", label="queue:NAME  tag:NAME  id:ID  any text", priority=50),
            ]
        row = self.table.cursor_row
        hints = []
        if row is not None:
            hints = [hint("list.open"), hint("list.filter"), hint("list.mark"), *self._act_hints(row)]
            hints.append(hint("list.log"))
        elif self.bar.text:
            hints = [hint("list.filter"), KeyHint(key="esc", label="clear filter", priority=80, ids=("global.back",))]
        if self.table.marks or self.table.in_range:
            hints.append(KeyHint(key="esc", label="clear marks", priority=66, ids=("global.back",)))
        if self.burst.is_shown:
            hints.append(hint("list.pause_failing"))
        return [*hints, hint("list.sort")]

    def _act_hints(self, row: Row) -> list[KeyHint]:
        return act_hints(JobState(row.state), many=bool(self.table.marks))

    def go_back(self) -> bool:
        """Leave zoom, else hide the banner, else clear the marks, else clear the filter."""
        if self.zoomed:
            self.action_zoom()
            return True
        if self.burst.hide():
            return True
        if self.table.clear_marks():
            return True
        if self.bar.text:
            self.bar.set_text("")
            return True
        return False

    def set_filter(self, text: str) -> None:
        """Set the filter."""
        self.bar.set_text(text)

    # Layout ----------------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Arrange the parts for the new size."""
        self._arrange()

    def _arrange(self) -> None:
        width, height = self.size.width, self.size.height
        narrow = width < _NARROW
        self.set_class(narrow, "-narrow")
        self.detail.set_class(narrow, "-strip")
        wanted = self._detail_wanted and not self.zoomed and not self._is_empty
        self.detail.display = wanted and (not narrow or height >= 14)
        self.strip.display = not narrow and height >= _LOW_FOR_WORKERS and not self.zoomed
        self.call_after_refresh(self._repaint)

    def _repaint(self) -> None:
        if self.is_attached:
            self.detail.repaint(self.console.paint, self.console.clock.now())
            self._show_info()
            self._ask_detail()
            if self._snapshot is not None:
                self._ask_running(self._snapshot)
                self._show_workers()

    @property
    def _is_empty(self) -> bool:
        return self._snapshot is not None and not self._snapshot.total

    def action_zoom(self) -> None:
        """Toggle between the table alone and everything."""
        self.zoomed = not self.zoomed
        self._arrange()

    def action_detail(self) -> None:
        """Show or hide the detail."""
        self._detail_wanted = not self._detail_wanted
        self._arrange()

    # Actions of the table --------------------------------------------------------------------------------------------

    def action_pause_failing(self) -> None:
        """Pause the failing queue."""
        self.burst.pause()

    @work(group="views")
    async def action_views(self) -> None:
        """Show, save or delete a view."""
        await self.views.choose()

    def action_log(self) -> None:
        """Open the log of the job under the cursor."""
        if (row := self.table.cursor_row) is not None:
            self.console.pages.log(row.id)

    def action_copy(self) -> None:
        """Copy the ids."""
        ids = list(self.table.marks) or ([self.table.cursor_row.id] if self.table.cursor_row else [])
        if ids:
            self.console.copy("\n".join(ids), f"copied {names_of(ids)}")

    def action_all(self) -> None:
        """Mark all jobs of the filter; if all are marked, clear the marks."""
        self.table.toggle_all()

    def action_columns(self) -> None:
        """Choose the columns."""
        from queuectl_tui.screens.columns import Columns

        def chosen(answer: tuple[frozenset[str], frozenset[str]] | None) -> None:
            if answer is not None:
                self.table.choose_columns(*answer)

        lines = self.table.lines
        self.app.push_screen(Columns(lines.hidden, lines.wanted, self.table.size.width), chosen)

    # The filter and the order ----------------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Focus the filter field."""
        self.bar.field.focus()
        self.bar.field.cursor_position = len(self.bar.text)

    @on(FilterField.Left)
    def _filter_done(self) -> None:
        self.table.focus()
        self.console.show_hints()

    @on(FilterBar.Changed)
    def _filter_changed(self, event: FilterBar.Changed) -> None:
        if event.chosen != self.table.filter:
            self.table.choose(event.chosen)
        self._show_empty_text()
        self._show_info()

    @on(Counters.Chosen)
    def _state_clicked(self, event: Counters.Chosen) -> None:
        self.set_filter("" if self.bar.text == f"state:{event.state}" else f"state:{event.state}")

    def action_sort(self) -> None:
        """Switch to the next sort order."""
        place = SORTS.index(self.table.sort)
        self.table.choose(self.table.filter, SORTS[(place + 1) % len(SORTS)])
        self._show_info()

    def action_reverse(self) -> None:
        """Reverse the sort order."""
        table = self.table
        other = {Sort.NEWEST: Sort.OLDEST, Sort.OLDEST: Sort.NEWEST}.get(table.sort)
        table.choose(table.filter, other or table.sort, reverse=other is None and not table.reverse)
        self._show_info()

    def on_descendant_focus(self) -> None:
        """Update the hints: other keys apply in the filter than in the list."""
        self._show_info()
        self.console.show_hints()

    def action_watch(self) -> None:
        """Watch the job under the cursor, or stop watching it."""
        if (row := self.table.cursor_row) is not None:
            app = self.console
            app.say(app.watching.toggle(row))
            app.reader.watching = app.watching.ids
            self.table.tick()

    def _show_info(self) -> None:
        """Update the text beside the filter."""
        self.views.changed()
        table, width = self.table, self.size.width
        total = self._snapshot.total if self._snapshot is not None else 0
        matches = f"{table.window.total - (table.window.ghost is not None):,}{'+' if table.more else ''}"
        arrow = _ARROWS.get(table.sort, "▲" if table.reverse else "▼")
        order = f"{table.sort.value} {self.console.paint.glyph(arrow)}"
        line = []
        if table.filter != Filter():
            if self.bar.field.has_focus and width >= _NARROW:
                line.append((f"{meaning(table.filter)}   ", "dim"))
            line.append((f"{matches} of {total:,}", "text"))
        elif table.position is not None:
            line.append((f"{table.position:,} of {matches}", "dim"))
        line.append((f"   {'sort: ' if width >= _NARROW else ''}{order}", "dim"))
        if not table.sort.paged and table.window.total >= 2000:
            line.append((" of the newest 2,000", "warning"))
        if table.in_range:
            line.append(("   v ends the range", "marked"))
        elif table.marks:
            line.append((f"   {len(table.marks):,} marked", "marked"))
        self.bar.say(tuple(line), max(width - 24, 20))

    def _show_empty_text(self) -> None:
        """Update the text of an empty list."""
        if self._snapshot is None:
            self.table.lines.empty = ((("reading …", "dim"),),)
        elif self.bar.text:
            self.table.lines.empty = nothing_matches(self.table.filter, self.console.shown_key)
        elif self._snapshot.never:
            text = "reading …" if self._snapshot.error is None else "The store has not been read yet."
            self.table.lines.empty = (((text, "dim"),),)
        elif not self._snapshot.total:
            self.table.lines.empty = first_run(self.console.shown_key)
        else:
            self.table.lines.empty = ((("reading …", "dim"),),)

    # The row under the cursor ----------------------------------------------------------------------------------------

    @on(JobTable.CursorMoved)
    def _cursor_moved(self) -> None:
        self._show_info()
        self.console.show_hints()
        if not self.console.live:
            self._ask_detail()
            return
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(_REST, self._ask_detail)

    @on(JobTable.Changed)
    def _table_changed(self) -> None:
        self._show_info()
        self.console.show_hints()

    @on(JobTable.Opened)
    def _opened(self, event: JobTable.Opened) -> None:
        self.console.pages.job(event.row.id)

    def _ask_detail(self) -> None:
        row = self.table.cursor_row
        if row is None:
            self._take_detail(None)
            return
        if self.detail.display:
            job_id, estimates, reader = row.id, self.table.paces.estimates, self.console.reader
            reader.ask(lambda context: read_job_now(context, job_id, estimates), self._take_detail, "detail")

    def _take_detail(self, job: JobNow | None) -> None:
        if self.is_attached:
            self.detail.show(job, self.console.paint, self.console.clock.now())

    # Workers ---------------------------------------------------------------------------------------------------------

    def _ask_running(self, snapshot: Snapshot) -> None:
        ids = [worker.info.job for worker in snapshot.workers if worker.info.job is not None]
        if not self.strip.display or not ids:
            return

        def request(context: Context) -> dict[str, Row]:
            return context.store.job_pages.these(ids[:20])

        self.console.reader.ask(request, self._take_running, "running")

    def _take_running(self, running: dict[str, Row]) -> None:
        self._jobs_running = running
        self._show_workers()

    def _show_workers(self) -> None:
        if self._snapshot is not None and self.strip.display:
            self.strip.show(self._snapshot, self._jobs_running, self.console.clock.now())
