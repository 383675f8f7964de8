"""Environment snapshots of jobs: each content is stored once, and deleted when no job and no undo needs it any more.

No index finds the jobs of a snapshot: it would cost each claim of a server a write. So a walk over all jobs, in steps,
looks for snapshots that none of them has. It cannot miss a job that gets a snapshot meanwhile, because each job that
gets one also raises the time of its last use, unless that was less than `_FRESH_MS` ago.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database

_FRESH_MS = 3_600_000
"""How old the time of the last use may be: so that not every enqueue writes it, and waits for the one before."""
_UNUSED_MS = 2 * _FRESH_MS
"""How old it is before a snapshot may be deleted: an hour more than `_FRESH_MS`, the longest enqueue."""
_STEP = 1000
_REMEMBERED = 100
"""Snapshots whose names are kept, for lists of many jobs."""


def intern(database: Database, content: str, *, now: int) -> int:
    """Return the number of the snapshot with this content, stored if it is new, within the caller's transaction."""
    while True:
        for id_, used_at in database.rows("environment_of", variables=content):
            # A change of no row: it was deleted since.
            if used_at > now - _FRESH_MS or database.run("use_environment", id=id_, now=now):
                return int(id_)
        for (id_,) in database.rows("insert_environment", variables=content, now=now):
            return int(id_)


class Environments:
    """The environment snapshots of a store."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database
        self._names: dict[int, tuple[str, ...]] = {}

    def variables(self, id_: int) -> dict[str, str] | None:
        """Return the variables of a snapshot; None where there is none of this number."""
        # Imported here: an enqueue reads no rows.
        from queuectl.store.rows import env_from

        for (content,) in self._database.rows("environment_variables", id=id_):
            return dict(env_from(content))
        return None

    def names(self, id_: int | None) -> tuple[str, ...]:
        """Return the names of the variables of a job's snapshot, sorted. A snapshot never changes."""
        if id_ is None:
            return ()
        if id_ not in self._names:
            if len(self._names) >= _REMEMBERED:
                self._names.clear()
            self._names[id_] = tuple(self.variables(id_) or ())
        return self._names[id_]

    def walk(self, *, now: int) -> Walk:
        """Return a walk that deletes the snapshots that nothing needs."""
        return Walk(self._database, now=now)


class Walk:
    """A walk over all jobs for the snapshots that none of them has."""

    def __init__(self, database: Database, *, now: int) -> None:
        """Begin with the snapshots that no job has got for a while."""
        self._database = database
        self._before = now - _UNUSED_MS
        self._unused = {id_ for (id_,) in database.rows("environments_before", before=self._before)}
        self._after = 0

    def step(self) -> bool:
        """Visit some more jobs; return True once the walk is over, and the unused snapshots are deleted."""
        if not self._unused:
            return True
        rows = self._database.rows("environments_of_jobs", after=self._after, limit=_STEP)
        self._unused.difference_update(environment for _, environment in rows)
        if len(rows) == _STEP:
            self._after = rows[-1][0]
            return not self._unused
        if self._unused:
            with self._database.transaction():
                self._database.run("forget_environments", seqs=json.dumps(sorted(self._unused)), before=self._before)
        return True
