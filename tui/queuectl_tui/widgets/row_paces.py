"""The progress of the running jobs on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl_tui.console import console_of
from queuectl_tui.duration_estimates import DurationEstimates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.widget import Widget

    from queuectl.store.job_pages import Row
    from queuectl_tui.duration_estimates import Pace

_PACED = 0.9
"""Seconds between two reads."""


class RowPaces:
    """Reads the progress of running jobs for a table."""

    def __init__(self, table: Widget, changed: Callable[[], None]) -> None:
        """Read for `table`; `changed` is called after every change."""
        self._table = table
        self._changed = changed
        self._asked_at = float("-inf")
        self.estimates = DurationEstimates()
        """Used by the reader's thread only."""
        self.by_id: dict[str, Pace] = {}
        """The progress by job."""

    def of(self, row: Row) -> Pace | None:
        """Return the progress of a row's attempt."""
        pace = self.by_id.get(row.id)
        # It may be that of the previous attempt.
        return None if pace is None or pace.started_at != row.started_at else pace

    def ask(self, rows: Sequence[Row]) -> None:
        """Read the progress of those of `rows` that run, at most once a second."""
        console = console_of(self._table)
        now = console.clock.monotonic()
        if console.live and now - self._asked_at < _PACED:
            return
        self._asked_at = now
        running = [row for row in rows if row.state == "processing"]
        estimates = self.estimates
        if running:
            console.reader.ask(lambda context: estimates.paces(context, running), self._take, f"paces-{self._table.id}")
        elif self.by_id:
            self.by_id = {}

    def _take(self, paces: dict[str, Pace]) -> None:
        if self._table.is_attached and paces != self.by_id:
            self.by_id = paces
            self._changed()
