"""Jobs whose end the console reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.job import FINAL, JobState
from queuectl.domain.record import record
from queuectl.domain.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuectl.store.job_pages import Row

MOST = 100
"""Maximum number of watched jobs: each is read whenever the store has changed."""
_ID_WIDTH = 40


@record
class EndNotice:
    """Notice that a watched job has ended."""

    text: str
    good: bool


class WatchList:
    """The ids of the watched jobs. A failed attempt that will be retried is not an end."""

    def __init__(self) -> None:
        """Start without watched jobs."""
        self.ids: frozenset[str] = frozenset()

    def toggle(self, row: Row) -> str:
        """Watch a job, or stop watching it; return a message for the user."""
        name = one_line(row.id, _ID_WIDTH)
        if row.id in self.ids:
            self.ids -= {row.id}
            return f"{name} is no longer watched"
        if row.state in FINAL:
            return f"{name} has ended already: {row.state}"
        if len(self.ids) >= MOST:
            return f"{MOST} jobs are watched already, which is the maximum"
        self.ids |= {row.id}
        return f"watching {name}: a notice appears when it ends"

    def ended(self, seen: Mapping[str, Row], asked: frozenset[str]) -> list[EndNotice]:
        """Stop watching the jobs of `asked` that have ended, and return their notices; `seen`: rows that exist."""
        news = []
        for id_ in sorted(self.ids & asked):
            row = seen.get(id_)
            if row is not None and row.state not in FINAL:
                continue
            self.ids -= {id_}
            good = row is not None and row.state == JobState.COMPLETED
            news.append(EndNotice(text=f"{one_line(id_, _ID_WIDTH)} {_how(row)}", good=good))
        return news


def _how(row: Row | None) -> str:
    if row is None:
        return "has been deleted"
    what = f": {one_line(row.command, 60)}"
    if row.state == JobState.DEAD:
        return f"is dead after {row.attempts} attempt{'s' * (row.attempts != 1)}{what}"
    return f"is {row.state}{what}"
