"""Deletion of jobs that finished long ago, in steps, and of what only they needed."""

from __future__ import annotations

from queuectl.store.environments import Walk
from queuectl.store.pace import Pace, StepNotes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.domain.job import JobState
    from queuectl.store.database import Database
    from queuectl.store.events import Events

_REMEMBERED_MS = 30 * 86_400_000
"""How long an error without dead jobs stays in the table of signatures."""


def prune(
    database: Database,
    events: Events,
    state: JobState,
    *,
    before: int,
    now: int,
    progress: Callable[[int], None],
) -> int:
    """Delete jobs in a final `state` that finished by `before`; return how many.

    `progress` is called after each step with its number of jobs, and may raise to stop.
    """
    pruned, after, pace = 0, 0, Pace(database)
    with StepNotes(database, events, "prune", state.value, now) as notes:
        while True:
            limit = pace.limit
            criteria = {"state": state.value, "after": after, "before": before, "limit": limit}
            with pace.step():
                if events.keeping and events.keeping.keeps:
                    seqs = [seq for (seq,) in database.rows("prunable_seqs", **criteria)]
                    events.keeping.before(seqs, deleted=True)
                deleted = [seq for (seq,) in database.rows("prune", **criteria)]
                notes.add(len(deleted))
            pruned += len(deleted)
            progress(len(deleted))
            if len(deleted) < limit:
                break
            after = max(deleted)
    database.run("forget_signatures", before=now - _REMEMBERED_MS)
    walk = Walk(database, now=now)
    while not walk.step():
        pass
    return pruned
