"""The store: one object with a room for each kind of work."""

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
    """The queue behind one connection. Not to be shared between threads, nor carried across a fork."""

    open = 0
    """How many stores this process holds open: none may be when it forks."""
    absent = False
    """Whether it stands for a store that does not exist yet: empty, and nothing written to it is kept."""

    def __init__(self, database: Database, *, actor: str) -> None:
        """Work in `database`, as `actor`."""
        Store.open += 1
        self.database = database
        self.events = Events(database, actor)
        self.jobs = Jobs(database, self.events)
        self._remote_output: RemoteOutput | None = None

    # Loaded when asked for: an enqueue needs neither.
    def claims(self, queues: Sequence[str] = (), labels: Sequence[str] = ()) -> Claims:
        """Jobs as a worker sees them."""
        from queuectl.store.claims import Claims

        return Claims(self.database, self.events, queues=queues, labels=labels)

    @property
    def job_pages(self) -> JobPages:
        """Jobs as the console's table pages through them."""
        from queuectl.store.job_pages import JobPages

        return JobPages(self.database)

    @property
    def workers(self) -> Workers:
        """Pools and workers."""
        from queuectl.store.workers import Workers

        return Workers(self.database, self.events)

    @property
    def leases(self) -> Leases:
        """Who lives, on a store that several hosts use."""
        from queuectl.store.leases import Leases

        return Leases(self.database, self.events)

    @property
    def remote_output(self) -> RemoteOutput:
        """Live output for other hosts."""
        if self._remote_output is None:
            from queuectl.store.remote_output import RemoteOutput

            self._remote_output = RemoteOutput(self.database)
        return self._remote_output

    @property
    def edits(self) -> Edits:
        """Jobs that do not run, to be changed."""
        from queuectl.store.edits import Edits

        return Edits(self.database, self.events, self.jobs)

    @property
    def dlq(self) -> DeadLetters:
        """Dead jobs by their errors."""
        from queuectl.store.dlq import DeadLetters

        return DeadLetters(self.database, self.events)

    @property
    def stats(self) -> Stats:
        """Rollups, slow commands, and who did what."""
        from queuectl.store.stats import Stats

        return Stats(self.database)

    @property
    def recent(self) -> Recent:
        """What has just ended."""
        from queuectl.store.recent import Recent

        return Recent(self.database)

    @property
    def undo(self) -> Undo:
        """What can be taken back."""
        from queuectl.store.undo import Undo

        return Undo(self.database, self.events)

    @property
    def views(self) -> Views:
        """Saved filters."""
        from queuectl.store.views import Views

        return Views(self.database, self.events)

    def config(self) -> dict[str, str]:
        """The settings that were set, as text."""
        return dict(self.database.rows("config"))

    def set_config(self, key: str, value: str, *, now: int) -> None:
        """Store a setting; it has been checked."""
        with self.database.transaction():
            self.database.run("set_config", key=key, value=value)
            self.events.note(now, "set_config", key, value)

    def unset_config(self, key: str, *, now: int) -> bool:
        """Go back to the default; False when nothing was set."""
        with self.database.transaction():
            found = bool(self.database.rows("unset_config", key=key))
            if found:
                self.events.note(now, "unset_config", key)
        return found

    def counts(self) -> list[tuple[str, str, int]]:
        """Queue, state and how many jobs, from the counters; processing jobs, which have none, are counted."""
        counted: dict[tuple[str, str], int] = {}
        for queue, state, n in self.database.rows("counts"):
            counted[queue, state] = counted.get((queue, state), 0) + n
        return [(queue, state, n) for (queue, state), n in counted.items()]

    def changed(self) -> int:
        """A number that differs from the last one when another connection has written."""
        return self.database.changed()

    def recheck(self) -> None:
        """Raise StoreTooNew where a newer queuectl has upgraded the store since it was opened."""
        self.database.recheck()

    def backup(self, path: str, progress: Callable[[int, int], None]) -> None:
        """A consistent copy in a new file, while others work."""
        self.database.backup(path, progress)

    def findings(self, *, thorough: bool) -> Iterator[Finding]:
        """What the backend can say about its own health."""
        return self.database.findings(thorough=thorough)

    def invariants(self) -> Iterator[Checked]:
        """Whether what always holds does hold."""
        from queuectl.store.invariants import check

        return check(self.database)

    def close(self) -> None:
        """Let go of it."""
        Store.open -= 1
        self.database.close()
