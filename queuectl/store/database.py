"""What a store asks of its backend, `sqlite/database.py` or `postgres/database.py`, and the marks of its schema."""

from __future__ import annotations

APPLICATION_ID = 0x51435431
"""`QCT1` in the header of an SQLite file: it is a queuectl store."""
SCHEMA_VERSION = 4
"""The number of the newest migration."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType
    from typing import Any, Protocol

    from queuectl.domain.finding import Finding

    class Transaction(Protocol):
        """Everything within it happens, or nothing."""

        def __enter__(self) -> object:
            """Take the write lock. Raises StoreBusy when that takes longer than the wait."""

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            """Commit, or roll back what an exception interrupted."""

    class Database(Protocol):
        """Named statements and transactions. Every method raises StoreError and nothing of a driver's own.

        A duplicate of a unique value raises `Duplicate`.
        """

        wait: float
        """Seconds to wait for a lock."""
        dialect: str
        """`sqlite` or `postgresql`: whose statements it runs."""
        exclusive: bool
        """Whether a write transaction keeps all others out, so that one looks before asking for it."""
        compound: bool
        """Whether a statement can change several tables: then a claim begins its run itself, and a success claims."""
        remote: bool
        """Whether other hosts use it too: then leases decide who lives, by the server's clock."""
        identity: str
        """What tells this store from its copies: the file's device and inode, or a name for the server's address."""
        ahead: int | None
        """Milliseconds that the store's clock is ahead of `steady`, as of the last `changed`; None: it has none."""
        connections: int
        """How many there have been, one after the other: whoever waits for `fileno` must look anew at each."""
        patience: float | None
        """Seconds without a word of a server after which it is given up; None: as long as it takes."""
        deadline: float | None
        """When a server is waited for no longer, connecting included, on the clock of `steady`; None: never.

        Looked at together with the calls of `on_wait`.
        """
        on_wait: Callable[[], None] | None
        """Called every few milliseconds while a lock is waited for: a waiting worker is not a hung one."""

        @property
        def file(self) -> tuple[int, int] | None:
            """Device and inode of the store's file; None for a server's."""

        @property
        def lost(self) -> bool:
            """Whether the server has hung up, so that there may be something of whose end we do not know."""

        def rows(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
            """All the rows of a statement."""

        def query(self, statement: str, /) -> list[tuple[Any, ...]]:
            """All the rows of a statement that is not one of the named ones: the invariants."""

        def findings(self, *, thorough: bool) -> Iterator[Finding]:
            """What the backend can say about its own health."""

        def run(self, name: str, /, **parameters: Any) -> int:
            """How many rows a statement changed."""

        def many(self, name: str, rows: Iterable[tuple[Any, ...]], /) -> None:
            """Run a statement for each row, its values in the order of the parameters.

            After a Duplicate of a single row the transaction goes on without it; of several, `savepoint` sees to that.
            """

        def numbers(self, n: int, /) -> Sequence[int]:
            """`n` numbers for new jobs, rising, which nobody else gets. Within the transaction that uses them."""

        def hold(self, ids: Iterable[str], /) -> None:
            """Let nobody else change these jobs until the transaction ends. Ids that no job has are passed over."""

        def transaction(self) -> Transaction:
            """A write transaction; not to be nested."""

        def alone(self) -> Transaction:
            """A transaction that is one statement where the backend is compound, and is not begun and ended there."""

        def savepoint(self, work: Callable[[], object], /) -> None:
            """Do `work` within the transaction; should it fail, only `work` is undone."""

        def changed(self) -> int:
            """A number that differs from the last one when somebody else has written. Costs next to nothing."""

        def notify(self, words: Sequence[str], /) -> None:
            """Call these out to all who listen on other hosts. Nothing where there are none."""

        def listen(self) -> None:
            """Hear what is called out, over this connection and all that take its place."""

        def fileno(self) -> int:
            """What becomes readable when something was called out; -1 for nothing."""

        def heard(self) -> list[str]:
            """What was called out since the last time. Does not wait."""

        def recheck(self) -> None:
            """Raise StoreTooNew where somebody newer has upgraded the store since it was opened."""

        def tidy(self) -> None:
            """What somebody should do every few seconds while much goes on; a steward does."""

        def backup(self, path: str, progress: Callable[[int, int], None]) -> None:
            """Copy the store to a new file while others use it; `progress` gets the pages left and all pages."""

        def close(self) -> None:
            """Let go of it."""


class Absent(Exception):
    """There is no store, and it is not to be created. Never leaves `bootstrap`."""


class Duplicate(Exception):
    """A unique value is there already. Never leaves the store."""
