"""The interface of a backend (`sqlite/database.py`, `postgres/database.py`), and the version of the schema."""

from __future__ import annotations

APPLICATION_ID = 0x51435431
"""`QCT1` in the header of an SQLite file: marks a queuectl store."""
SCHEMA_VERSION = 10
"""The number of the newest migration."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType
    from typing import Any, Protocol

    from queuectl.domain.finding import Finding

    class Transaction(Protocol):
        """A transaction: all of its statements take effect, or none."""

        def __enter__(self) -> object:
            """Begin, taking the write lock. Raises StoreBusy when that takes longer than the wait."""

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            """Commit, or roll back after an exception."""

    class Database(Protocol):
        """Named statements and transactions. Every method raises StoreError, and no exceptions of a driver.

        A violated unique constraint raises `Duplicate`.
        """

        wait: float
        """Seconds to wait for a lock."""
        dialect: str
        """`sqlite` or `postgresql`: selects the statements."""
        exclusive: bool
        """Whether a write transaction excludes all others, so that reading first saves a lock request."""
        compound: bool
        """Whether a statement can change several tables: then a claim inserts its run, and a success claims too."""
        rehearsing: bool
        """Whether every transaction is rolled back at its end."""
        remote: bool
        """Whether other hosts use the store too: then leases, by the server's clock, decide which workers live."""
        identity: str
        """Distinguishes this store from copies: device and inode of the file, or a name for the server's address."""
        clock_offset_ms: int | None
        """Milliseconds from `steady` to the store's clock, as of the last `changed`; None: it has no own clock."""
        connections: int
        """Number of connections opened so far: a caller that polls `fileno` must fetch it anew when this rises."""
        patience: float | None
        """Seconds of silence after which a server's connection is given up; None: no limit."""
        deadline: float | None
        """Time, on the clock of `steady`, at which waiting for a server ends, connecting included; None: never.

        Checked together with the calls of `on_wait`.
        """
        on_wait: Callable[[], None] | None
        """Called every few milliseconds while a lock is waited for, so that a waiting worker does not look hung."""

        @property
        def file(self) -> tuple[int, int] | None:
            """Device and inode of the store's file; None on a server."""

        @property
        def lost(self) -> bool:
            """Whether the server closed the connection, so that the outcome of a sent statement may be unknown."""

        def rows(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
            """Return all rows of a named statement."""

        def query(self, statement: str, /) -> list[tuple[Any, ...]]:
            """Return all rows of a statement given as SQL: for the invariants, which have no names."""

        def findings(self, *, thorough: bool) -> Iterator[Finding]:
            """Yield what the backend finds out about its own health."""

        def run(self, name: str, /, **parameters: Any) -> int:
            """Run a named statement and return the number of rows that it changed."""

        def many(self, name: str, rows: Iterable[tuple[Any, ...]], /) -> None:
            """Run a named statement for each row, whose values are in the order of the parameters.

            After a Duplicate of a single row the transaction can continue; for several rows, use `savepoint`.
            """

        def allocate_seqs(self, n: int, /) -> Sequence[int]:
            """Return `n` rising numbers for new jobs, reserved for the transaction in which this is called."""

        def lock_jobs(self, ids: Iterable[str], /) -> None:
            """Lock these jobs' rows until the transaction ends. Unknown ids are ignored."""

        def transaction(self, *, wait: float | None = None) -> Transaction:
            """Return a write transaction, which waits `wait` seconds for a lock instead of `self.wait`; do not nest."""

        def single_statement(self) -> Transaction:
            """Return a transaction for a single statement: without BEGIN and COMMIT on a compound backend."""

        def savepoint(self, work: Callable[[], object], /) -> None:
            """Do `work` within the transaction; if it raises, only `work` is undone."""

        def changed(self) -> int:
            """Return a number that changes whenever another connection has written. Very cheap."""

        def notify(self, words: Sequence[str], /) -> None:
            """Notify all listeners on other hosts of these words. Does nothing where there are none."""

        def listen(self) -> None:
            """Listen for notifications, on this connection and all that replace it."""

        def fileno(self) -> int:
            """Return a file descriptor that becomes readable with a notification; -1 for none."""

        def heard(self) -> list[str]:
            """Return the notifications since the last call. Does not wait."""

        def recheck(self) -> None:
            """Raise StoreTooNew when a newer version has upgraded the store since it was opened."""

        def compact(self) -> None:
            """Release space that has grown: of the log, of the counters. A steward calls this every few seconds."""

        def backup(self, path: str, progress: Callable[[int, int], None]) -> None:
            """Copy the store to a new file while in use; `progress` gets the pages left and all pages."""

        def close(self) -> None:
            """Close the connection."""


class Absent(Exception):
    """No store exists, and none is to be created. Never leaves `bootstrap`."""


class Duplicate(Exception):
    """A unique value exists already. Never leaves the store."""
