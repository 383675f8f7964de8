"""The backend for an SQLite file.

Rules of this module; breaking one loses data: the database, its -wal and its -shm are never opened as plain files
(closing one drops SQLite's locks); a connection never crosses a fork; every statement that returns rows is read to
its end; writes begin with BEGIN IMMEDIATE; a file of another program is refused before anything is written to it.
"""

from __future__ import annotations

import time

import apsw

from queuectl.domain.errors import StoreError, StoreUnreadable
from queuectl.store.database import APPLICATION_ID, SCHEMA_VERSION
from queuectl.store.queries import load
from queuectl.store.sqlite import log_file
from queuectl.store.sqlite.files import Files, make_file, wait_for_leavers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType
    from typing import Any, Self

    from queuectl.domain.errors import StoreGone
    from queuectl.domain.finding import Finding

_ERRORS = (apsw.Error, UnicodeDecodeError)
"""The driver's exceptions. UnicodeDecodeError: invalid text, which only a damaged file contains."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.02


class SqliteDatabase:
    """One connection. `durable`: commits survive power loss; otherwise only the end of the process."""

    dialect = "sqlite"
    exclusive = True
    compound = False
    remote = False
    rehearsing = False
    clock_offset_ms: int | None = None
    connections = 1
    lost = False
    patience: float | None = None
    deadline: float | None = None

    def __init__(
        self,
        path: str,
        *,
        durable: bool = True,
        wait: float = 30.0,
        as_is: bool = False,
        was_used: Callable[[], bool] = lambda: False,
    ) -> None:
        """Open the store at `path`, an absolute path; create or migrate it where needed, unless `as_is`.

        `was_used` returns whether an empty file was a store that workers used before. Raises StoreError.
        """
        self.path = path
        self.wait = wait
        """Seconds to wait for a lock."""
        self.on_wait: Callable[[], None] | None = None
        self._durable = durable
        self._as_is, self._was_used = as_is, was_used
        self._deadline = 0.0
        self._seen: int | None = None
        """The database's version that the current or last transaction found."""
        self._committed: int | None = None
        """The version of the last transaction that wrote: if durable, the log is on disk up to it."""
        self._statements = load(self.dialect)
        try:
            self._connection = self._connect()
            self._connection.set_busy_handler(self._busy)
            # `close` decides whether to checkpoint: not if the log has been deleted or replaced meanwhile.
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            if durable:
                self._connection.set_wal_hook(self._keep_log_short)
            else:
                self._connection.wal_autocheckpoint(log_file.CHECKPOINT_PAGES)
            # Makes plans independent of bound values: otherwise every new value of a parameter that the planner has
            # compared with a partial index compiles the statement again (50 µs of each finish).
            self._connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
            self._execute = self._connection.execute
            self._prepare()
            self._files = self._find_files()
            self.file = self._files.identity
            self.identity = "{:x}.{:x}".format(*self.file)
        except apsw.Error as error:
            raise self._to_store_error(error) from error

    def _connect(self) -> apsw.Connection:
        make_file(self.path, as_is=self._as_is, was_used=self._was_used)
        wait_for_leavers(self.path, self.wait)
        return apsw.Connection(self.path, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)

    def _find_files(self) -> Files:
        files = Files(self.path)
        if not files.complete and not self._as_is:
            # The process that created the store was killed before its last step, or is taking it now: this connection
            # may have read the file before there was a log, so that it has not opened the files beside it.
            log_file.switch_to(self._connection, self.wait, self._pause)
            files = Files(self.path)
        return files

    def _prepare(self) -> None:
        application = self._execute("PRAGMA application_id").get
        version = self._execute("PRAGMA user_version").get
        if application != APPLICATION_ID or version != SCHEMA_VERSION:
            if self._as_is:
                raise StoreUnreadable(f"{self.path} is not a store of this version")
            # Imported here: only the first command on a store needs it.
            from queuectl.store.sqlite.schema import migrate

            migrate(self._connection, self.path)
            log_file.switch_to(self._connection, self.wait, self._pause)
        # The journal of a statement, for its rollback, is kept in memory: a temporary file costs 70 µs each, and
        # its disk may be full.
        self._execute(
            "PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;"
            f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'};"
            f"PRAGMA journal_size_limit = {log_file.LIMIT}"
        ).fetchall()

    def rows(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a named statement. Raises StoreError."""
        try:
            return self._execute(self._statements[name], parameters).fetchall()
        except _ERRORS as error:
            raise self._to_store_error(error) from error

    def query(self, statement: str, /) -> list[tuple[Any, ...]]:
        """Return all rows of a statement given as SQL. Raises StoreError."""
        try:
            return self._execute(statement).fetchall()
        except _ERRORS as error:
            raise self._to_store_error(error) from error

    def stream(self, statement: str, /) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a statement one by one, for results larger than memory. Raises StoreError.

        Read it to its end, or close it, before the transaction ends.
        """
        cursor = self._connection.cursor()
        try:
            yield from cursor.execute(statement)
        except _ERRORS as error:
            raise self._to_store_error(error) from error
        finally:
            cursor.close(True)

    def findings(self, *, thorough: bool) -> Iterator[Finding]:
        """Yield what SQLite reports about the file and itself. Raises StoreError."""
        # Imported here: only `doctor` needs it.
        from queuectl.store.sqlite.health import findings

        try:
            yield from findings(self._connection, thorough=thorough)
        except _ERRORS as error:
            raise self._to_store_error(error) from error

    def run(self, name: str, /, **parameters: Any) -> int:
        """Run a named statement and return the number of rows that it changed. Raises Duplicate, StoreError."""
        try:
            self._execute(self._statements[name], parameters).fetchall()
            return self._connection.changes()
        except _ERRORS as error:
            raise self._to_store_error(error) from error

    def many(self, name: str, rows: Iterable[tuple[Any, ...]], /) -> None:
        """Run a statement for each row. Raises Duplicate, StoreError."""
        try:
            self._connection.executemany(self._statements[name], rows).fetchall()
        except _ERRORS as error:
            raise self._to_store_error(error) from error

    def allocate_seqs(self, n: int, /) -> Sequence[int]:
        """Return the numbers after the last one; the write lock reserves them. Raises StoreError."""
        ((last,),) = self.rows("last_seq")
        return range(last + 1, last + 1 + n)

    def lock_jobs(self, ids: Iterable[str], /) -> None:
        """Do nothing: the write lock excludes all other writers."""

    def compact(self) -> None:
        """Truncate a log that a reader of an old state has let grow. Does not wait for other processes.

        Writers do that too, but only at a commit, and only if no other process reads the log at that moment: after the
        last job of a busy hour, the log would keep its size until the next one.
        """
        if log_file.size(self.path) > log_file.LIMIT:
            log_file.truncate(self._connection, self._busy)

    def transaction(self, *, wait: float | None = None) -> _Transaction:
        """Return a write transaction. BEGIN IMMEDIATE, so that it waits for the lock before it reads anything."""
        return _Transaction(self, self.wait if wait is None else wait)

    def single_statement(self) -> _Transaction:
        """Return a transaction: on SQLite, a claim is two statements."""
        return self.transaction()

    def execute(self, sql: str) -> None:
        """Run a command such as BEGIN or COMMIT. Raises StoreError."""
        try:
            self._execute(sql).fetchall()
        except apsw.Error as error:
            raise self._to_store_error(error) from error

    def savepoint(self, work: Callable[[], object], /) -> None:
        """Do `work` within the transaction; if it raises, only `work` is undone."""
        self.execute("SAVEPOINT work")
        try:
            work()
        except BaseException:
            self.execute("ROLLBACK TO work")
            raise
        finally:
            self.execute("RELEASE work")

    def changed(self) -> int:
        """Return SQLite's data_version: 10 µs, and no lock.

        Through the pragma: the driver's own function does not read the file, so its value never changes between reads.
        """
        if not self._files.are_there():
            raise self._leave()
        try:
            return self._version()
        except apsw.Error as error:
            raise self._to_store_error(error) from error

    def notify(self, words: Sequence[str], /) -> None:
        """Do nothing: all users of the store are on this host, and use its doorbells."""

    def listen(self) -> None:
        """Do nothing: there are no notifications."""

    def fileno(self) -> int:
        """Return -1: there is nothing to wait for."""
        return -1

    def heard(self) -> list[str]:
        """Return no notifications."""
        return []

    def recheck(self) -> None:
        """Raise StoreTooNew when a newer version has upgraded the store since it was opened."""
        try:
            version = self._execute("PRAGMA user_version").get
        except apsw.Error as error:
            raise self._to_store_error(error) from error
        if version > SCHEMA_VERSION:
            from queuectl.store.migrations import too_new

            raise too_new(self.path, version)

    def backup(self, path: str, progress: Callable[[int, int], None]) -> None:
        """Copy through the backup API to a new file, a thousand pages at a time. Raises StoreError."""
        try:
            target = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)
            # One snapshot for the whole copy: otherwise each write of a worker would restart it.
            self._execute("BEGIN").fetchall()
            try:
                self._execute("SELECT 1 FROM sqlite_schema").fetchall()
                with target.backup("main", self._connection, "main") as copy:
                    while not copy.done:
                        copy.step(1000)
                        progress(copy.remaining, copy.page_count)
            finally:
                self._execute("ROLLBACK").fetchall()
                target.close()
        except apsw.Error as error:
            raise self._to_store_error(error, path) from error

    def close(self) -> None:
        """Close the connection. The last process to close checkpoints the log: a copy of the file is complete."""
        try:
            # A reader leaves a log alone whose checkpoint is done; a writer cannot rely on the timestamps.
            if not self._as_is and self._files.log_is_newer(strictly=self._durable and self._committed is None):
                self._allow_folding()
        except (apsw.Error, StoreError):
            pass  # nothing is lost: the log has all commits
        self._connection.close()

    def _allow_folding(self) -> None:
        """Let SQLite checkpoint if this is the last connection to close; the log's file is kept.

        Without fsync, which would cost an enqueue three flushes: the log is on disk up to this process's last
        commit, and is read again. A later commit may not be, so the check for one comes last; only a commit in the
        microseconds after that check is at risk.
        """
        from array import array  # imported here: readers rarely get this far

        if hasty := self._durable and self._committed is not None:
            self._execute("PRAGMA synchronous = OFF; PRAGMA journal_size_limit = -1").fetchall()
        yes = array("i", [1])
        self._connection.file_control("main", apsw.SQLITE_FCNTL_PERSIST_WAL, yes.buffer_info()[0])
        if hasty and self._version() != self._committed:
            self._execute(f"PRAGMA synchronous = FULL; PRAGMA journal_size_limit = {log_file.LIMIT}").fetchall()
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)

    def _version(self) -> int:
        return int(self._execute("PRAGMA data_version").get)

    def begin(self, wait: float) -> None:
        """Take the write lock within `wait` seconds, then check that the files have their names. Raises StoreError."""
        usual, self.wait = self.wait, wait
        try:
            self.execute("BEGIN IMMEDIATE")
        finally:
            self.wait = usual
        try:
            # Also raises if the database has a second name by now: users of that name may have another log.
            there = self._files.are_there()
        except StoreError:
            self.execute("ROLLBACK")
            raise
        if not there:
            self.execute("ROLLBACK")
            raise self._leave()
        if self._durable:
            self._seen = self._version()

    def _leave(self) -> StoreGone:
        """Close the connection to deleted or replaced files, which releases the locks that other processes wait for."""
        try:
            if self._files.can_be_saved():
                self._execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._files.withdraw()
        except (apsw.Error, OSError):
            pass  # best effort
        self._connection.close(True)
        return self._files.gone()

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    def _busy(self, tries: int) -> bool:
        now = time.monotonic()
        if tries == 0:
            self._deadline = now + self.wait
        if now >= self._deadline:
            return False
        self._pause(tries)
        return True

    def _pause(self, tries: int) -> None:
        if self.on_wait is not None:
            self.on_wait()
        # Imported here: few commands ever wait.
        from random import random

        # Growing, with jitter, so that waiting processes do not retry at the same moments.
        pause = min(_SHORTEST_PAUSE * 1.5**tries, _LONGEST_PAUSE) if tries < 12 else _LONGEST_PAUSE
        time.sleep(pause * (0.5 + random()))  # noqa: S311 - not a secret

    def _keep_log_short(self, connection: apsw.Connection, _name: str, pages: int) -> int:
        """Truncate the log now and then, after a commit of a short-lived process."""
        self._committed = self._seen
        if log_file.is_due(pages):
            log_file.truncate(connection, self._busy)
        return apsw.SQLITE_OK

    def _to_store_error(self, error: apsw.Error | UnicodeDecodeError, path: str | None = None) -> Exception:
        # Imported here: few commands ever fail.
        from queuectl.store.sqlite.errors import to_store_error

        return to_store_error(error, path or self.path)


class _Transaction:
    def __init__(self, database: SqliteDatabase, wait: float) -> None:
        self._database = database
        self._wait = wait

    def __enter__(self) -> Self:
        self._database.begin(self._wait)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._database.rehearsing:
            try:
                self._database.execute("COMMIT")
            except StoreError:
                self._roll_back()
                raise
        else:
            self._roll_back()

    def _roll_back(self) -> None:
        # After some errors (a full disk), SQLite has rolled back by itself.
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")
