"""The queue on a PostgreSQL server, for several machines.

Rules that this module keeps: a connection never crosses a fork; everything is in the schema `queuectl` and names it by
the search path that each connection sets; a transaction is READ COMMITTED, and what it must not lose it locks; no
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
from queuectl.store.postgres.errors import not_the_owner, place_in, told
from queuectl.store.postgres.transaction import Alone, Transaction

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
"""Statements shared with SQLite leave out what PostgreSQL 15 still asks for: names of subqueries."""
_COPIED = 10
"""From how many rows on a stream is faster than a statement each."""
_FOLDED = 20_000
"""Rows of counters that are folded at once."""
_SKEW_MS = 20
"""How far the server's clock must have moved against ours to be taken over: nothing flickers by the way's length."""


class PostgresDatabase:
    """One connection.

    Every commit survives a crash of the server, also where a file would not need it: workers outlive their server, and
    one that goes on with a job whose claim was forgotten would run it beside the next that claims it.
    """

    dialect = "postgresql"
    exclusive = False
    compound = True
    remote = True
    file: tuple[int, int] | None = None

    def __init__(self, url: str, *, wait: float = 30.0, as_is: bool = False, make: bool = True) -> None:
        """Connect to the server at `url`, and make or migrate the store where needed, unless `as_is`.

        Raises StoreError, UsageError; Absent where there is no store and not to `make` one.
        """
        self._conninfo, self._secrets = conninfo_of(url)
        self.address = addresses.shown(url)
        """The URL as people may see it."""
        self.identity = addresses.name_of(self.address)
        self._wait = wait
        self._as_is, self._make = as_is, make
        self.ahead: int | None = None
        self.connections = 0
        """How many there have been, one after the other."""
        self._on_wait: Callable[[], None] | None = None
        self._patience: float | None = None
        self.deadline: float | None = None
        self._ear: Listener | None = None
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
            raise self._told(error) from None
        self.connections += 1
        try:
            self._connection.on_wait, self._connection.patience = waiting, self._patience
            adapters = self._connection.adapters
            # Every whole number is a bigint, so that a statement is prepared once and not for each size of its values.
            adapters.register_dumper(int, Int8Dumper)
            # Sums of bigints come as numerics; JSON stays the text that SQLite gives.
            adapters.register_loader("numeric", IntLoader)
            adapters.register_loader("json", TextLoader)
            self._cursor = self._connection.cursor()
            self._prepare()
            # For the clock, and not by what connects anew when the server hangs up.
            self._changed(lambda: self._run(self._statements["changed"].text, {}))
            if self._ear is not None:
                self._ear.listen(self._connection)
        except BaseException as error:
            self._connection.close()
            if isinstance(error, psycopg.Error):
                raise self._told(error) from None
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
                f"the database of {self.address} cannot hold every text", hint="make one with: createdb --encoding UTF8"
            )
        triggers, version = self._begin_session()
        if triggers != "origin":
            raise StoreUnreadable(
                f"triggers do not fire for this role in the store {self.address}, so that jobs would not be counted",
                hint="ALTER ROLE … RESET session_replication_role, or ALTER DATABASE, wherever it is set",
            )
        # Loaded here: only the first command on a store makes it.
        from queuectl.store.postgres.schema import migrate, version_of

        if not version or version_of(self._cursor, self.address) != SCHEMA_VERSION:
            if self._as_is:
                raise StoreUnreadable(f"there is no store of this version at {self.address}")
            try:
                migrate(self._cursor, self.address, make=self._make)
            except psycopg.errors.InsufficientPrivilege as error:
                raise not_the_owner(str(error), self.address, older=bool(version)) from None

    def _begin_session(self) -> tuple[str, bool]:
        """Set what a connection sets; whether triggers fire (`origin`), and whether there is a store."""
        info = self._connection.info
        values = {**session.bounds(self._wait, self._patience), "pid": info.backend_pid}
        rows = self._run(session.statement(info.server_version), values)
        if not rows:
            # Loaded here: hardly anybody has a pooler.
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
    def on_wait(self, tell: Callable[[], None] | None) -> None:
        self._on_wait = tell
        self._connection.on_wait = self._waiting if tell is not None else None

    def _waiting(self) -> None:
        if self._on_wait is not None:
            self._on_wait()
        if self.deadline is not None and steady() >= self.deadline:
            self._connection.close()
            raise ServerTimeout("no answer in time")

    @property
    def wait(self) -> float:
        """Seconds to wait for a lock; no longer than our patience, so that the server says that it was a lock."""
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
        """Seconds without a word of the server after which a connection is given up; None: as long as it takes."""
        return self._patience

    @patience.setter
    def patience(self, seconds: float | None) -> None:
        if seconds != self._patience:
            self._patience = self._connection.patience = seconds
            self._set_bounds()

    def notify(self, words: Sequence[str], /) -> None:
        """Call these out to whoever listens. Not within a transaction: it would hold up all others that do the same."""
        if words:
            self.rows("notify", channel=CHANNEL, words=json.dumps(list(words)))

    def listen(self) -> None:
        """Hear what is called out, over this connection and all that take its place. Raises StoreError."""
        self._ear = Listener()
        try:
            self._ear.listen(self._connection)
        except psycopg.Error as error:
            raise self._told(error) from None

    def fileno(self) -> int:
        """What becomes readable when something was called out; -1 while there is no connection."""
        return -1 if self._connection.closed else self._connection.fileno()

    def heard(self) -> list[str]:
        """What was called out since the last time. Does not wait, and is silent about a connection that is lost."""
        if self._ear is None:
            return []
        try:
            return self._ear.take(self._connection)
        except psycopg.Error:
            self._connection.close()  # the next statement connects anew
            return []

    def rows(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """All the rows of a statement. Raises Duplicate, StoreError."""
        return self._fetch(self._statements[name].text, parameters)

    def query(self, statement: str, /) -> list[tuple[Any, ...]]:
        """All the rows of a statement that has no name. Raises StoreError."""
        return self._fetch(statement, None)

    def run(self, name: str, /, **parameters: Any) -> int:
        """How many rows a statement changed. Raises Duplicate, StoreError."""
        self._fetch(self._statements[name].text, parameters)
        return self._cursor.rowcount

    def many(self, name: str, rows: Iterable[tuple[Any, ...]], /) -> None:
        """Run a statement for each row, all or none; the transaction goes on. Raises Duplicate, StoreError."""
        given = list(rows)
        if self.in_transaction:
            self.savepoint(lambda: self._many(name, given))
        else:
            with self.transaction():
                self._many(name, given)

    def _many(self, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
        statement = self._statements[name]
        stream = self._statements.get(f"all_of_{name}")
        if stream is not None and len(rows) >= _COPIED:
            self._copy(stream.text, rows)
            return
        for row in rows:
            self._fetch(statement.text, dict(zip(statement.parameters, row, strict=True)))

    def fill(self, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]], /) -> None:
        """Add rows to a table, as they come. Raises StoreError, and UsageError for a text that cannot be kept."""
        self._copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN", rows)

    def _copy(self, stream: str, rows: Iterable[tuple[Any, ...]]) -> None:
        try:
            with self._cursor.copy(stream) as copy:
                for row in rows:
                    copy.write_row(row)
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise self._told(error) from None

    def numbers(self, n: int, /) -> Sequence[int]:
        """Numbers of a sequence: nobody waits for anybody. Raises StoreError."""
        return [number for (number,) in self.rows("draw_numbers", n=n)]

    def hold(self, ids: Iterable[str], /) -> None:
        """Lock the rows of these jobs, in the order of their numbers. Raises StoreError."""
        self.rows("lock_jobs", ids=json.dumps(list(ids)))

    def tidy(self) -> None:
        """Fold what the counters were changed by: each statement left a row, and a look sums all. Raises StoreError."""
        self.run("fold", limit=_FOLDED)

    def transaction(self) -> Transaction:
        """A transaction. It locks what it changes and nothing else."""
        return Transaction(self)

    def alone(self) -> Alone:
        """A transaction of one statement: nobody says so to the server, but it is not sent again either."""
        return Alone(self)

    def reach(self) -> None:
        """Connect anew where the server has hung up. Raises StoreError."""
        if self._connection.closed:
            self._connect()

    def execute(self, sql: str) -> str:
        """Run a statement that is no query: BEGIN, COMMIT and their kind; the server's answer. Raises StoreError."""
        self._fetch(sql, None)
        return self._cursor.statusmessage or ""

    def savepoint(self, work: Callable[[], object], /) -> None:
        """Do `work` within the transaction; should it fail, only `work` is undone."""
        self.execute("SAVEPOINT work")
        try:
            work()
        except BaseException:
            if not self._connection.closed:
                self.execute("ROLLBACK TO work; RELEASE work")
            raise
        self.execute("RELEASE work")

    def changed(self) -> int:
        """A number of the transactions that are over (postgres/queries.sql says why that is enough). 50 µs, no lock."""
        return self._changed(lambda: self.rows("changed"))

    def _changed(self, ask: Callable[[], list[tuple[Any, ...]]]) -> int:
        before = steady()
        ((number, clock),) = ask()
        # The server looked at its clock somewhere between: half way is off by half the way at most.
        ahead = clock - round((before + steady()) * 500)
        if self.ahead is None or abs(ahead - self.ahead) > _SKEW_MS:
            self.ahead = ahead
        return int(number)

    def recheck(self) -> None:
        """Raise StoreTooNew where somebody newer has upgraded the store since it was opened."""
        ((version,),) = self.rows("schema_version")
        if version > SCHEMA_VERSION:
            # Loaded here, as for a migration: it is for few.
            from queuectl.store.migrations import too_new

            raise too_new(self.address, version)

    def backup(self, path: str, progress: Callable[[int, int], None]) -> None:  # noqa: ARG002 - it copies nothing
        """Not ours to do: the server has better means. Raises Refused."""
        raise Refused(
            "a PostgreSQL store is backed up by the server's own tools",
            hint=f"pg_dump --schema=queuectl --format=custom --file=FILE '{self.address}'",
        )

    def findings(self, *, thorough: bool) -> Iterator[Finding]:
        """What the server can say about itself and our tables. Raises StoreError."""
        # Loaded here: only the doctor asks.
        from queuectl.store.postgres.health import findings

        yield from findings(self, oldest=OLDEST_SERVER, thorough=thorough)

    def close(self) -> None:
        """Let go of it."""
        self._connection.close()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, even one that can only be rolled back."""
        return self._connection.info.transaction_status != pq.TransactionStatus.IDLE

    def _fetch(self, text: str, parameters: dict[str, Any] | None) -> list[tuple[Any, ...]]:
        if not self.within:
            # The server has hung up since the last statement. Within a transaction that would hide what was lost.
            self.reach()
        try:
            return self._run(text, parameters)
        except (psycopg.Error, UnicodeEncodeError) as error:
            if not self._connection.closed or self.within or isinstance(error, ServerTimeout):
                raise self._told(error) from None
        # It hung up just now. Once more: nothing that is done outside a transaction does harm when it is done twice.
        self._connect()
        try:
            return self._run(text, parameters)
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise self._told(error) from None

    def _run(self, text: str, parameters: dict[str, Any] | None) -> list[tuple[Any, ...]]:
        self._cursor.execute(text, parameters)
        return self._cursor.fetchall() if self._cursor.description is not None else []

    @property
    def lost(self) -> bool:
        """Whether the server has hung up."""
        return self._connection.closed

    def _told(self, error: psycopg.Error | UnicodeEncodeError) -> Exception:
        if isinstance(error, UnicodeEncodeError):
            return UsageError("a text holds half of a pair of surrogates, which no store can keep")
        if isinstance(error, psycopg.DataError) and error.sqlstate is None:
            return UsageError(f"the store {self.address} cannot keep a text: {error}")
        text = error.diag.message_primary or str(error)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        meant = told(error.sqlstate, text, self.address)
        if isinstance(meant, StoreBusy):
            meant.place = place_in(error.diag.context or "")
        return meant
