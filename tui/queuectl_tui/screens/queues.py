"""View 4: the queues, with their jobs, limits and pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work

from queuectl.domain.filter import value_of
from queuectl.domain.record import replace
from queuectl.operations import queues as operation
from queuectl_tui.keymap import bindings, hint
from queuectl_tui.screens.list_view import ListView
from queuectl_tui.screens.queue_actor import QueueActor
from queuectl_tui.screens.queue_rows import columns_of, detail_of, headline, row_of
from queuectl_tui.widgets.line_list import NOT_HANDLED, LineList
from queuectl_tui.widgets.lines import Lines

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from queuectl.domain.errors import QueuectlError
    from queuectl.operations.queues import QueueRecord
    from queuectl_tui.keymap import KeyHint
    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.widgets.lines import Line

_OPEN = "list.open"
"""The key of lists that opens a job: here it lists the jobs of a queue, and has an id of its own."""


class QueueList(LineList, inherit_bindings=False):
    """The list of queues."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("list", but=NOT_HANDLED | {_OPEN})


class QueuesView(ListView):
    """A headline, the list, and the selected queue at the bottom."""

    view_name = "queues"
    title = "Queues"
    scope = "queues"
    lacks: ClassVar[frozenset[str]] = ListView.lacks | {_OPEN}
    BINDINGS: ClassVar[list[BindingType]] = bindings("queues")
    DEFAULT_CSS = """
    QueuesView {
        layout: vertical;
        #queues-head { height: 1; padding: 0 1; margin-bottom: 1; }
        #queues-titles { height: 1; }
        #queue-detail { height: 5; padding: 0 1; border-top: solid $panel; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        """Create the view without queues."""
        super().__init__(QueueList(id="queue-list"), id=id)
        self._snapshot: Snapshot | None = None
        self._queues: list[QueueRecord] = []
        self._seen: tuple[int, int] | None = None
        self._at = 0
        self._asked = self._answered = 0
        """How often the queues were asked for, and which of these times was answered last."""
        self._needed = 0
        """Which of these times came first after the last action."""
        self.actor = QueueActor(self)

    def compose(self) -> ComposeResult:
        yield Lines(id="queues-head")
        yield Lines(id="queues-titles")
        yield self._list
        yield Lines(id="queue-detail")

    def show(self, snapshot: Snapshot) -> None:
        """Read again when the store has changed, and each minute, because the counts of five minutes are by minute."""
        self._snapshot = snapshot
        self._at = max(snapshot.at, self._at)
        seen = (snapshot.changed, snapshot.at // 60_000)
        if seen != self._seen:
            self._seen = seen
            self._load()
        self._paint()

    def tick(self) -> None:
        """Update the ages each second."""
        self._at = max(self.console.clock.now(), self._at)
        self._paint()

    def show_effect(self) -> None:
        """Read the queues after an action; keys that act on a row wait for it."""
        self._load()
        self._needed = self._asked

    def _load(self) -> None:
        """Read the queues. The cost does not depend on the number of jobs."""
        self._asked += 1
        asked = self._asked

        def take(found: list[QueueRecord]) -> None:
            self._answered = asked
            self._queues = found
            self._paint()
            self.console.show_hints()

        self.console.reader.ask(operation.read, take, "queues", self._failed)

    def _failed(self, error: QueuectlError | None) -> None:
        """Read again with the next snapshot."""
        if error is not None:
            self._seen, self._answered = None, self._asked

    @property
    def rows_ready(self) -> bool:
        """Return whether the rows show the effect of the last action."""
        return not self.actor.is_acting and self._answered >= self._needed

    def _paint(self) -> None:
        snapshot = self._snapshot
        if snapshot is None or not self.children:
            return
        width = self.size.width
        self._list.empty = self._empty_text(snapshot)
        queues = [replace(each, now=self._at) for each in self._queues]
        columns = columns_of(queues, width)
        self._paint_titles(columns)
        self._list.show([row_of(each, columns) for each in queues])
        key = "" if self.console.read_only else self.console.shown_key("queues.pause_all")
        head = headline(queues, snapshot.pause_of_all, self._at, width - 2, resume_key=key, marks=len(self._list.marks))
        self.query_one("#queues-head", Lines).show([head])
        self._paint_detail()

    def _empty_text(self, snapshot: Snapshot) -> str:
        if not self._answered or snapshot.never:
            return "reading …"
        text = "no queue has jobs or settings\n\na queue is made by its first job: queuectl enqueue --queue NAME …"
        text += "\nor by a setting: queuectl queue set NAME --limit N"
        if self.console.read_only:
            return text
        return f"{text}\n\n{self.console.shown_key('global.new_job')} creates a job"

    def _paint_detail(self) -> None:
        lines: list[Line] = []
        selected = self.selected
        if self._list.cursor_departed:
            lines = [(("this queue has no jobs and no settings any more", "ghost"),)]
        elif selected is not None:
            lines = detail_of(replace(selected, now=self._at), self.size.width - 2)
        self.query_one("#queue-detail", Lines).show(lines)

    # What has the cursor ---------------------------------------------------------------------------------------------

    @property
    def selected(self) -> QueueRecord | None:
        """The queue under the cursor."""
        return next((each for each in self._queues if each.name == self._list.cursor), None)

    @property
    def targets(self) -> list[QueueRecord]:
        """The marked queues, else the one under the cursor."""
        wanted = self._list.marks or {self._list.cursor or ""}
        return [each for each in self._queues if each.name in wanted]

    @property
    def paused_by_name(self) -> list[str]:
        """Names of the queues with a pause of their own."""
        return [each.name for each in self._queues if each.settings.pause is not None]

    @on(LineList.Moved)
    @on(LineList.Marked)
    def _selection_changed(self) -> None:
        self._paint()
        self.console.show_hints()

    def hints(self) -> list[KeyHint]:
        """Return the keys that apply to the selection."""
        found = []
        targets = self.targets
        all_paused = self._snapshot is not None and self._snapshot.pause_of_all is not None
        if targets:
            resumes = all(each.settings.pause is not None for each in targets)
            n = f" {len(targets)}" if len(targets) > 1 else ""
            found = [hint("queues.open")]
            if resumes or not all_paused:
                found.append(hint("queues.pause", f"{'resume' if resumes else 'pause'}{n}"))
            if not n:
                found += [hint("queues.limit"), hint("queues.weight")]
            found += [hint("list.mark"), hint("list.all"), hint("queues.copy")]
        return [*found, hint("queues.pause_all", "resume all" if all_paused else None)]

    def go_back(self) -> bool:
        """Clear the marks."""
        if self._list.marks:
            self.clear_marks()
            return True
        return False

    def clear_marks(self) -> None:
        """Clear the marks."""
        self._list.clear_marks()

    # What can be done ------------------------------------------------------------------------------------------------

    @on(LineList.Opened)
    def action_open(self) -> None:
        """List the jobs of the queue under the cursor."""
        queue = self.selected
        if queue is None:
            self.console.refuse("no queue is under the cursor")
        else:
            self.console.show_view("jobs", f"queue:{value_of(queue.name)}")

    def action_copy(self) -> None:
        """Copy the names."""
        self.actor.copy()

    def action_pause(self) -> None:
        """Pause the queues, or resume them if all of them are paused."""
        self.actor.pause_or_resume()

    @work(group="act")
    async def action_pause_all(self) -> None:
        """Pause all queues, or resume all, after confirmation."""
        await self.actor.pause_or_resume_all()

    @work(group="act")
    async def action_limit(self) -> None:
        """Ask for a limit and set it."""
        await self.actor.limit()

    @work(group="act")
    async def action_weight(self) -> None:
        """Ask for a weight and set it."""
        await self.actor.weigh()

    @property
    def cursor_departed(self) -> bool:
        """Whether the queue under the cursor has disappeared."""
        return self._list.cursor_departed
