"""Action on a failure burst: hold the waiting jobs of its queue with one key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work

from queuectl.domain.filter import Filter
from queuectl.domain.job import READY
from queuectl.domain.text import one_line
from queuectl.operations import find
from queuectl.operations.operation import Danger
from queuectl_tui.keymap import hint, rehint
from queuectl_tui.screens.job_actions import HOLD, JobActions
from queuectl_tui.widgets.row_source import MARKED

if TYPE_CHECKING:
    from queuectl.operations.context import Context
    from queuectl.store.job_pages import Row
    from queuectl.store.recent import Storm
    from queuectl_tui.widgets.failure_burst_banner import StormBanner

_NAMED = 5


class StormActions(JobActions):
    """The part of the Jobs view that manages the failure burst banner."""

    banner: StormBanner
    _hidden: tuple[str, str] | None = None
    """Signature and queue of the failure burst that was hidden; it stays hidden until it is over."""

    def show_storm(self, storm: Storm | None) -> None:
        """Show a failure burst unless it was hidden; None removes the banner."""
        if storm is None:
            self._hidden = None
        elif self._hidden == (storm.signature, storm.queue):
            storm = None
        (known,) = rehint([hint("list.hold_storm")], self.console_app.user_keymap)
        self.banner.show(storm, "" if self.console_app.read_only else known.key)

    def hide_storm(self) -> bool:
        """Hide the banner; False if it is not shown."""
        storm = self.banner.storm
        if storm is None:
            return False
        self._hidden = (storm.signature, storm.queue)
        self.show_storm(storm)
        return True

    @work(group="act")
    async def action_hold_storm(self) -> None:
        """Hold the waiting jobs of the failing queue."""
        app, storm = self.console_app, self.banner.storm
        if storm is None:
            app.refuse("no queue has a failure burst now")
            return
        if not app.may_write():
            return
        chosen = Filter(states=tuple(READY), queue=storm.queue)

        def request(context: Context) -> tuple[list[str], dict[str, Row]]:
            ids = context.store.job_pages.ids(chosen, limit=MARKED, stop=app.reader.check)
            return ids, context.store.job_pages.these(ids[:_NAMED])

        ids, few = await app.fetch(request, "storm")
        queue = one_line(storm.queue, 40)
        if not ids:
            app.refuse(f"nothing waits in queue {queue}")
            return
        operation = find("hold")
        params = operation.params(ids=tuple(ids))
        lines = [
            f"{storm.jobs} of its jobs have failed within two minutes: {one_line(storm.text, 200)}",
            "All waiting jobs of the queue are held. Running jobs continue, and new jobs are not held.",
            "h releases marked jobs.",
        ]
        if len(ids) >= MARKED:
            lines.append(f"No more than the newest {MARKED:,} can be held at once.")
        lines += await app.outlook(operation, params)
        rows = [few[id_] for id_ in ids[:_NAMED] if id_ in few]
        answer = await self._confirm(
            HOLD, operation, ids, lines, danger=Danger.STOPS, typed=None, rows=rows, params=params
        )
        if answer:
            self.hide_storm()
            self._run(operation, params, ids, HOLD)
