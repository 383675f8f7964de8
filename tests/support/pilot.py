"""What tests of the console do over and over: look at the screen, and have the store read again."""

from __future__ import annotations

from typing import Any

from queuectl_tui.widgets.job_table import JobTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual.pilot import Pilot


def lines_of(app: Any) -> list[str]:
    """The lines of the screen, as they are painted."""
    return ["".join(segment.text for segment in line) for line in app.screen._compositor.render_strips()]


def screen_of(app: Any) -> str:
    """The same as one text."""
    return "\n".join(lines_of(app))


async def read_again(pilot: Pilot[int]) -> None:
    """Read the store, then the rows of the job table."""
    app: Any = pilot.app
    app.reader.refresh()
    await pilot.pause()
    app.query_one(JobTable).refresh_rows()
    await pilot.pause()
