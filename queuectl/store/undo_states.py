"""Undo of an action on a selection: state and priority of many jobs, a thousand at a time."""

from __future__ import annotations

import json

from queuectl.domain.errors import Refused
from queuectl.store.undo_records import TakenBack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database
    from queuectl.store.events import Events
    from queuectl.store.undo_records import Undoable

_STEP = 1000


def put_back_states(database: Database, events: Events, of: Undoable, now: int) -> TakenBack:
    """Restore the jobs that were not changed since the action; forget each step's records with it.

    An undo that is interrupted leaves the rest to the next undo of the same action. Raises Refused when no job can be
    restored.
    """
    restored = left_out = 0
    queues: set[str] = set()
    while True:
        with database.transaction():
            seqs = [seq for (seq,) in database.rows("kept_states", undo=of.id, limit=_STEP)]
            if not seqs:
                break
            as_json = json.dumps(seqs)
            database.rows("states_of_these", seqs=as_json)
            database.run("begin_undoing_these", seqs=as_json)
            rows = database.rows("put_back_states", undo=of.id, seqs=as_json, at=of.at, now=now)
            database.run("end_undoing")
            database.run("forget_states", undo=of.id, seqs=as_json)
            if len(seqs) < _STEP:
                database.run("close_undo", id=of.id, now=now)
            if rows and not restored:
                events.note(now, "undo", None, f"{of.verb} of {of.jobs:,} jobs")
        restored += len(rows)
        left_out += len(seqs) - len(rows)
        queues.update(queue for _, queue in rows)
        if len(seqs) < _STEP:
            break
    if not restored:
        raise Refused(
            f"the {of.verb} cannot be undone any more: all of its jobs have run, changed or been deleted since"
        )
    return TakenBack(id=of.id, verb=of.verb, restored=restored, queues=frozenset(queues), left_out=left_out)
