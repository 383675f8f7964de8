"""A failure burst in the Jobs view: its banner, and the key that holds the waiting jobs of the failing queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.filter import Filter
from queuectl.domain.job import READY
from queuectl.domain.text import one_line
from queuectl.operations import find
from queuectl.operations.operation import Danger
from queuectl_tui.console import console_of
from queuectl_tui.screens.confirm import NAMED
from queuectl_tui.screens.job_acts import HOLD
from queuectl_tui.widgets.row_source import MARKED

if TYPE_CHECKING:
    from queuectl.operations.context import Context
    from queuectl.store.job_pages import Row
    from queuectl.store.recent import FailureBurst
    from queuectl_tui.screens.job_actor import JobActor
    from queuectl_tui.widgets.failure_burst_banner import FailureBurstBanner


class FailureBurstControl:
    """Shows and hides the banner, and holds the queue."""

    def __init__(self, banner: FailureBurstBanner, actor: JobActor) -> None:
        """Manage `banner`; `actor` holds the jobs."""
        self._banner = banner
        self._actor = actor
        self._hidden: tuple[str, str] | None = None
        """Signature and queue of the failure burst that was hidden; it stays hidden until it is over."""

    @property
    def is_shown(self) -> bool:
        """Whether the banner is shown."""
        return self._banner.burst is not None

    def show(self, burst: FailureBurst | None) -> None:
        """Show a failure burst unless it was hidden; None removes the banner."""
        if burst is None:
            self._hidden = None
        elif self._hidden == (burst.signature, burst.queue):
            burst = None
        console = console_of(self._banner)
        hold = "" if console.read_only else console.shown_key("list.hold_failing")
        self._banner.show(burst, hold, console.shown_key("global.back"))

    def hide(self) -> bool:
        """Hide the banner; False if it is not shown."""
        burst = self._banner.burst
        if burst is None:
            return False
        self._hidden = (burst.signature, burst.queue)
        self.show(burst)
        return True

    async def hold(self) -> None:
        """Hold the waiting jobs of the failing queue, after confirmation."""
        console, burst = console_of(self._banner), self._banner.burst
        if burst is None:
            console.refuse("no queue has a failure burst now")
            return
        if not console.may_write():
            return
        chosen = Filter(states=tuple(READY), queues=(burst.queue,))

        def request(context: Context) -> tuple[list[str], dict[str, Row]]:
            ids = context.store.job_pages.ids(chosen, limit=MARKED, stop=console.reader.check)
            return ids, context.store.job_pages.these(ids[:NAMED])

        ids, few = await console.fetch(request, "failure burst")
        if not ids:
            console.refuse(f"no job waits in queue {one_line(burst.queue, 40)}")
            return
        operation = find("hold")
        params = operation.params(ids=tuple(ids))
        lines = [
            f"{burst.jobs} of its jobs have failed within two minutes: {one_line(burst.text, 200)}",
            "All waiting jobs of the queue are held. Running jobs continue, and new jobs are not held.",
            f"{console.shown_key('list.hold')} releases marked jobs.",
        ]
        if len(ids) >= MARKED:
            lines.append(f"No more than the newest {MARKED:,} can be held at once.")
        lines += await console.outlook(operation, params)
        rows = [few[id_] for id_ in ids[:NAMED] if id_ in few]
        if await self._actor.confirm(HOLD, params, rows, lines, danger=Danger.STOPS):
            self.hide()
            self._actor.run(HOLD, params)
