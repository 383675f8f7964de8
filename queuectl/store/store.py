"""The store: one object with a part for each kind of operation."""

from __future__ import annotations

from queuectl.store.events import Events
from queuectl.store.jobs import Jobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from queuectl.domain.filter import Filter
    from queuectl.domain.finding import Finding
    from queuectl.store.claims import Claims
    from queuectl.store.database import Database
    from queuectl.store.dlq import DeadLetters
    from queuectl.store.edits import Edits
    from queuectl.store.enqueuers import Enqueuers
    from queuectl.store.environments import Environments
    from queuectl.store.following import Following
    from queuectl.store.invariants import Checked
    from queuectl.store.job_pages import JobPages
    from queuectl.store.leases import Leases
    from queuectl.store.queues import Queues
    from queuectl.store.recent import Recent
    from queuectl.store.remote_output import RemoteOutput
    from queuectl.store.schedules import Schedules
    from queuectl.store.selection import Selection
    from queuectl.store.stats import Stats
    from queuectl.store.undo import Undo
    from queuectl.store.views import Views
    from queuectl.store.waiting import Waiting
    from queuectl.store.workers import Workers


class _Part:
    """A part of the store that is imported and made at its first use: an enqueue needs none of them."""

    def __init__(self, path: str, *arguments: str) -> None:
        """Make the class `path`, a module of this package and a name in it, from these attributes of the store."""
        self._module, _, self._name = path.rpartition(".")
        self._arguments = arguments

    def __set_name__(self, owner: type, name: str) -> None:
        self._attribute = name

    def __get__(self, store: Store | None, owner: type) -> object:
        if store is None:
            return self
        module = __import__(f"queuectl.store.{self._module}", fromlist=(self._name,))
        made = getattr(module, self._name)(*(getattr(store, each) for each in self._arguments))
        # From now on the attribute of the store hides this one of its class.
        store.__dict__[self._attribute] = made
        return made


def _part(path: str, *arguments: str) -> Any:
    return _Part(path, *arguments)


class Store:
    """The queue, through one connection. Must not be shared between threads nor used after a fork."""

    open = 0
    """Number of stores that this process holds open; must be 0 when it forks."""
    absent = False
    """Whether it stands for a store that does not exist yet: it is empty, and writes to it are lost."""

    job_pages: JobPages = _part("job_pages.JobPages", "database")
    """Pages of jobs for the console's table."""
    workers: Workers = _part("workers.Workers", "database", "events")
    """Pools and workers."""
    leases: Leases = _part("leases.Leases", "database", "events")
    """Leases of workers, on a store that several hosts use."""
    remote_output: RemoteOutput = _part("remote_output.RemoteOutput", "database")
    """Live output for viewers on other hosts."""
    edits: Edits = _part("edits.Edits", "database", "events", "jobs")
    """Changes to jobs that do not run."""
    dlq: DeadLetters = _part("dlq.DeadLetters", "database", "events")
    """The dead letter queue, by error."""
    stats: Stats = _part("stats.Stats", "database")
    """Rollups, slow commands and the audit log."""
    recent: Recent = _part("recent.Recent", "database")
    """Recently ended attempts."""
    undo: Undo = _part("undo.Undo", "database", "events")
    """Actions that can be undone."""
    enqueuers: Enqueuers = _part("enqueuers.Enqueuers", "database", "events")
    """Jobs by the user who enqueued them."""
    following: Following = _part("following.Following", "database")
    """Jobs by their numbers."""
    waiting: Waiting = _part("waiting.Waiting", "database")
    """What waiting jobs wait for."""
    views: Views = _part("views.Views", "database", "events")
    """Saved filters."""
    queues: Queues = _part("queues.Queues", "database", "events")
    """Settings and pauses of queues."""
    schedules: Schedules = _part("schedules.Schedules", "database", "events", "jobs")
    """Schedules, and the jobs that they enqueue."""
    environments: Environments = _part("environments.Environments", "database")
    """Environment snapshots of jobs."""

    def __init__(self, database: Database, *, actor: str) -> None:
        """Work in `database`, recording events as `actor`."""
        Store.open += 1
        self.database = database
        self.events = Events(database, actor)
        self.jobs = Jobs(database, self.events)

    def claims(self, queues: Sequence[str] = (), labels: Sequence[str] = ()) -> Claims:
        """Return the operations of workers on jobs."""
        from queuectl.store.claims import Claims

        return Claims(self.database, self.events, queues=queues, labels=labels)

    def config(self) -> dict[str, str]:
        """Return the stored settings, as text."""
        return dict(self.database.rows("config"))

    def set_config(self, key: str, value: str, *, now: int) -> None:
        """Store a setting, already checked."""
        with self.database.transaction():
            self.database.run("set_config", key=key, value=value)
            self.events.note(now, "set_config", key, value)

    def unset_config(self, key: str, *, now: int) -> bool:
        """Delete a setting, which restores its default; False when it was not set."""
        with self.database.transaction():
            found = bool(self.database.rows("unset_config", key=key))
            if found:
                self.events.note(now, "unset_config", key)
        return found

    def counts(self) -> list[tuple[str, str, int]]:
        """Return queue, state and number of jobs: from counters, except processing jobs, which are counted."""
        counted: dict[tuple[str, str], int] = {}
        for queue, state, n in self.database.rows("counts"):
            counted[queue, state] = counted.get((queue, state), 0) + n
        return [(queue, state, n) for (queue, state), n in counted.items()]

    def select(self, chosen: Filter, last: int | None = None) -> Selection:
        """Return the jobs that a filter selects now, up to number `last` if it is given, for actions on all of them."""
        from queuectl.store.selection import Selection

        return Selection(self.database, self.events, chosen, last)

    def select_to_edit(self, chosen: Filter, last: int | None = None) -> Selection:
        """Return the same for an edit."""
        from queuectl.store.selected_edits import EditedSelection

        return EditedSelection(self.database, self.events, chosen, last)

    def changed(self) -> int:
        """Return a number that changes whenever another connection has written."""
        return self.database.changed()

    def recheck(self) -> None:
        """Raise StoreTooNew when a newer queuectl has upgraded the store since it was opened."""
        self.database.recheck()

    def backup(self, path: str, progress: Callable[[int, int], None]) -> None:
        """Write a consistent copy to a new file while the store is in use; `progress` gets pages left and all pages."""
        self.database.backup(path, progress)

    def findings(self, *, thorough: bool) -> Iterator[Finding]:
        """Yield what the backend finds out about its own health."""
        return self.database.findings(thorough=thorough)

    def invariants(self) -> Iterator[Checked]:
        """Check each invariant."""
        from queuectl.store.invariants import check

        return check(self.database)

    def close(self) -> None:
        """Close the connection."""
        Store.open -= 1
        self.database.close()
