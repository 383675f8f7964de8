"""The context of operations: store, clock, run directory and callbacks of the front end."""

from __future__ import annotations

from queuectl.config import settings_from
from queuectl.domain.clock import Clock
from queuectl.runtime.doorbell import bells_of_jobs, bells_of_queues, ring_everywhere
from queuectl.store.location import is_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from typing import Protocol

    from queuectl.config import Settings
    from queuectl.domain.job import Job, NewJob
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store

    class OpenStore(Protocol):
        """Opens another connection to the store. It can be pickled for another process."""

        def __call__(self, *, actor: str, durable: bool = True, as_is: bool = False) -> Store:
            """Open the store as `actor`; with `as_is` do not create it, migrate it or wait for a lock.

            Raises StoreError.
            """


class Context:
    """A store, a clock, and the callbacks for progress and messages. The store is opened on first access."""

    newest_seen: int | None = None
    """Number of the newest job when a question was asked: no later job belongs to the selection that was confirmed."""

    def __init__(
        self,
        open_store: OpenStore,
        run_dir: RunDir,
        *,
        actor: str,
        location: str,
        given: str | None = None,
        elsewhere: Callable[[str], Context],
        watched: bool = False,
        clock: Clock | None = None,
        progress: Callable[[int, int, str], None] | None = None,
        say: Callable[[str], None] | None = None,
        note: Callable[[str], None] | None = None,
        on_absent: Callable[[str], None] | None = None,
    ) -> None:
        """Create the context of the store at `location`, its path or URL without a password.

        `given` is the location with the password, `actor` the name that is recorded with each change. `elsewhere`
        returns the context of another store. `watched` is whether a person sees the progress. `on_absent` gets one line
        when the store does not exist and `open_store` does not create it.
        """
        self.open_store = open_store
        """Opens another connection to the store, for this or another process."""
        self._store: Store | None = None
        self.run_dir = run_dir
        """The directory of locks, doorbells and live output on this host; it may not exist yet."""
        self.actor = actor
        self.location = location
        self.given = given or location
        """May hold a password: not for people, nor for arguments of processes, which every user can read."""
        self.elsewhere = elsewhere
        self.watched = watched
        self.clock = clock or Clock()
        self._server_keeps_time = clock is None and is_url(location)
        self.progress = progress or (lambda _done, _total, _what: None)
        """Called with the progress of long work: how many are done, how many in all, and the noun for them."""
        self.say = say or (lambda _line: None)
        """Called with one line for the user."""
        self.note = note
        """Shows a person one line in place of the one before, until other output; None where it cannot be redrawn."""
        self._on_absent = on_absent or self.say
        self.command: str | None = None
        """The command line of the current operation, recorded with each event."""
        self.edit_text: Callable[[str, Callable[[str], str]], AbstractContextManager[str]] | None = None
        """Opens an editor on a text and yields the edited text in a `with`; None without a terminal.

        If the block fails, the file is kept; the second argument makes of its path the hint that says how to use it.
        """

    @property
    def store(self) -> Store:
        """The store, opened on first access. Raises StoreError."""
        if self._store is None:
            self._store = self.open_store(actor=self.actor)
            if self._store.absent:
                self._on_absent(f"there is no store at {self.location} yet: queuectl enqueue creates it")
            if self._server_keeps_time:
                self.clock = Clock(self._store.database)
        self._store.events.command = self.command
        return self._store

    @property
    def settings(self) -> Settings:
        """The settings now: read from the store at each access, because they may change."""
        return settings_from(self.store.config(), server=is_url(self.location))

    def now(self) -> int:
        """Return milliseconds since the epoch, by the server's clock for a store on a server. Raises StoreError."""
        if self._server_keeps_time:
            self.store  # noqa: B018 - the server's clock is known once the store is open
        return self.clock.now()

    def ring(self, *bells: str) -> None:
        """Ring these doorbells on every host that uses the store."""
        ring_everywhere(self.store, self.run_dir, *bells)

    def ring_for_queues(self, queues: Iterable[str]) -> None:
        """Wake workers for a job that is ready in each of `queues`."""
        self.ring(*bells_of_queues(queues))

    def ring_for_jobs(self, jobs: Sequence[NewJob | Job]) -> None:
        """Wake workers that can run these jobs."""
        self.ring(*bells_of_jobs(jobs))

    def close(self) -> None:
        """Close the store; the next access opens it again."""
        if self._store is not None:
            self._store.close()
            self._store = None
