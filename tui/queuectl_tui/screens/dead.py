"""View 3: dead letters, grouped by error or one by one."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, ClassVar

from textual import on, work

from queuectl.domain.text import one_line, safe
from queuectl.operations.operation import Danger
from queuectl_tui import dead_letters
from queuectl_tui.keymap import bindings, hint
from queuectl_tui.screens.dead_rows import FLAT_COLUMNS, GROUP_COLUMNS, group_rows, job_rows
from queuectl_tui.screens.dead_target import aim, dead_jobs, jobs_of
from queuectl_tui.screens.job_acts import history_goes
from queuectl_tui.screens.list_view import ListView
from queuectl_tui.widgets.line_list import LineList
from queuectl_tui.widgets.lines import Lines, block, paint_of, spread_out

if TYPE_CHECKING:
    from typing import Any

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.timer import Timer

    from queuectl.domain.errors import QueuectlError
    from queuectl.operations.operation import Operation
    from queuectl_tui.dead_letters import DeadGroup, DeadJob, DeadPicture, LastOutput
    from queuectl_tui.keymap import KeyHint
    from queuectl_tui.screens.dead_target import DeadTarget
    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.widgets.lines import Line

_REST_SECONDS = 0.08
"""Seconds that the cursor must rest before the detail is read."""
_RELOAD_MS = 5000


class DeadView(ListView):
    """The list, and below it the last output of the selected job."""

    view_name = "dead"
    title = "Dead"
    scope = "dead"
    BINDINGS: ClassVar[list[BindingType]] = bindings("dead")
    DEFAULT_CSS = """
    DeadView {
        layout: vertical;
        #dead-titles { height: 1; }
        #dead-detail { height: 30%; min-height: 4; max-height: 14; padding: 0 1; border-top: solid $panel; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        """Create the view, grouped and not read yet."""
        empty = "no dead letters\n\njobs that use up their retries end here"
        super().__init__(LineList(id="dead-list", empty=empty), id=id)
        self._flat = False
        self._opened: frozenset[str] = frozenset()
        self._picture: DeadPicture | None = None
        self._reshaped = False
        """Whether the operator has asked for another list that has not arrived yet."""
        self._last_output: LastOutput | None = None
        self._seen: tuple[int, int] | None = None
        self._changed, self._read_at = 0, 0
        self._at = 0
        self._rest: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="dead-titles")
        yield self._list
        yield Lines(id="dead-detail")

    def show(self, snapshot: Snapshot) -> None:
        """Read again when the number of dead jobs has changed, when a minute has passed, or at intervals.

        Not at every change: grouping by error reads all dead jobs.
        """
        self._at = snapshot.at
        seen = (snapshot.counts.get("dead", 0), snapshot.at // 60_000)
        stale = snapshot.changed != self._changed and snapshot.at - self._read_at >= _RELOAD_MS
        if seen != self._seen or stale:
            self._seen, self._changed, self._read_at = seen, snapshot.changed, snapshot.at
            self._load()
        else:
            self._paint()

    def tick(self) -> None:
        """Update the ages each second."""
        self._at = max(self.console.clock.now(), self._at)
        self._paint()

    def _load(self) -> None:
        opened, flat = self._opened, self._flat
        self.console.reader.ask(
            lambda context: dead_letters.load(context, opened, flat=flat), self._take, "dead.load", self._failed
        )

    def _failed(self, error: QueuectlError | None) -> None:
        """Read again with the next snapshot."""
        if error is not None:
            self._seen = None

    @property
    def rows_ready(self) -> bool:
        """Return whether the rows are those asked for last."""
        return not self._reshaped

    def _take(self, picture: DeadPicture) -> None:
        self._picture = picture
        # Rows that the operator has closed or left have not disappeared.
        ghosts, self._reshaped = not self._reshaped, False
        self._paint(ghosts=ghosts)
        self.console.show_hints()

    def _paint(self, *, ghosts: bool = True) -> None:
        picture = self._picture
        if picture is None or not self.children:
            return
        columns = FLAT_COLUMNS if picture.jobs is not None else GROUP_COLUMNS
        self._paint_titles(columns)
        paint = paint_of(self)
        if picture.jobs is not None:
            self._list.show(job_rows(picture.jobs, self._at), ghosts=ghosts)
        else:
            rows = group_rows(picture.groups, self._at, ascii_only=paint.ascii_only)
            self._list.show(rows, ghosts=ghosts)
        self._paint_detail()

    # What has the cursor ---------------------------------------------------------------------------------------------

    def _group(self, key: str | None) -> DeadGroup | None:
        if key is None or not key.startswith("e:") or self._picture is None:
            return None
        return next((group for group in self._picture.groups if f"e:{group.signature}" == key), None)

    def _jobs(self) -> dict[str, DeadJob]:
        return {} if self._picture is None else jobs_of(self._picture)

    def _group_of(self, key: str | None) -> DeadGroup | None:
        """Return the group under the cursor, or the group of the job under it."""
        if self._picture is None or key is None:
            return None
        return self._group(key) or next(
            (group for group in self._picture.groups if any(f"j:{job.id}" == key for job in group.jobs or ())), None
        )

    def _target(self) -> DeadTarget | None:
        return None if self._picture is None else aim(self._picture, self._list.marks, self._list.cursor)

    @on(LineList.Moved)
    def _cursor_moved(self) -> None:
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(_REST_SECONDS, self._ask_output)
        self._marked()

    def _ask_output(self) -> None:
        cursor = self._list.cursor
        group, job = self._group(cursor), self._jobs().get(cursor or "")
        if group is None and job is None:
            return
        id_, signature = (None, group.signature) if group is not None else (job.id if job else None, None)
        self.console.reader.ask(
            lambda context: dead_letters.last_output(context, id_, signature), self._take_output, "dead.words"
        )

    def _take_output(self, output: LastOutput | None) -> None:
        self._last_output = output
        self._paint_detail()

    @on(LineList.Marked)
    def _marked(self) -> None:
        self._paint_detail()
        self.console.show_hints()

    def _paint_detail(self) -> None:
        pane = self.query_one("#dead-detail", Lines)
        pane.show(self._detail(max(self.size.width - 2, 10), max(pane.size.height, 3)))

    def _detail(self, width: int, height: int) -> list[Line]:
        cursor = self._list.cursor
        group, job = self._group_of(cursor), self._jobs().get(cursor or "")
        if self._list.cursor_departed:
            return [(("this job is no longer dead", "ghost"),)]
        if group is None and job is None:
            return []
        title = f"× {one_line(group.text, width)}" if group is not None else f"× {job.how if job else ''}"
        marks = len(self._list.marks)
        count = (
            f"{group.n:,} in group" if group is not None else f"{self._picture.total:,} dead" if self._picture else ""
        )
        tally = count + (f", {marks:,} marked" if marks else "")
        lines: list[Line] = [((title, "dead"),)]
        output = self._last_output
        if output is not None and output.text and (job is None or output.job == job.id):
            lines += block(output.text, width, height - 2)
        else:
            which = f"job {safe(job.id)}" if job is not None else "the newest job of the group"
            lines.append(((f"{which} printed nothing", "dim"),))
        command = self._command_of(group) if group is not None and self._group(cursor) is not None and not marks else ""
        newest = f"the newest is {safe(output.job)}" if output is not None and group is not None and job is None else ""
        last = spread_out(((tally, "dim"), (f"   {newest}" if newest else "", "faint")), ((command, "faint"),), width)
        lines = lines[: height - 1]
        return [*lines, *[()] * (height - 1 - len(lines)), last]

    def _command_of(self, group: DeadGroup) -> str:
        return f"$ queuectl dlq retry --error {group.signature}"

    def hints(self) -> list[KeyHint]:
        """Return the keys that apply to the selection."""
        if self._picture is None or not self._picture.total:
            return []
        cursor = self._list.cursor
        hints = []
        if cursor is not None:
            group, target = self._group(cursor), self._target()
            n = f" {target.n:,}" if target is not None and target.n > 1 else ""
            hints = [] if target is None else [hint("dead.requeue", f"retry{n}"), hint("dead.purge", f"delete{n}")]
            if group is None:
                hints += [hint("dead.edit"), hint("list.open")]
            else:
                hints.append(hint("list.open", "close" if group.signature in self._opened else "expand"))
            hints += [hint("list.mark"), hint("list.all")]
        return [*hints, hint("dead.group", "by error" if self._flat else "one by one"), hint("dead.export")]

    def go_back(self) -> bool:
        """Clear the marks, else close the expanded groups."""
        if self._list.marks:
            self._list.clear_marks()
            return True
        if self._opened:
            self._reshape(frozenset())
            return True
        return False

    # What can be done ------------------------------------------------------------------------------------------------

    @on(LineList.Opened)
    def _open(self, event: LineList.Opened) -> None:
        group = self._group(event.key)
        if group is not None:
            self._reshape(self._opened ^ {group.signature})
        elif event.key.startswith("j:"):
            self.console.pages.job(event.key[2:])

    def action_open_group(self) -> None:
        """Expand the group under the cursor."""
        group = self._group(self._list.cursor)
        if group is not None:
            self._reshape(self._opened | {group.signature})

    def action_close_group(self) -> None:
        """Close the group that the cursor is in, and move the cursor to the group's row."""
        group = self._group_of(self._list.cursor)
        if group is not None and group.jobs is not None:
            self._list.go_to(f"e:{group.signature}")
            self._reshape(self._opened - {group.signature})

    def _reshape(self, opened: frozenset[str]) -> None:
        if opened != self._opened:
            self._opened = opened
            self._reshaped = True
            self._load()

    def action_group(self) -> None:
        """Switch between grouping by error and a flat list."""
        self._flat = not self._flat
        self._reshaped = True
        self._load()

    def action_requeue(self) -> None:
        """Retry the selected jobs, without confirmation: it can be undone."""
        from queuectl.operations.dlq import RETRY, RetryDead

        target = self._target_or_refuse()
        if target is None:
            return
        params = RetryDead(ids=target.ids) if target.ids is not None else RetryDead(**target.wider)
        self.console.act(RETRY, params, about=f"retried {target.label}")
        self._list.clear_marks()

    @work
    async def action_purge(self) -> None:
        """Delete the selected jobs, after confirmation."""
        from queuectl.operations.commandline.render import command_line
        from queuectl.operations.delete import DELETE, Delete
        from queuectl.operations.dlq import PURGE, Purge
        from queuectl_tui.screens.confirm import Confirm

        target = self._target_or_refuse() if self.console.may_write() else None
        if target is None:
            return
        operation: Operation = DELETE
        params: Any
        if target.ids is not None:
            params = Delete(ids=target.ids)
        else:
            operation = PURGE
            params = Purge(yes=True, error=target.signatures)
        asked = Confirm(
            f"Delete {target.label}?",
            [*target.errors, history_goes(target.n), *await self.console.outlook(operation, params)],
            command_line(operation, params),
            Danger.DESTROYS,
            typed=target.n if target.n > 1 else None,
            do="Delete",
            names=target.names,
            total=target.n,
        )
        if await self.app.push_screen_wait(asked):
            self.console.act(operation, params, about=f"deleted {target.label}")
            self._list.clear_marks()

    def action_edit(self) -> None:
        """Edit the job under the cursor and retry it."""
        job = self._jobs().get(self._list.cursor or "")
        if job is not None:
            self.console.pages.edit_job(job.id)
        else:
            self.console.refuse("only one job can be edited at a time: expand the group and select a job")

    def action_export(self) -> None:
        """Write the selected jobs to a new file in the working directory."""
        target = self._target()
        if target is None:
            return
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self.console.clock.now() / 1000))
        name = f"dead-{stamp}.jsonl"
        ids, signatures = target.ids, target.signatures

        def write(context: Any) -> str:
            try:
                path = os.path.abspath(name)
                count = dead_letters.export(context, path, ids, signatures)
            except OSError as error:
                return f"{name} cannot be written: {error.strerror}"
            return f"wrote {dead_jobs(count)} to {path}"

        self.console.reader.ask(write, self.console.say, "dead.export")

    def _target_or_refuse(self) -> DeadTarget | None:
        """Return the target of an action; None, after a message, if its row has just disappeared."""
        app = self.console
        if not self.rows_ready:
            app.refuse("the dead letters are still being read: press again")
            return None
        if self._list.cursor_departed and not self._list.marks:
            self.app.bell()
            app.refuse("the row under the cursor has just disappeared: select another one")
            return None
        target = self._target()
        if target is None:
            app.refuse(
                "mark groups or single jobs, not both" if self._list.marks else "no dead letter is under the cursor"
            )
        return target
