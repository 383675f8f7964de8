"""A failure burst in the Jobs view: its banner, and the key that pauses the failing queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.text import one_line
from queuectl.operations import find
from queuectl_tui.console import console_of

if TYPE_CHECKING:
    from queuectl.store.recent import FailureBurst
    from queuectl_tui.snapshot import Snapshot
    from queuectl_tui.widgets.failure_burst_banner import FailureBurstBanner

_ERROR = 60
"""Characters of the error in the reason of the pause."""


class FailureBurstControl:
    """Shows and hides the banner, and pauses the queue."""

    def __init__(self, banner: FailureBurstBanner) -> None:
        """Manage `banner`."""
        self._banner = banner
        self._hidden: tuple[str, str] | None = None
        """Signature and queue of the failure burst that was hidden; it stays hidden until it is over."""
        self._paused: str | None = None
        """The queue of the failure burst, if it is paused, so that there is no banner."""

    @property
    def is_shown(self) -> bool:
        """Whether the banner is shown."""
        return self._banner.burst is not None

    def show(self, snapshot: Snapshot) -> None:
        """Show the failure burst, unless it was hidden or its queue is paused; without one, remove the banner."""
        burst = snapshot.burst
        self._paused = burst.queue if burst is not None and snapshot.is_paused(burst.queue) else None
        if burst is None:
            self._hidden = None
        elif self._paused is not None or self._hidden == (burst.signature, burst.queue):
            burst = None
        self._put(burst)

    def _put(self, burst: FailureBurst | None) -> None:
        console = console_of(self._banner)
        pause = "" if console.read_only else console.shown_key("list.pause_failing")
        self._banner.show(burst, pause, console.shown_key("global.back"))

    def hide(self) -> bool:
        """Hide the banner; False if it is not shown."""
        burst = self._banner.burst
        if burst is None:
            return False
        self._hidden = (burst.signature, burst.queue)
        self._put(None)
        return True

    def pause(self) -> None:
        """Pause the failing queue. It can be undone, so no question is asked."""
        console, burst = console_of(self._banner), self._banner.burst
        if burst is None:
            queue = None if self._paused is None else one_line(self._paused, 40)
            console.refuse("no queue has a failure burst now" if queue is None else f"queue {queue} is paused already")
            return
        if not console.may_write():
            return
        operation = find("queue pause")
        reason = f"failure burst: {one_line(burst.text, _ERROR)}"
        params = operation.params(queues=(burst.queue,), reason=reason)
        console.act(operation, params, about=f"paused queue {one_line(burst.queue, 40)}")
