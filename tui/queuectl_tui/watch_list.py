"""Jobs that somebody wants to hear of when they have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queuectl.domain.job import FINAL, JobState
from queuectl.domain.record import record
from queuectl.domain.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuectl.store.job_pages import Row

MOST = 100
"""Jobs that can be watched at once: each is looked at whenever the store has changed."""
_NAMED = 40


@record
class News:
    """A watched job has ended."""

    text: str
    good: bool


class Watching:
    """The ids that are watched. An attempt that failed and is tried again is no end."""

    def __init__(self) -> None:
        """Nothing is watched."""
        self.ids: frozenset[str] = frozenset()

    def toggle(self, row: Row) -> str:
        """Watch a job, or watch it no longer; a word about it."""
        name = one_line(row.id, _NAMED)
        if row.id in self.ids:
            self.ids -= {row.id}
            return f"{name} is not watched any more"
        if row.state in FINAL:
            return f"{name} has ended already: {row.state}"
        if len(self.ids) >= MOST:
            return f"{MOST} jobs are watched; no more can be"
        self.ids |= {row.id}
        return f"watching {name}: you will hear of its end"

    def ended(self, seen: Mapping[str, Row], asked: frozenset[str]) -> list[News]:
        """What has ended of the jobs that were `asked` for; they are watched no longer. `seen`: those that exist."""
        news = []
        for id_ in sorted(self.ids & asked):
            row = seen.get(id_)
            if row is not None and row.state not in FINAL:
                continue
            self.ids -= {id_}
            good = row is not None and row.state == JobState.COMPLETED
            news.append(News(text=f"{one_line(id_, _NAMED)} {_how(row)}", good=good))
        return news


def _how(row: Row | None) -> str:
    if row is None:
        return "has been deleted"
    what = f": {one_line(row.command, 60)}"
    if row.state == JobState.DEAD:
        return f"is dead after {row.attempts} attempt{'s' * (row.attempts != 1)}{what}"
    return f"is {row.state}{what}"
