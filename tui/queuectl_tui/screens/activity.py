"""View 6: the events of the store with their command lines, the newest first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.widgets import Input

from queuectl.domain.text import one_line
from queuectl.operations.commandline.quoting import quoted
from queuectl_tui.keymap import bindings, hint
from queuectl_tui.screens.list_view import ListView
from queuectl_tui.widgets.line_list import LineList, Row
from queuectl_tui.widgets.lines import Column, Lines, spread_out
from queuectl_tui.widgets.safe_input import SafeInput

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from queuectl.domain.errors import QueuectlError
    from queuectl.domain.event import Event
    from queuectl_tui.keymap import KeyHint
    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.widgets.lines import Line

COLUMNS = (
    Column(title="TIME", width=8),
    Column(title="WHO", width=12),
    Column(title="WHAT", width=24),
    Column(title="COMMAND", width=20, grows=True),
)
WIDE_COLUMNS = (
    Column(title="TIME", width=15),
    Column(title="WHO", width=18),
    Column(title="WHAT", width=34),
    Column(title="COMMAND", width=20, grows=True),
)
_WIDE = 110
_PAGE = 200
_NEAR = 20
"""Rows from the end at which older events are fetched."""
_MOST = 5000
_SEARCH_MS = 2000
_VERBS = {
    "enqueue": "enqueued",
    "cancel": "cancelled",
    "kill": "killed",
    "retry": "retried",
    "delete": "deleted",
    "prune": "pruned",
    "purge": "purged dead jobs of",
    "hold": "held",
    "release": "released",
    "edit": "edited",
    "priority": "reprioritised",
    "undo": "undid",
    "set_config": "set",
    "unset_config": "unset",
    "start_pool": "started",
    "scale_pool": "resized",
    "pool_stopped": "pool has stopped:",
}
_OF_QUEUES = {
    "queue_pause": "paused",
    "queue_resume": "resumed",
    "queue_set": "set",
    "queue_delete": "deleted the settings of",
}
_OF_SCHEDULES = {
    "schedule_add": "added",
    "schedule_edit": "edited",
    "schedule_pause": "paused",
    "schedule_resume": "resumed",
    "schedule_delete": "deleted",
    "schedule_skip": "skipped a time of",
}
_ROLES = {
    "worker_died": "dead", "cancel": "warning", "kill": "warning", "delete": "warning", "prune": "warning",
    "purge": "warning", "stop_pool": "warning", "start_pool": "good", "enqueue": "dim", "retry": "pending",
    "undo": "pending",
}  # fmt: skip


class ActivityView(ListView):
    """A filter, the list of events, and the selected event in full."""

    view_name = "activity"
    title = "Activity"
    scope = "activity"
    BINDINGS: ClassVar[list[BindingType]] = bindings("activity")
    DEFAULT_CSS = """
    ActivityView {
        layout: vertical;
        #activity-filter { height: 1; padding: 0 1; display: none; border: none; }
        &.-filtering #activity-filter { display: block; }
        #activity-titles { height: 1; }
        #activity-detail { height: 3; padding: 0 1; border-top: solid $panel; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        """Create the view without events."""
        super().__init__(LineList(id="activity-list"), id=id)
        self._events: list[Event] = []
        self._search = ""
        self._found: str | None = None
        """The search text of the events on the screen; None before the first load."""
        self._all = False
        """Whether the oldest event has been loaded."""
        self._changed: int | None = None
        self._at = 0
        self._asking = False
        self._read_at = 0
        self._rows: dict[tuple[int, bool], Row] = {}
        """Cache of rows by event and width."""

    def compose(self) -> ComposeResult:
        yield SafeInput(placeholder="who, what, or a part of the command", id="activity-filter", compact=True)
        yield Lines(id="activity-titles")
        yield self._list
        yield Lines(id="activity-detail")

    def show(self, snapshot: Snapshot) -> None:
        """Load new events."""
        self._at = snapshot.at
        # A search reads many events, so it does not run at every change.
        soon = bool(self._search) and snapshot.at - self._read_at < _SEARCH_MS
        if snapshot.changed != self._changed and not soon:
            self._changed, self._read_at = snapshot.changed, snapshot.at
            self._load()

    def _load(self) -> None:
        search = self._search or None
        self.console.reader.ask(
            lambda context: (search or "", context.store.stats.events(limit=_PAGE, search=search)),
            self._take,
            "activity",
            self._failed,
        )

    def _failed(self, error: QueuectlError | None) -> None:
        """Load again with the next snapshot."""
        if error is not None:
            self._changed = None

    @property
    def rows_ready(self) -> bool:
        """Return whether the rows match the current search."""
        return self._found in {None, self._search}

    def _take(self, found: tuple[str, list[Event]]) -> None:
        search, newest = found
        if search != self._search:
            return
        self._found = search
        known = self._events[0].seq if self._events else -1
        fresh = [event for event in newest if event.seq > known]
        if len(fresh) == len(newest):
            # No overlap with the known events: some may be missing in between, so start over.
            self._events, self._all = newest, len(newest) < _PAGE
        else:
            self._events = fresh + self._events
        self._paint()

    def _take_older(self, found: tuple[str, list[Event]]) -> None:
        self._asking = False
        search, older = found
        if search == self._search and self._events and (not older or older[0].seq < self._events[-1].seq):
            self._events += older
            self._all = len(older) < _PAGE
            self._paint()

    def _paint(self) -> None:
        if not self.children:
            return
        columns = WIDE_COLUMNS if self.size.width >= _WIDE else COLUMNS
        self._paint_titles(columns)
        keys = self._list.keys
        follows = not keys or self._list.cursor == keys[0]
        self._list.empty = f"no event matches {self._search!r}" if self._search else "no events yet"
        self._list.show([self._row(event, columns) for event in self._events])
        if follows and self._events:
            self._list.go_to(str(self._events[0].seq))
        self._paint_detail()

    def _row(self, event: Event, columns: tuple[Column, ...]) -> Row:
        key = event.seq, columns is WIDE_COLUMNS
        if key not in self._rows:
            if len(self._rows) > 4 * _MOST:
                self._rows.clear()
            self._rows[key] = _row(event, columns, self._at)
        return self._rows[key]

    def _selected(self) -> Event | None:
        cursor = self._list.cursor
        return next((event for event in self._events if str(event.seq) == cursor), None)

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        self._paint_detail()
        self.console.show_hints()
        near = len(self._events) >= _NEAR and event.key in {str(each.seq) for each in self._events[-_NEAR:]}
        if not self._all and near and not self._asking and len(self._events) < _MOST:
            self._asking = True
            search, before = self._search or None, self._events[-1].seq
            self.console.reader.ask(
                lambda context: (
                    search or "",
                    context.store.stats.events(before=before, limit=_PAGE, search=search),
                ),
                self._take_older,
                "activity.older",
            )

    def _paint_detail(self) -> None:
        event, width = self._selected(), max(self.size.width - 2, 10)
        lines: list[Line] = []
        if event is not None:
            moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.at / 1000))
            command = command_of(event)
            head: Line = ((moment, "dim"), (f"  {one_line(event.actor, 40)}  ", "title"), (what(event), "text"))
            count = f"{len(self._events):,}{'' if self._all else '+'} events"
            lines = [spread_out(head, ((count, "dim"),), width)]
            if command:
                lines.append((("$ ", "dim"), (one_line(command, width - 2), "text")))
        self.query_one("#activity-detail", Lines).show(lines)

    def hints(self) -> list[KeyHint]:
        """Return the keys that apply to the selected event."""
        found = [hint("activity.filter")]
        event = self._selected()
        if event is not None and _job_of(event) is not None:
            found.append(hint("list.open", "open job"))
        return found

    def go_back(self) -> bool:
        """Clear the filter."""
        if not self._search and not self.has_class("-filtering"):
            return False
        self.query_one("#activity-filter", Input).value = ""
        self._search_for("")
        self.remove_class("-filtering")
        self._list.focus()
        return True

    def action_filter(self) -> None:
        """Focus the filter field."""
        self.add_class("-filtering")
        self.query_one("#activity-filter", Input).focus()

    @on(Input.Changed, "#activity-filter")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._search_for(event.value.strip())

    @on(Input.Submitted, "#activity-filter")
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.set_class(bool(self._search), "-filtering")
        self._list.focus()

    def _search_for(self, search: str) -> None:
        if search != self._search:
            self._search = search
            self._events, self._all = [], False
            self._load()

    @on(LineList.Opened)
    def _open(self) -> None:
        event = self._selected()
        job = None if event is None else _job_of(event)
        if job is not None:
            self.console.pages.job(job)
        else:
            self.console.refuse("this event does not concern a single job")


