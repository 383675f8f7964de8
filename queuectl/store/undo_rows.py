"""Undo of an action that has changed rows of other tables than jobs: queues and schedules."""

from __future__ import annotations

from queuectl.domain.errors import Refused
from queuectl.domain.phrases import first_of
from queuectl.domain.queue_settings import ALL
from queuectl.store import queues, schedules
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
    for kind, name, before, after in database.rows("kept_rows", undo=chosen.id):
        if _put_back(database, (kind, name, before, after), now):
            restored.append((kind, name))
            events.note(now, "undo", None if name == ALL else name, chosen.verb)
        else:
            left.append((kind, name))
    if not restored:
        few = first_of([_called(*each) for each in left], _NAMED)
        raise Refused(f"the {chosen.verb} cannot be undone any more: {few} changed since")
    database.run("close_undo", id=chosen.id, now=now)
    database.run("empty_undo_rows", undo=chosen.id)
    return TakenBack(
        id=chosen.id,
        verb=chosen.verb,
        restored=len(restored),
        queues=frozenset(name for kind, name in restored if kind == "queue"),
        changed_queues=tuple(name for kind, name in restored if kind == "queue"),
        changed_schedules=tuple(name for kind, name in restored if kind == "schedule"),
        left=tuple((_called(*each), "it has been changed since") for each in left),
    )


def _put_back(database: Database, row: tuple[str, str, str | None, str | None], now: int) -> bool:
    kind, name, before, after = row
    if kind == "queue":
        return queues.put_back(database, name, before, after)
    return schedules.put_back(database, name, before, after, now=now)


def _called(kind: str, name: str) -> str:
    return "all queues" if name == ALL else f"{kind} {name}"
