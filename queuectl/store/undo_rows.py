"""Undo of an action that has changed rows of other tables than jobs: settings and pauses of queues."""

from __future__ import annotations

from queuectl.domain.errors import Refused
from queuectl.domain.phrases import first_of
from queuectl.domain.queue_settings import ALL
from queuectl.store import queues
from queuectl.store.undo_records import TakenBack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database
    from queuectl.store.events import Events
    from queuectl.store.undo_records import Undoable

_NAMED = 3


def put_back_rows(database: Database, events: Events, chosen: Undoable, now: int) -> TakenBack:
    """Restore each row that has not changed since, within the caller's transaction. Raises Refused if none can be."""
    restored, left = [], []
    for _, name, before, after in database.rows("kept_rows", undo=chosen.id):
        if queues.put_back(database, name, before, after):
            restored.append(name)
            events.note(now, "undo", None if name == ALL else name, chosen.verb)
        else:
            left.append((name, "it has been changed since"))
    if not restored:
        few = first_of(["all queues" if name == ALL else f"queue {name}" for name, _ in left], _NAMED)
        raise Refused(f"the {chosen.verb} cannot be undone any more: {few} changed since")
    database.run("close_undo", id=chosen.id, now=now)
    database.run("empty_undo_rows", undo=chosen.id)
    return TakenBack(
        id=chosen.id,
        verb=chosen.verb,
        restored=len(restored),
        queues=frozenset(restored),
        changed_queues=tuple(restored),
        left=tuple(("all queues" if name == ALL else name, why) for name, why in left),
    )