def what(event: Event) -> str:
    """Return in words what was done."""
    verb = _VERBS.get(event.verb, event.verb.replace("_", " "))
    detail = event.detail or ""
    if event.verb == "enqueue" and event.detail:
        return f"enqueued {one_line(detail, 40)}"
    if event.verb == "set_config":
        return one_line(f"set {event.subject} = {detail}", 80)
    if event.verb == "stop_pool":
        return one_line(f"{'drains' if detail == 'drain' else 'stops'} pool {event.subject}", 80)
    if event.verb in _OF_QUEUES:
        which = "all queues" if event.subject is None else f"queue {event.subject}"
        return one_line(f"{_OF_QUEUES[event.verb]} {which}{f': {detail}' if detail else ''}", 80)
    if event.verb in _OF_SCHEDULES:
        return one_line(f"{_OF_SCHEDULES[event.verb]} schedule {event.subject}{f': {detail}' if detail else ''}", 80)
    if event.verb == "worker_died":
        return one_line(f"{event.subject} died{f' running {detail}' if detail else ''}", 80)
    return one_line(f"{verb} {event.subject or ''}{f', {detail}' if detail else ''}", 80)


def command_of(event: Event) -> str:
    """Return the command line that was used, or an equivalent one; empty if there is none."""
    if event.command:
        return event.command
    subject, detail = quoted(event.subject or ""), event.detail or ""
    count = detail.split(" ", 1)[0]
    same = {
        "cancel": f"queuectl cancel {subject}",
        "retry": f"queuectl retry {subject}",
        "delete": f"queuectl delete {subject}",
        "hold": f"queuectl hold {subject}",
        "release": f"queuectl release {subject}",
        "set_config": f"queuectl config set {subject} {quoted(detail)}",
        "unset_config": f"queuectl config unset {subject}",
        "start_pool": f"queuectl worker start --count {count}",
        "scale_pool": f"queuectl worker scale {count} --pool {subject}",
        "stop_pool": "queuectl worker stop" + (" --now" if detail == "now" else ""),
    }
    return same.get(event.verb, "")


def _job_of(event: Event) -> str | None:
    jobs = {"enqueue", "cancel", "kill", "retry", "hold", "release", "edit", "priority"}
    return event.subject if event.verb in jobs and not (event.verb == "enqueue" and event.detail) else None


def _row(event: Event, columns: tuple[Column, ...], at: int) -> Row:
    today = at - event.at < 86_400_000
    wide = columns is WIDE_COLUMNS
    shape = ("%b %d %H:%M:%S" if wide else "%H:%M:%S") if today or wide else "%b %d"
    return Row(
        key=str(event.seq),
        columns=columns,
        can_mark=False,
        cells=(
            (time.strftime(shape, time.localtime(event.at / 1000)), "dim"),
            (one_line(event.actor, 40), "title"),
            (what(event), _ROLES.get(event.verb, "text")),
            (one_line(command_of(event), 200), "dim"),
        ),
    )
