"""Transactions of a PostgreSQL store, explicit and of a single statement."""

from __future__ import annotations

from queuectl.domain.errors import StoreBusy, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Protocol, Self

    class Server(Protocol):
        """The part of the database that a transaction uses."""

        address: str
        within: bool
        rehearsing: bool

        @property
        def in_transaction(self) -> bool:
            """Whether the server has a transaction open."""

        @property
        def lost(self) -> bool:
            """Whether there is no connection."""

        def reach(self) -> None:
            """Reconnect if the connection is lost."""

        def execute(self, statement: str) -> str | None:
            """Run a statement and return the server's command tag."""

        def rows(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
            """Run a named statement and return its rows."""


class SingleStatement:
    """A single statement, which is a transaction by itself. Within another transaction it is a part of that."""

    def __init__(self, database: Server) -> None:
        """Guard the next statement of `database`."""
        self._database = database
        self._within = database.within

    def __enter__(self) -> Self:
        """Reconnect if needed, now: once the statement was sent, its outcome after a lost connection is unknown."""
        if not self._within:
            self._database.reach()
            self._database.within = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Name the locked job, if a lock was the reason of a failure. Raises StoreBusy."""
        self._database.within = self._within
        if not self._within:
            _name_the_job(self._database, error)


class Transaction:
    """A transaction: BEGIN, then COMMIT, or ROLLBACK after an exception."""

    def __init__(self, database: Server, wait: float | None = None) -> None:
        """Guard the following statements of `database`, which wait for a lock `wait` seconds if that is given."""
        self._database = database
        self._wait = wait

    def __enter__(self) -> Self:
        """Begin. Raises StoreError."""
        limit = "" if self._wait is None else f"; SET LOCAL lock_timeout = {max(1, round(self._wait * 1000))}"
        self._database.execute(f"BEGIN{limit}")
        self._database.within = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, or roll back. Raises StoreError."""
        try:
            if kind is not None or self._database.rehearsing:
                self._roll_back()
                self._database.within = False
                _name_the_job(self._database, error)
                return
            try:
                answer = self._database.execute("COMMIT")
            except Exception:
                self._roll_back()
                raise
        finally:
            self._database.within = False
        if answer != "COMMIT":
            # After a failed statement the server answers COMMIT with ROLLBACK, without an error.
            raise StoreError(f"the store {self._database.address} rolled back a transaction because a statement failed")

    def _roll_back(self) -> None:
        # Without a connection there is nothing to send: the server has rolled back by itself.
        if self._database.in_transaction and not self._database.lost:
            self._database.execute("ROLLBACK")


def _name_the_job(database: Server, error: BaseException | None) -> None:
    """If a job was locked, raise StoreBusy again with the job's id and the session that holds the lock."""
    if not isinstance(error, StoreBusy) or error.place is None or database.lost:
        return
    try:
        rows = database.rows("who_locks", place=error.place)
    except StoreError:
        return
    for id_, pid, program in rows:
        who = "" if pid is None else f" (server process {pid}{f', {program}' if program else ''})"
        raise StoreBusy(
            f"job {id_} is locked by another session of the server{who}",
            hint="try again; QUEUECTL_BUSY_TIMEOUT sets how long to wait"
            if pid is None
            else f"try again, or end what locks it: SELECT pg_terminate_backend({pid})",
        ) from None
