"""Undo of an action on a selection: state and priority of many jobs, up to a thousand at a time."""

from __future__ import annotations

import json

from queuectl.domain.errors import Refused
from queuectl.store.pace import Pace
from queuectl.store.undo_records import TakenBack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database
    from queuectl.store.events import Events
    from queuectl.store.undo_records import Undoable


def put_back_states(database: Database, events: Events, of: Undoable, now: int) -> TakenBack:
    """Restore the jobs that were not changed since the action.

    The action is closed by the last step: an undo that is interrupted can be repeated, and restores the rest. Raises
    Refused when no job can be restored; then the records stay.
    """
    restored = left_out = after = 0
    queues: set[str] = set()
    pace = Pace(database)
    while seqs := [seq for (seq,) in database.rows("kept_states", undo=of.id, after=after, limit=pace.limit)]:
        after, as_json = seqs[-1], json.dumps(seqs)
        with pace.step():
            database.rows("states_of_these", seqs=as_json)
            database.run("begin_undoing_these", seqs=as_json)
            rows = database.rows("put_back_states", undo=of.id, seqs=as_json, at=of.at)
            database.run("end_undoing")
            if rows and not restored:
                events.note(now, "undo", None, f"{of.verb} of {of.jobs:,} jobs")
        restored += len(rows)
        left_out += len(seqs) - len(rows)
        queues.update(queue for _, queue in rows)
    if not restored:
        raise Refused(
            f"the {of.verb} cannot be undone any more: all of its jobs have run, changed or been deleted since"
        )
    with database.transaction():
        database.run("close_undo", id=of.id, now=now)
        database.run("empty_undo_states", undo=of.id)
    return TakenBack(id=of.id, verb=of.verb, restored=restored, queues=frozenset(queues), left_out=left_out)
