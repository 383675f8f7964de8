"""The store: one object with a part for each kind of operation."""

from __future__ import annotations

from queuectl.store.events import Events
from queuectl.store.jobs import Jobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from queuectl.domain.finding import Finding
    from queuectl.store.claims import Claims
    from queuectl.store.database import Database
    from queuectl.store.dlq import DeadLetters
    from queuectl.store.edits import Edits
    from queuectl.store.invariants import Checked
    from queuectl.store.job_pages import JobPages
    from queuectl.store.leases import Leases
    from queuectl.store.recent import Recent
    from queuectl.store.remote_output import RemoteOutput
    from queuectl.store.stats import Stats
    from queuectl.store.undo import Undo
    from queuectl.store.views import Views
    from queuectl.store.workers import Workers


class Store:
    """The queue, through one connection. Must not be shared between threads nor used after a fork."""

    open = 0
    """Number of stores that this process holds open; must be 0 when it forks."""
    absent = False
    """Whether it stands for a store that does not exist yet: it is empty, and writes to it are lost."""

    def __init__(self, database: Database, *, actor: str) -> None:
        """Work in `database`, recording events as `actor`."""
        Store.open += 1
        self.database = database
        self.events = Events(database, actor)
        self.jobs = Jobs(database, self.events)
        self._remote_output: RemoteOutput | None = None

    # Imported on demand: an enqueue needs none of these.
    def claims(self, queues: Sequence[str] = (), labels: Sequence[str] = ()) -> Claims:
        """Return the operations of workers on jobs."""
        from queuectl.store.claims import Claims

        return Claims(self.database, self.events, queues=queues, labels=labels)

    @property
    def job_pages(self) -> JobPages:
        """Pages of jobs for the console's table."""
        from queuectl.store.job_pages import JobPages

        return JobPages(self.database)

    @property
    def workers(self) -> Workers:
        """Pools and workers."""
        from queuectl.store.workers import Workers

        return Workers(self.database, self.events)

    @property
    def leases(self) -> Leases:
        """Leases of workers, on a store that several hosts use."""
        from queuectl.store.leases import Leases

        return Leases(self.database, self.events)

    @property
    def remote_output(self) -> RemoteOutput:
        """Live output for viewers on other hosts."""
        if self._remote_output is None:
            from queuectl.store.remote_output import RemoteOutput

            self._remote_output = RemoteOutput(self.database)
        return self._remote_output

    @property
    def edits(self) -> Edits:
        """Changes to jobs that do not run."""
        from queuectl.store.edits import Edits

        return Edits(self.database, self.events, self.jobs)

    @property
    def dlq(self) -> DeadLetters:
        """The dead letter queue, by error."""
        from queuectl.store.dlq import DeadLetters

        return DeadLetters(self.database, self.events)

    @property
    def stats(self) -> Stats:
        """Rollups, slow commands and the audit log."""
        from queuectl.store.stats import Stats

        return Stats(self.database)

    @property
    def recent(self) -> Recent:
        """Recently ended attempts."""
        from queuectl.store.recent import Recent

        return Recent(self.database)

    @property
    def undo(self) -> Undo:
        """Actions that can be undone."""
        from queuectl.store.undo import Undo

        return Undo(self.database, self.events)

    @property
    def views(self) -> Views:
        """Saved filters."""
        from queuectl.store.views import Views

        return Views(self.database, self.events)

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
