"""The jobs of the table that actions are on: the marked ones, or the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.job import JobState
from queuectl.domain.text import one_line
from queuectl_tui.console import console_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.store.job_pages import Row
    from queuectl_tui.console import Console
    from queuectl_tui.screens.job_acts import Act
    from queuectl_tui.widgets.job_table import JobTable
    from queuectl_tui.writer import ActionDone


class TableTarget:
    """A `job_actor.Target`; results are reported in the console's echo line."""

    def __init__(self, table: JobTable) -> None:
        """Act on the jobs of `table`."""
        self._table = table

    @property
    def _console(self) -> Console:
        return console_of(self._table)

    @property
    def is_held(self) -> bool:
        """Whether nothing is marked, and the job under the cursor is held."""
        row = self._table.cursor_row
        return row is not None and row.state == JobState.HELD and not self._table.marks

    def may_write(self) -> bool:
        """Return whether the console may write; if not, report why."""
        return self._console.may_write()

    def current(self) -> Row | None:
        """Return the row under the cursor, unless it has changed at this moment."""
        row = self._table.cursor_row
        if row is None:
            self.refuse("no job is under the cursor")
        elif not self._table.rows_ready:
            self.refuse("the rows are still being read: press again")
        elif not self._table.settled:
            self.refuse(f"{one_line(row.id, 40)} has just changed: press again to confirm")
        else:
            return row
        return None

    async def selected(self) -> Sequence[Row] | None:
        """Return the rows that are marked and still there, or the one under the cursor."""
        if self._table.marking:
            self.refuse("the rows to mark are still being read: press again")
            return None
        marks = list(self._table.marks)
        if not marks:
            row = self.current()
            return None if row is None else [row]
        rows = await self._console.fetch(lambda context: context.store.job_pages.these(marks), "targets")
        if not rows:
            self.refuse("none of the marked jobs is there any more")
        return [rows[id_] for id_ in marks if id_ in rows]

    def refuse(self, text: str) -> None:
        """Report why a key does nothing, and drop the keys typed after it."""
        self._console.refuse(text)

    def say(self, text: str) -> None:
        """Report something."""
        self._console.say(text)

    def began(self, ids: Sequence[str], act: Act) -> None:
        """Show the action in the rows at once, until it has ended."""
        self._table.doing.update(dict.fromkeys(ids, act.operation))
        self._table.tick()

    def ended(self, ids: Sequence[str], done: ActionDone) -> None:
        """Show the rows without the action, and after a success without their marks."""
        table = self._table
        for id_ in ids:
            table.doing.pop(id_, None)
        if done.error is None:
            table.marks.discard(ids)
        table.tick()
        table.post_message(table.Changed())
