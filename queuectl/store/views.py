"""Saved filters, for the command line and the console alike."""

from __future__ import annotations

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database
    from queuectl.store.events import Events


@record
class SavedView:
    """A filter under a name."""

    name: str
    filter: str
    """As it is typed: `state:failed queue:mail report`."""
    created_at: int
    actor: str


class Views:
    """The saved filters of a store."""

    def __init__(self, database: Database, events: Events) -> None:
        """Keep them in `database`."""
        self._database = database
        self._events = events

    def list(self) -> list[SavedView]:
        """All of them, by name."""
        return [
            SavedView(name=name, filter=words, created_at=at, actor=actor)
            for name, words, at, actor in self._database.rows("saved_views")
        ]

    def find(self, name: str) -> SavedView | None:
        """One of them."""
        return next((view for view in self.list() if view.name == name), None)

    def save(self, name: str, words: str, *, now: int) -> None:
        """Save a filter, over an older one of that name."""
        with self._database.transaction():
            self._database.run("save_view", name=name, filter=words, now=now, actor=self._events.actor)
            self._events.note(now, "save_view", name, words)

    def delete(self, name: str, *, now: int) -> bool:
        """Forget a filter; False when there is none of that name."""
        with self._database.transaction():
            found = bool(self._database.rows("delete_view", name=name))
            if found:
                self._events.note(now, "delete_view", name)
        return found
