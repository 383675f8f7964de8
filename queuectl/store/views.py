"""Saved filters, shared by the command line and the console."""

from __future__ import annotations

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database
    from queuectl.store.events import Events


@record
class SavedView:
    """A filter with a name."""

    name: str
    """Its name."""
    filter: str
    """As typed by a user: `state:failed queue:mail report`."""
    created_at: int
    """When it was saved."""
    actor: str
    """`user@host` of the user who saved it."""


class Views:
    """The saved filters of a store."""

    def __init__(self, database: Database, events: Events) -> None:
        """Work in `database`; record changes in `events`."""
        self._database = database
        self._events = events

    def list(self) -> list[SavedView]:
        """Return all saved filters, by name."""
        return [
            SavedView(name=name, filter=words, created_at=at, actor=actor)
            for name, words, at, actor in self._database.rows("saved_views")
        ]

    def find(self, name: str) -> SavedView | None:
        """Return the filter with this name, or None."""
        return next((view for view in self.list() if view.name == name), None)

    def save(self, name: str, words: str, *, now: int) -> None:
        """Save a filter, replacing one with the same name."""
        with self._database.transaction():
            self._database.run("save_view", name=name, filter=words, now=now, actor=self._events.actor)
            self._events.note(now, "save_view", name, words)

    def delete(self, name: str, *, now: int) -> bool:
        """Delete a filter; False when no filter has this name."""
        with self._database.transaction():
            found = bool(self._database.rows("delete_view", name=name))
            if found:
                self._events.note(now, "delete_view", name)
        return found
