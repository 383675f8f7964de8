"""Transactions of a PostgreSQL store, and what is one without a word to the server."""

from __future__ import annotations

from queuectl.domain.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from queuectl.store.postgres import PostgresDatabase


class Alone:
    """One statement, which is a transaction by itself. Within another transaction it is a part of that."""

    def __init__(self, database: PostgresDatabase) -> None:
        """Of a statement that `database` is about to run."""
        self._database = database
        self._within = database.within

    def __enter__(self) -> Self:
        """Connect anew where need be: once it was sent, nobody can say whether it was done."""
        if not self._within:
            self._database.reach()
            self._database.within = True
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to say."""
        self._database.within = self._within


class Transaction:
    """From BEGIN to COMMIT, or to ROLLBACK after an exception."""

    def __init__(self, database: PostgresDatabase) -> None:
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
