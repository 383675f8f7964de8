"""Helpers of the console's tests: read the screen, and reload the store."""

from __future__ import annotations

from typing import Any

from queuectl_tui.widgets.job_table import JobTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual.pilot import Pilot


def lines_of(app: Any) -> list[str]:
    """Return the lines of the screen, as painted."""
    return ["".join(segment.text for segment in line) for line in app.screen._compositor.render_strips()]


def screen_of(app: Any) -> str:
    """Return the screen as one text."""
    return "\n".join(lines_of(app))


async def read_again(pilot: Pilot[int]) -> None:
    """Read the store, then the rows of the job table."""
    app: Any = pilot.app
    app.reader.refresh()
    await pilot.pause()
    app.query_one(JobTable).refresh_rows()
    await pilot.pause()
