"""Transactions of a PostgreSQL store, and what is one without a word to the server."""

from __future__ import annotations

from queuectl.domain.errors import StoreBusy, StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Protocol, Self

    class Server(Protocol):
        """What a transaction needs of the database whose statements it holds together."""

        address: str
        within: bool

        @property
        def in_transaction(self) -> bool:
            """Whether the server has a transaction open."""

        @property
        def lost(self) -> bool:
            """Whether there is no connection."""

        def reach(self) -> None:
            """Connect anew where that is needed."""

        def execute(self, statement: str) -> str | None:
            """Run a statement and return the server's command tag."""

        def rows(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
            """Run a named statement and return its rows."""


class Alone:
    """One statement, which is a transaction by itself. Within another transaction it is a part of that."""

    def __init__(self, database: Server) -> None:
        """Of a statement that `database` is about to run."""
        self._database = database
        self._within = database.within

    def __enter__(self) -> Self:
        """Connect anew where need be: once it was sent, nobody can say whether it was done."""
        if not self._within:
            self._database.reach()
            self._database.within = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say which job was locked, if that was what it failed by. Raises StoreBusy."""
        self._database.within = self._within
        if not self._within:
            _name_the_job(self._database, error)


class Transaction:
    """From BEGIN to COMMIT, or to ROLLBACK after an exception."""

    def __init__(self, database: Server) -> None:
        """Of the statements that `database` is about to run."""
        self._database = database

    def __enter__(self) -> Self:
        """Begin. Raises StoreError."""
        self._database.execute("BEGIN")
        self._database.within = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, or roll back. Raises StoreError."""
        try:
            if kind is not None:
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
            # The server says ROLLBACK, and no error, when a statement had failed: that must not pass for done.
            raise StoreError(
                f"the store {self._database.address} has taken back a transaction in which something failed"
            )

    def _roll_back(self) -> None:
        # Without a connection there is nothing to say: the server has rolled back by itself.
        if self._database.in_transaction and not self._database.lost:
            self._database.execute("ROLLBACK")


def _name_the_job(database: Server, error: BaseException | None) -> None:
    """Raise the same once more where a job was locked: with its name, and with who has locked it."""
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
