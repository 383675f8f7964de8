"""Jobs by the user who enqueued them, and the names that stand for the newest of them."""

from __future__ import annotations

from queuectl.domain.job import JobState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database
    from queuectl.store.events import Events

LAST, FAILED = "@last", "@failed"
NAMES: dict[str, tuple[JobState, ...]] = {LAST: (), FAILED: (JobState.FAILED, JobState.DEAD)}
"""Names that stand for the newest job of this user in one of these states, or in any."""


class Enqueuers:
    """Reader of the newest jobs of this user."""

    def __init__(self, database: Database, events: Events) -> None:
        """Read from `database` the jobs that the actor of `events` enqueued.

        A file belongs to one host, whose name may change with its network: there the name of the user counts alone.
        """
        self._database = database
        self.user = events.actor if database.remote else events.actor.partition("@")[0]
        """Whose jobs these are, for messages."""
        self._words = {"actor": events.actor, "prefix": None if database.remote else f"{self.user}@"}

    def named(self, name: str) -> str | None:
        """Return the id of the job that a name of `NAMES` stands for; None without one."""
        states = NAMES[name]
        if not states:
            return next((id_ for (id_,) in self._database.rows("newest_of", **self._words)), None)
        # One query for each state, which the index of states serves.
        rows = [row for each in states for row in self._database.rows("newest_of_in_state", state=each, **self._words)]
        return max(rows)[1] if rows else None
