"""The backend for a PostgreSQL server, which several machines can share.

Rules of this module: a connection never crosses a fork; everything is in the schema `queuectl`, which statements reach
through the search path that each connection sets; transactions are READ COMMITTED and lock the rows they depend on; no
password is in any message.
"""

from __future__ import annotations

import json

from queuectl.domain.clock import steady
from queuectl.domain.errors import Refused, StoreBusy, StoreUnreadable, UsageError
from queuectl.store.database import SCHEMA_VERSION
from queuectl.store.postgres import session
from queuectl.store.postgres import url as addresses
from queuectl.store.postgres.dialect import statements
from queuectl.store.postgres.errors import not_the_owner, place_in, to_store_error
from queuectl.store.postgres.transaction import SingleStatement, Transaction

try:
    import psycopg
    from psycopg import pq
    from psycopg.conninfo import make_conninfo
    from psycopg.types.numeric import Int8Dumper, IntLoader
    from psycopg.types.string import TextLoader

    from queuectl.store.postgres.connection import CHANNEL, Listener, ServerTimeout, connect, conninfo_of
except ImportError as error:
    raise UsageError(
        "PostgreSQL stores need psycopg, which is not installed", hint="pip install 'queuectl-console[postgres]'"
    ) from error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from queuectl.domain.finding import Finding

OLDEST_SERVER = 16
"""Statements shared with SQLite omit names of subqueries, which PostgreSQL 15 still requires."""
_COPIED = 10
"""Number of rows from which a COPY is faster than one INSERT per row."""
_FOLDED = 20_000
"""Rows of counter changes that are folded at once."""
_SKEW_MS = 20
"""The least change of the clock offset that is adopted, so that round-trip times cause no jitter."""


