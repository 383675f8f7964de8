"""Actions on jobs: the marked ones, or the one under the cursor. Dangerous ones are confirmed first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import work

from queuectl.domain.job import FINAL, READY, WAITING, JobState
from queuectl.domain.record import record
from queuectl.domain.text import one_line
from queuectl.operations import find
from queuectl.operations.commandline.render import command_line
from queuectl.operations.operation import Danger
from queuectl_tui.keymap import hint
from queuectl_tui.screens.views import View
from queuectl_tui.widgets.row_source import MARKED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.operations.operation import Operation
    from queuectl.store.job_pages import Row
    from queuectl_tui.keymap import KeyHint
    from queuectl_tui.screens.confirm import Answer
    from queuectl_tui.widgets.job_table import JobTable
    from queuectl_tui.writer import ActionDone

_FEW = 5
_NAMED = 5
_RETRIED = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.DEAD, JobState.CANCELLED})
_CANCELLED = WAITING | {JobState.PROCESSING}


@record
class Act:
    """One kind of action on jobs."""

    operation: str
    states: frozenset[JobState]
    """States of jobs that it applies to; others are skipped."""
    done: str
    """Past participle, as `retried`."""
    do: str
    """The label of the button."""


RETRY = Act(operation="retry", states=_RETRIED, done="retried", do="Retry")
CANCEL = Act(operation="cancel", states=_CANCELLED, done="cancelled", do="Cancel jobs")
KILL = Act(operation="cancel", states=frozenset({JobState.PROCESSING}), done="killed", do="Send")
DELETE = Act(operation="delete", states=FINAL, done="deleted", do="Delete")
HOLD = Act(operation="hold", states=READY, done="held", do="Hold")
RELEASE = Act(operation="release", states=frozenset({JobState.HELD}), done="released", do="Release")
EDIT = Act(operation="edit", states=frozenset(JobState) - {JobState.PROCESSING}, done="changed", do="Change")
PRIORITY = Act(operation="priority", states=WAITING, done="reprioritised", do="Change")


class JobActions(View):
    """The actions of a view that has a table of jobs."""

    table: JobTable

    def action_hints(self, row: Row) -> list[KeyHint]:
        """Return the actions that apply to this row; with marks, those that apply to any state."""
        state = JobState(row.state)
        many = bool(self.table.marks)
        hints = []
        if many or state in _RETRIED:
            hints.append(hint("list.retry", "run now" if state is JobState.FAILED and not many else None))
        if many or state in _CANCELLED:
            hints.append(hint("list.cancel"))
        if many or state is JobState.PROCESSING:
            hints.append(hint("list.kill"))
        if many or state in FINAL:
            hints.append(hint("list.delete"))
        if many or state in READY or state is JobState.HELD:
            hints.append(hint("list.hold", "release" if state is JobState.HELD and not many else None))
        if not many and state in EDIT.states:
            hints.append(hint("list.edit"))
        if many or state in WAITING:
            hints.append(hint("list.priority"))
        return hints

    # Keys ------------------------------------------------------------------------------------------------------------

    def action_retry(self) -> None:
        """Retry the selected jobs."""
        self._act(RETRY)

    def action_cancel(self) -> None:
        """Cancel the selected jobs: waiting ones at once, running ones after confirmation."""
        self._act(CANCEL)

    def action_kill(self) -> None:
        """Cancel running jobs with a chosen signal."""
        self._kill()

    def action_delete(self) -> None:
        """Delete finished jobs."""
        self._act(DELETE)

    def action_hold(self) -> None:
        """Hold jobs, or release the held job under the cursor."""
        row = self.table.cursor_row
        held = row is not None and row.state == JobState.HELD and not self.table.marks
        self._act(RELEASE if held else HOLD)

    def action_priority(self) -> None:
        """Change the priority."""
        self._ask_priority()

    def action_edit(self) -> None:
        """Edit the job under the cursor and put it back in the queue."""
        if (row := self._row()) is not None:
            self.console_app.edit_job(row.id)

    def action_log(self) -> None:
        """Open the log of the job under the cursor."""
        if (row := self.table.cursor_row) is not None:
            self.console_app.open_log(row.id)

    def action_copy(self) -> None:
        """Copy the ids."""
        ids = list(self.table.marks) or ([self.table.cursor_row.id] if self.table.cursor_row else [])
        if ids:
            self.console_app.copy("\n".join(ids), f"copied {_names(ids)}")

    def action_report(self) -> None:
        """Copy a failure report."""
        if (row := self.table.cursor_row) is not None:
            from queuectl_tui.failure_report import report

            job_id = row.id
            self.console_app.reader.ask(
                lambda context: report(context, job_id),
                lambda text: self.console_app.copy(text, f"copied a report on {job_id}"),
                "report",
            )

    def action_all(self) -> None:
        """Mark all jobs of the filter; if all are marked, clear the marks."""
        table = self.table
        if table.marks and len(table.marks) >= min(table.window.total, MARKED):
            table.clear_marks()
            return
        table.mark_all()

    def action_columns(self) -> None:
        """Choose the columns."""
        from queuectl_tui.screens.columns import Columns

        def chosen(answer: tuple[frozenset[str], frozenset[str]] | None) -> None:
            if answer is not None:
                self.table.hidden, self.table.wanted = answer
                self.table.relayout()

        self.app.push_screen(Columns(self.table.hidden, self.table.wanted, self.table.size.width), chosen)

    # How -------------------------------------------------------------------------------------------------------------

    def _row(self) -> Row | None:
        """Return the row under the cursor, unless it has changed at this moment."""
        row = self.table.cursor_row
        if row is None:
            self.console_app.refuse("no job is under the cursor")
            return None
        if not self.table.rows_ready:
            self.console_app.refuse("the rows are still being read: press again")
            return None
        if not self.table.settled:
            self.console_app.refuse(f"{one_line(row.id, 40)} has just changed: press again to confirm")
            return None
        return row

    async def _targets(self, act: Act) -> tuple[list[Row], int] | None:
        """Return the rows that the action applies to, and the number of marked ones that it does not apply to."""
        if self.table.marking:
            self.console_app.refuse("the rows to mark are still being read: press again")
            return None
        marks = list(self.table.marks)
        if not marks:
            row = self._row()
            if row is None:
                return None
            rows = [row]
        else:
            rows_by_id = await self.console_app.fetch(lambda context: context.store.job_pages.these(marks), "targets")
            rows = [rows_by_id[id_] for id_ in marks if id_ in rows_by_id]
        fitting = [row for row in rows if row.state in act.states]
        if not fitting:
            what = f"{rows[0].id} is {rows[0].state}" if len(rows) == 1 else "none of the marked jobs"
            text = f"{what} and cannot be {act.done}" if len(rows) == 1 else f"{what} can be {act.done}"
            self.console_app.refuse(text)
            return None
        return fitting, len(marks or rows) - len(fitting)

    @work(group="act")
    async def _act(self, act: Act) -> None:
        if not self.console_app.may_write() or (targets := await self._targets(act)) is None:
            return
        rows, left_out = targets
        operation = find(act.operation)
        ids = [row.id for row in rows]
        running = sum(row.state == JobState.PROCESSING for row in rows)
        lines = []
        if left_out:
            lines.append(f"{left_out} of the marked jobs are in another state and are skipped.")
        danger = operation.danger
        if act is CANCEL and not running:
            danger = Danger.NONE
        if running and act is CANCEL:
            which = "It is" if len(ids) == 1 else f"{running} of them are"
            lines.append(f"{which} running: the whole process tree ends.")
        if act is DELETE:
            lines.append(
                "Its output and history are deleted too."
                if len(ids) == 1
                else "Their output and history are deleted too."
            )
        if len(ids) > 1 or danger is not Danger.NONE:
            lines += await self.console_app.outlook(operation, operation.params(ids=tuple(ids)))
            typed = len(ids) if act is DELETE and len(ids) > 1 else None
            answer = await self._confirm(act, operation, ids, lines, danger=danger, typed=typed, rows=rows)
            if not answer:
                return
            if answer == "few":
                ids = ids[:_FEW]
        self._run(operation, operation.params(ids=tuple(ids)), ids, act)

    @work(group="act")
    async def _kill(self) -> None:
        if not self.console_app.may_write() or (targets := await self._targets(KILL)) is None:
            return
        from queuectl_tui.screens.signals import SignalPicker

        rows, _ = targets
        ids = [row.id for row in rows]
        number = await self.app.push_screen_wait(SignalPicker(f"{_names(ids)}: {rows[0].command}"))
        if number is None:
            return
        operation = find("cancel")
        params = operation.params(ids=tuple(ids), signal=number)
        if len(ids) > 1:
            lines = ["Their whole process trees get the signal, and KILL after kill_grace."]
            lines += await self.console_app.outlook(operation, params)
            answer = await self._confirm(
                KILL, operation, ids, lines, danger=Danger.STOPS, typed=len(ids), rows=rows, params=params
            )
            if not answer:
                return
        self._run(operation, params, ids, KILL)

    @work(group="act")
    async def _ask_priority(self) -> None:
        if not self.console_app.may_write() or (targets := await self._targets(PRIORITY)) is None:
            return
        from queuectl_tui.screens.number import NumberPrompt

        rows, _ = targets
        ids = [row.id for row in rows]
        operation = find("priority")

        def line(number: int) -> str:
            return command_line(operation, operation.params(ids=tuple(ids[:_NAMED]), priority=number))

        asked = NumberPrompt(
            "Priority", f"Priority of {_names(ids)}: higher runs first", value=rows[0].priority, low=-1000, high=1000,
            line=line, do="Change",
        )  # fmt: skip
        number = await self.app.push_screen_wait(asked)
        if number is not None:
            self._run(operation, operation.params(ids=tuple(ids), priority=number), ids, PRIORITY)

    async def _confirm(
        self,
        act: Act,
        operation: Operation,
        ids: Sequence[str],
        lines: Sequence[str],
        *,
        danger: Danger,
        typed: int | None,
        rows: Sequence[Row],
        params: Any = None,
    ) -> Answer | None:
        from queuectl_tui.screens.confirm import Confirm

        shown = operation.params(ids=tuple(ids)) if params is None else params
        names = [f"{row.id}  {row.state}  {row.queue}  {row.command}" for row in rows[:_NAMED]]
        what = f"{len(ids):,} jobs" if len(ids) > 1 else f"job {one_line(ids[0], 40)}"
        asked = Confirm(
            f"{act.do.removesuffix(' jobs')} {what}?",
            lines,
            command_line(operation, shown),
            danger,
            typed,
            do=act.do,
            names=names,
            total=len(ids),
            few=_FEW if params is None and typed is None else 0,
        )
        return await self.app.push_screen_wait(asked)

    def _run(self, operation: Operation, params: Any, ids: Sequence[str], act: Act) -> None:
        table = self.table

        def clear(done: ActionDone) -> None:
            for id_ in ids:
                table.doing.pop(id_, None)
                if done.error is None:
                    table.marks.pop(id_, None)
            table.tick()
            table.post_message(table.Changed())

        # Show the pending action at once; it is removed when the action has ended, with an error in the echo line if it
        # failed.
        table.doing.update(dict.fromkeys(ids, act.operation))
        table.tick()
        self.console_app.act(operation, params, about=f"{act.done} {_names(ids)}", then=clear)


def _names(ids: Sequence[str]) -> str:
    few = " ".join(one_line(id_, 20) for id_ in ids[:_NAMED])
    return few if len(ids) <= _NAMED else f"{few} and {len(ids) - _NAMED:,} more"
