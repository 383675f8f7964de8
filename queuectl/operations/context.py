"""What operations work with."""

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
        """Opens the store anew. It can be sent to another process."""

        def __call__(self, *, actor: str, durable: bool = True, as_is: bool = False) -> Store:
            """A store that acts as `actor`; `as_is`: neither made nor migrated nor waited for. Raises StoreError."""


class Context:
    """A store, a clock, and the ways to talk while working. The store is opened when first asked for."""

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
        on_absent: Callable[[str], None] | None = None,
    ) -> None:
        """`location` is the store's path or URL as people may see it, `given` as it opens; `actor` is who acts.

        `elsewhere` gives the context of another store, `watched` is whether a person sees the progress, `on_absent` is
        told in one line that there is no store yet, where `open_store` does not create one.
        """
        self.open_store = open_store
        """Opens a store of its own for another process."""
        self._store: Store | None = None
        self.run_dir = run_dir
        """The directory of locks, doorbells and live output on this host; it may not have been made yet."""
        self.actor = actor
        self.location = location
        self.given = given or location
        """May hold a password: not for people, nor for arguments of processes, which everybody may read."""
        self.elsewhere = elsewhere
        self.watched = watched
        self.clock = clock or Clock()
        self._server_keeps_time = clock is None and is_url(location)
        self.progress = progress or (lambda _done, _total, _what: None)
        """Told how far long work has come: done, of how many, of what."""
        self.say = say or (lambda _line: None)
        """Told one line for the person who watches."""
        self._on_absent = on_absent or self.say
        self.command: str | None = None
        """The command line of what is being done, or what would do it: written down with each event."""
        self.edit_text: Callable[[str, Callable[[str], str]], AbstractContextManager[str]] | None = None
        """Has the person at the terminal edit a text, for the time of a `with`; None without a terminal.

        If the block fails, what was typed is kept; the second argument says of its path how to use it again.
        """

    @property
    def store(self) -> Store:
        """The store. Raises StoreError when it cannot be opened."""
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
        """What is configured now: read anew each time, as it may change."""
        return settings_from(self.store.config())

    def now(self) -> int:
        """Milliseconds since the epoch: by the server's clock, where a server keeps the store. Raises StoreError."""
        if self._server_keeps_time:
            self.store  # noqa: B018 - its clock is known once it is open
        return self.clock.now()

    def ring(self, *bells: str) -> None:
        """Ring these bells on every host that uses the store."""
        ring_everywhere(self.store, self.run_dir, *bells)

    def ring_for_queues(self, queues: Iterable[str]) -> None:
        """Tell the workers that a job is ready in each of `queues`."""
        self.ring(*bells_of_queues(queues))

    def ring_for_jobs(self, jobs: Sequence[NewJob | Job]) -> None:
        """Tell the workers that can run them that these jobs are ready."""
        self.ring(*bells_of_jobs(jobs))

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()
            self._store = None