class PostgresDatabase:
    """A store on a server, through one connection.

    Every commit survives a crash of the server, even those for which a file store does not need it: workers outlive
    their server, and a worker whose claim was forgotten would run its job beside the next worker that claims it.
    """

    dialect = "postgresql"
    exclusive = False
    compound = True
    remote = True
    rehearsing = False
    file: tuple[int, int] | None = None

    def __init__(self, url: str, *, wait: float = 30.0, as_is: bool = False, make: bool = True) -> None:
        """Connect to the server at `url`, and create or migrate the store where needed, unless `as_is`.

        Raises StoreError, UsageError; Absent when there is no store and `make` is false.
        """
        self._conninfo, self._secrets = conninfo_of(url)
        self.address = addresses.shown(url)
        """The URL without its passwords."""
        self.identity = addresses.name_of(self.address)
        self._wait = wait
        self._as_is, self._make = as_is, make
        self.clock_offset_ms: int | None = None
        self.connections = 0
        """Number of connections opened so far."""
        self._on_wait: Callable[[], None] | None = None
        self._patience: float | None = None
        self.deadline: float | None = None
        self._listener: Listener | None = None
        self.within = False
        """Whether a transaction has begun, even one whose connection was lost since."""
        self._statements = statements()
        self._connect()

    def _connect(self) -> None:
        conninfo = self._conninfo
        if self._patience is not None:
            conninfo = make_conninfo(conninfo, connect_timeout=max(2, round(self._patience)))
        waiting = self._waiting if self._on_wait is not None else None
        try:
            self._connection = connect(conninfo, waiting)
        except psycopg.Error as error:
            raise self._to_store_error(error) from None
        self.connections += 1
        try:
            self._connection.on_wait, self._connection.patience = waiting, self._patience
            adapters = self._connection.adapters
            # Every integer is passed as a bigint, so that a statement is prepared once, not for each size of values.
            adapters.register_dumper(int, Int8Dumper)
            # Sums of bigints are numerics in PostgreSQL; JSON stays text, as SQLite returns it.
            adapters.register_loader("numeric", IntLoader)
            adapters.register_loader("json", TextLoader)
            self._cursor = self._connection.cursor()
            self._prepare()
            # Initialises the clock offset. `_run`, because `rows` would reconnect if the server closed the connection.
            self._changed(lambda: self._run(self._statements["changed"].text, {}))
            if self._listener is not None:
                self._listener.listen(self._connection)
        except BaseException as error:
            self._connection.close()
            if isinstance(error, psycopg.Error):
                raise self._to_store_error(error) from None
            raise

    def _prepare(self) -> None:
        info = self._connection.info
        if info.server_version < OLDEST_SERVER * 10_000:
            raise StoreUnreadable(
                f"the server of {self.address} is PostgreSQL {info.server_version // 10_000}, which is too old",
                hint=f"queuectl needs PostgreSQL {OLDEST_SERVER} or newer",
            )
        if info.parameter_status("server_encoding") != "UTF8":
            raise StoreUnreadable(
                f"the database of {self.address} does not use the encoding UTF8",
                hint="create one that does: createdb --encoding UTF8",
            )
        triggers, version = self._begin_session()
        if triggers != "origin":
            raise StoreUnreadable(
                f"triggers do not fire for this role in the store {self.address}, so that jobs would not be counted",
                hint="ALTER ROLE … RESET session_replication_role, or ALTER DATABASE, wherever it is set",
            )
        # Imported here: only the first command on a store creates it.
        from queuectl.store.postgres.schema import migrate, version_of

        if not version or version_of(self._cursor, self.address) != SCHEMA_VERSION:
            if self._as_is:
                raise StoreUnreadable(f"there is no store of this version at {self.address}")
            try:
                migrate(self._cursor, self.address, make=self._make)
            except psycopg.errors.InsufficientPrivilege as error:
                raise not_the_owner(str(error), self.address, older=bool(version)) from None

    def _begin_session(self) -> tuple[str, bool]:
        """Configure the session; return how triggers fire (`origin`: they do), and whether there is a store."""
        info = self._connection.info
        values = {**session.bounds(self._wait, self._patience), "pid": info.backend_pid}
        rows = self._run(session.statement(info.server_version), values)
        if not rows:
            # Imported here: poolers are rare.
            from queuectl.store.postgres.pooler import session_of

            values["pid"] = session_of(self._connection, lambda: connect(self._conninfo, None), self.address)
            rows = self._run(session.statement(info.server_version), values)
        triggers, version = rows[0][-2:]
        return triggers, version

    @property
    def on_wait(self) -> Callable[[], None] | None:
        """Called every few milliseconds while the server is waited for."""
        return self._on_wait

    @on_wait.setter
    def on_wait(self, callback: Callable[[], None] | None) -> None:
        self._on_wait = callback
        self._connection.on_wait = self._waiting if callback is not None else None

    def _waiting(self) -> None:
        if self._on_wait is not None:
            self._on_wait()
        if self.deadline is not None and steady() >= self.deadline:
            self._connection.close()
            raise ServerTimeout("no answer in time")

    @property
    def wait(self) -> float:
        """Seconds to wait for a lock; limited by `patience`, so that the server reports a lock timeout first."""
        return self._wait

    @wait.setter
    def wait(self, seconds: float) -> None:
        if seconds != self._wait:
            self._wait = seconds
            self._set_bounds()

    def _set_bounds(self) -> None:
        self._fetch(session.ADJUST, session.bounds(self._wait, self._patience))

    @property
    def patience(self) -> float | None:
        """Seconds of silence after which a server's connection is given up; None: no limit."""
        return self._patience

    @patience.setter
    def patience(self, seconds: float | None) -> None:
        if seconds != self._patience:
            self._patience = self._connection.patience = seconds
            self._set_bounds()

    def notify(self, words: Sequence[str], /) -> None:
        """Notify all listeners. Not within a transaction: NOTIFY serialises the commits of transactions that use it."""
        if words:
            self.rows("notify", channel=CHANNEL, words=json.dumps(list(words)))

    def listen(self) -> None:
        """Listen for notifications, on this connection and all that replace it. Raises StoreError."""
        self._listener = Listener()
        try:
            self._listener.listen(self._connection)
        except psycopg.Error as error:
            raise self._to_store_error(error) from None

    def fileno(self) -> int:
        """Return the connection's file descriptor, readable with a notification; -1 while there is no connection."""
        return -1 if self._connection.closed else self._connection.fileno()

    def heard(self) -> list[str]:
        """Return the notifications since the last call. Does not wait, and ignores a lost connection."""
        if self._listener is None:
            return []
        try:
            return self._listener.take(self._connection)
        except psycopg.Error:
            self._connection.close()  # the next statement reconnects
            return []

    def rows(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a named statement. Raises Duplicate, StoreError."""
        return self._fetch(self._statements[name].text, parameters)

    def query(self, statement: str, /) -> list[tuple[Any, ...]]:
        """Return all rows of a statement given as SQL. Raises StoreError."""
        return self._fetch(statement, None)

    def run(self, name: str, /, **parameters: Any) -> int:
        """Run a named statement and return the number of rows that it changed. Raises Duplicate, StoreError."""
        self._fetch(self._statements[name].text, parameters)
        return self._cursor.rowcount

    def many(self, name: str, rows: Iterable[tuple[Any, ...]], /) -> None:
        """Run a statement for each row, all or none; the transaction can continue. Raises Duplicate, StoreError."""
        values = list(rows)
        if self.in_transaction:
            self.savepoint(lambda: self._many(name, values))
        else:
            with self.transaction():
                self._many(name, values)

    def _many(self, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
        statement = self._statements[name]
        stream = self._statements.get(f"all_of_{name}")
        if stream is not None and len(rows) >= _COPIED:
            self._copy(stream.text, rows)
            return
        for row in rows:
            self._fetch(statement.text, dict(zip(statement.parameters, row, strict=True)))

    def fill(self, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]], /) -> None:
        """Add rows to a table with COPY. Raises StoreError, and UsageError for a text that cannot be stored."""
        self._copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN", rows)

    def _copy(self, stream: str, rows: Iterable[tuple[Any, ...]]) -> None:
        try:
            with self._cursor.copy(stream) as copy:
                for row in rows:
                    copy.write_row(row)
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise self._to_store_error(error) from None

    def allocate_seqs(self, n: int, /) -> Sequence[int]:
        """Return `n` numbers of a sequence: concurrent callers do not wait for each other. Raises StoreError."""
        return [number for (number,) in self.rows("draw_numbers", n=n)]

    def lock_jobs(self, ids: Iterable[str], /) -> None:
        """Lock the rows of these jobs, in the order of their numbers. Raises StoreError."""
        self.rows("lock_jobs", ids=json.dumps(list(ids)))

    def compact(self) -> None:
        """Fold the rows that statements added to the counters; until then a read sums them all. Raises StoreError."""
        self.run("fold", limit=_FOLDED)

    def transaction(self, *, wait: float | None = None) -> Transaction:
        """Return a transaction. It locks only the rows that it changes."""
        return Transaction(self, wait)

    def single_statement(self) -> SingleStatement:
        """Return a transaction of one statement: without BEGIN and COMMIT, and never sent a second time."""
        return SingleStatement(self)

    def reach(self) -> None:
        """Reconnect if the server closed the connection. Raises StoreError."""
        if self._connection.closed:
            self._connect()

    def execute(self, sql: str) -> str:
        """Run a command such as BEGIN or COMMIT; return the server's command tag. Raises StoreError."""
        self._fetch(sql, None)
        return self._cursor.statusmessage or ""

    def savepoint(self, work: Callable[[], object], /) -> None:
        """Do `work` within the transaction; if it raises, only `work` is undone."""
        self.execute("SAVEPOINT work")
        try:
            work()
        except BaseException:
            if not self._connection.closed:
                self.execute("ROLLBACK TO work; RELEASE work")
            raise
        self.execute("RELEASE work")

    def changed(self) -> int:
        """Return a number of the completed transactions (postgres/queries.sql has the reasoning). 50 µs, no lock."""
        return self._changed(lambda: self.rows("changed"))

    def _changed(self, query: Callable[[], list[tuple[Any, ...]]]) -> int:
        before = steady()
        ((number, clock),) = query()
        # The server read its clock at some time in between: the midpoint is off by at most half the round trip.
        offset = clock - round((before + steady()) * 500)
        if self.clock_offset_ms is None or abs(offset - self.clock_offset_ms) > _SKEW_MS:
            self.clock_offset_ms = offset
        return int(number)

    def recheck(self) -> None:
        """Raise StoreTooNew when a newer version has upgraded the store since it was opened."""
        ((version,),) = self.rows("schema_version")
        if version > SCHEMA_VERSION:
            # Imported here, as for a migration: it is rarely needed.
            from queuectl.store.migrations import too_new

            raise too_new(self.address, version)

    def backup(self, path: str, progress: Callable[[int, int], None]) -> None:  # noqa: ARG002 - refused before any copy
        """Raise Refused: the server's own tools make backups."""
        raise Refused(
            "a PostgreSQL store is backed up by the server's own tools",
            hint=f"pg_dump --schema=queuectl --format=custom --file=FILE '{self.address}'",
        )

    def findings(self, *, thorough: bool) -> Iterator[Finding]:
        """Yield what the server reports about itself and the store's tables. Raises StoreError."""
        # Imported here: only `doctor` needs it.
        from queuectl.store.postgres.health import findings

        yield from findings(self, oldest=OLDEST_SERVER, thorough=thorough)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, even one that can only be rolled back."""
        return self._connection.info.transaction_status != pq.TransactionStatus.IDLE

    def _fetch(self, text: str, parameters: dict[str, Any] | None) -> list[tuple[Any, ...]]:
        if not self.within:
            # The server may have closed the connection. Within a transaction, reconnecting would hide what was lost.
            self.reach()
        try:
            return self._run(text, parameters)
        except (psycopg.Error, UnicodeEncodeError) as error:
            if not self._connection.closed or self.within or isinstance(error, ServerTimeout):
                raise self._to_store_error(error) from None
        # The connection broke just now. Retry once: statements outside a transaction may safely run twice.
        self._connect()
        try:
            return self._run(text, parameters)
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise self._to_store_error(error) from None

    def _run(self, text: str, parameters: dict[str, Any] | None) -> list[tuple[Any, ...]]:
        self._cursor.execute(text, parameters)
        return self._cursor.fetchall() if self._cursor.description is not None else []

    @property
    def lost(self) -> bool:
        """Whether the server closed the connection."""
        return self._connection.closed

    def _to_store_error(self, error: psycopg.Error | UnicodeEncodeError) -> Exception:
        if isinstance(error, UnicodeEncodeError):
            return UsageError("a text contains half of a surrogate pair, which no store can keep")
        if isinstance(error, psycopg.DataError) and error.sqlstate is None:
            return UsageError(f"the store {self.address} cannot keep a text: {error}")
        text = error.diag.message_primary or str(error)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        store_error = to_store_error(error.sqlstate, text, self.address)
        if isinstance(store_error, StoreBusy):
            store_error.place = place_in(error.diag.context or "")
        return store_error
