"""The queue in an SQLite file.

Rules that this module keeps, each of which costs data when broken: the database, its -wal and its -shm are never
opened as plain files (closing one drops SQLite's locks); a connection never crosses a fork; every statement that
returns rows is read to its end; writes begin with BEGIN IMMEDIATE; a file that is not ours is refused before anything
is written to it.
"""

from __future__ import annotations

import time

import apsw

from queuectl.domain.errors import StoreError, StoreUnreadable
from queuectl.store.database import APPLICATION_ID, SCHEMA_VERSION
from queuectl.store.queries import load
from queuectl.store.sqlite.files import Files, make_file, wait_for_leavers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType
    from typing import Any, Self

    from queuectl.domain.errors import StoreGone
    from queuectl.domain.finding import Finding

_CHECKPOINT_PAGES = 2000
"""When a worker empties the log into the database: two fsyncs, whatever its size."""
_JOURNAL_LIMIT = 10 * 1024 * 1024
"""Above what the log grows to between two checkpoints: cutting it off and growing it anew costs too."""
_LONG_LOG, _SHORT_LOG, _PAGES_OF_A_COMMIT = 1000, 64, 12
_ERRORS = (apsw.Error, UnicodeDecodeError)
"""What the driver raises: the second for text that is none, which only a damaged file holds."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.02


class SqliteDatabase:
    """One connection. `durable`: a commit survives power loss; without it, only the end of the process."""

    dialect = "sqlite"
    exclusive = True
    compound = False
    remote = False
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
        """Open the store at `path`, an absolute path, and make or migrate it where needed, unless `as_is`.

        `was_used` tells of an empty file whether it once was a store that workers used. Raises StoreError.
        """
        self.path = path
        self.wait = wait
        """Seconds to wait for a lock."""
        self.on_wait: Callable[[], None] | None = None
        self._durable = durable
        self._as_is, self._was_used = as_is, was_used
        self._deadline = 0.0
        self._seen: int | None = None
        """The database's version as the transaction found it that is under way, or was last."""
        self._committed: int | None = None
        """The same of the last transaction that wrote something: the log is on the disk up to that, if durable."""
        self._statements = load(self.dialect)
        try:
            self._connection = self._connect()
            self._connection.set_busy_handler(self._busy)
            # `close` decides whether the log is folded in: not where it has lost its name meanwhile.
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            if durable:
                self._connection.set_wal_hook(self._keep_log_short)
            else:
                self._connection.wal_autocheckpoint(_CHECKPOINT_PAGES)
            # Plans do not depend on the values bound: without this, every new value of a parameter that the planner has
            # held against a partial index compiles the statement anew (50 µs of each finish).
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
        if not files.have_log and not self._as_is:
            # The process that made the store was killed before its last step, or is about to take it.
            self._execute("PRAGMA journal_mode = WAL; PRAGMA user_version").fetchall()
            files = Files(self.path)
        return files

    def _prepare(self) -> None:
        application = self._execute("PRAGMA application_id").get
        version = self._execute("PRAGMA user_version").get
        if application != APPLICATION_ID or version != SCHEMA_VERSION:
            if self._as_is:
                raise StoreUnreadable(f"{self.path} is no store of this version")
            # Loaded here: only the first command on a store pays for it.
            from queuectl.store.sqlite.schema import migrate

            migrate(self._connection, self.path)
        # What a statement may have to take back is kept in memory: a temporary file for each costs 70 µs, and may find
        # its disk full.
        self._execute(
            "PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;"
            f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'};"
            f"PRAGMA journal_size_limit = {_JOURNAL_LIMIT}"
        ).fetchall()

    def rows(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """All the rows of a statement. Raises StoreError."""
        try:
            return self._execute(self._statements[name], parameters).fetchall()
        except _ERRORS as error:
            raise self._to_store_error(error) from error

    def query(self, statement: str, /) -> list[tuple[Any, ...]]:
        """All the rows of a statement that has no name. Raises StoreError."""
        try:
            return self._execute(statement).fetchall()
        except _ERRORS as error:
            raise self._to_store_error(error) from error

    def stream(self, statement: str, /) -> Iterator[tuple[Any, ...]]:
        """The rows of a statement one after the other, for more than memory holds. Raises StoreError.

        To be read to its end, or closed, before the transaction is over.
        """
        cursor = self._connection.cursor()
        try:
            yield from cursor.execute(statement)
        except _ERRORS as error:
            raise self._to_store_error(error) from error
        finally:
            cursor.close(True)

    def findings(self, *, thorough: bool) -> Iterator[Finding]:
        """What SQLite can say about the file and itself. Raises StoreError."""
        # Loaded here: only the doctor asks.
        from queuectl.store.sqlite.health import findings

        try:
            yield from findings(self._connection, thorough=thorough)
        except _ERRORS as error:
            raise self._to_store_error(error) from error

    def run(self, name: str, /, **parameters: Any) -> int:
        """How many rows a statement changed. Raises Duplicate, StoreError."""
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
        """The numbers after the last one: read under the write lock, so they are ours. Raises StoreError."""
        ((last,),) = self.rows("last_seq")
        return range(last + 1, last + 1 + n)

    def lock_jobs(self, ids: Iterable[str], /) -> None:
        """Nothing to do: the write lock keeps everybody out."""

    def compact_counters(self) -> None:
        """Nothing to do: the counters are rows, and the log is emptied by its writers."""

    def transaction(self) -> _Transaction:
        """A write transaction: BEGIN IMMEDIATE, so that it waits for the lock before it has read anything."""
        return _Transaction(self)

    def single_statement(self) -> _Transaction:
        """The same: a claim is two statements here."""
        return self.transaction()

    def execute(self, sql: str) -> None:
        """Run a statement that is no query: BEGIN, COMMIT and their kind. Raises StoreError."""
        try:
            self._execute(sql).fetchall()
        except apsw.Error as error:
            raise self._to_store_error(error) from error

    def savepoint(self, work: Callable[[], object], /) -> None:
        """Do `work` within the transaction; should it fail, only `work` is undone."""
        self.execute("SAVEPOINT work")
        try:
            work()
        except BaseException:
            self.execute("ROLLBACK TO work")
            raise
        finally:
            self.execute("RELEASE work")

    def changed(self) -> int:
        """SQLite's data_version: 10 µs, and no lock.

        By the pragma: the driver's own function does not look at the file and never changes between two reads.
        """
        if not self._files.are_there():
            raise self._leave()
        try:
            return self._version()
        except apsw.Error as error:
            raise self._to_store_error(error) from error

    def notify(self, words: Sequence[str], /) -> None:
        """Nothing to do: all who use it hear the doorbells of this host."""

    def listen(self) -> None:
        """Nothing to do: nothing is called out."""

    def fileno(self) -> int:
        """Nothing to wait for."""
        return -1

    def heard(self) -> list[str]:
        """Nothing."""
        return []

    def recheck(self) -> None:
        """Raise StoreTooNew where somebody newer has upgraded the store since it was opened."""
        try:
            version = self._execute("PRAGMA user_version").get
        except apsw.Error as error:
            raise self._to_store_error(error) from error
        if version > SCHEMA_VERSION:
            from queuectl.store.migrations import too_new

            raise too_new(self.path, version)

    def backup(self, path: str, progress: Callable[[int, int], None]) -> None:
        """Copy through the backup API into a new file, a thousand pages at a time. Raises StoreError."""
        try:
            target = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_NOFOLLOW)
            # One state for the whole copy: without it, each write of a worker would start the copy anew.
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
        """Close the store. The last process to do so folds the log in, so that a copy of the file is whole."""
        try:
            # A reader leaves a log alone that was folded in before; a writer cannot tell by the clock.
            if not self._as_is and self._files.log_is_newer(strictly=self._durable and self._committed is None):
                self._allow_folding()
        except (apsw.Error, StoreError):
            pass  # the log has it all
        self._connection.close()

    def _allow_folding(self) -> None:
        """Let SQLite checkpoint at the close, should this be the last connection; the log's file stays.

        Not waiting for the disk, which costs an enqueue three flushes: the log is there up to our commit, to be read
        again. A later one may not be, so a look for it comes last; what remains is one in the microseconds after that.
        """
        from array import array  # loaded here: readers seldom come this far

        if hasty := self._durable and self._committed is not None:
            self._execute("PRAGMA synchronous = OFF; PRAGMA journal_size_limit = -1").fetchall()
        yes = array("i", [1])
        self._connection.file_control("main", apsw.SQLITE_FCNTL_PERSIST_WAL, yes.buffer_info()[0])
        if hasty and self._version() != self._committed:
            self._execute(f"PRAGMA synchronous = FULL; PRAGMA journal_size_limit = {_JOURNAL_LIMIT}").fetchall()
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)

    def _version(self) -> int:
        return int(self._execute("PRAGMA data_version").get)

    def begin(self) -> None:
        """Take the write lock, then make sure that what is written will be found. Raises StoreError."""
        self.execute("BEGIN IMMEDIATE")
        try:
            # Also whether the database has got a second name since: its other users may have another log.
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
        """Let go of files that have been taken away; whoever waits for that sees no lock of ours any more."""
        try:
            if self._files.can_be_saved():
                self._execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._files.withdraw()
        except (apsw.Error, OSError):
            pass  # it was worth a try
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
        if self.on_wait is not None:
            self.on_wait()
        # Loaded here: few commands ever wait.
        from random import random

        # Growing and uneven, so that those who wait do not knock in step.
        pause = min(_SHORTEST_PAUSE * 1.5**tries, _LONGEST_PAUSE) if tries < 12 else _LONGEST_PAUSE
        time.sleep(pause * (0.5 + random()))  # noqa: S311 - no secret
        return True

    def _keep_log_short(self, connection: apsw.Connection, name: str, pages: int) -> int:
        """After a commit of a short-lived process: empty the log into the database now and then.

        Without this it would grow for ever while no worker runs: what one process has copied out of the log only it
        knows, so the next one appends again. And the first process to open a store that nobody has open reads the
        whole log, 6 ms for a thousand pages. So whoever crosses a multiple of 64 pages truncates it; not everybody
        beyond 64, because while workers read the log an enqueue would pay a millisecond for nothing.
        """
        self._committed = self._seen
        if pages >= _LONG_LOG or (pages >= _SHORT_LOG and pages % _SHORT_LOG < _PAGES_OF_A_COMMIT):
            connection.set_busy_handler(None)
            try:
                connection.wal_checkpoint(name, apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except apsw.Error:
                pass  # somebody reads it, or the disk is full: the commit stands all the same
            finally:
                connection.set_busy_handler(self._busy)
        return apsw.SQLITE_OK

    def _to_store_error(self, error: apsw.Error | UnicodeDecodeError, path: str | None = None) -> Exception:
        # Loaded here: few commands ever fail.
        from queuectl.store.sqlite.errors import to_store_error

        return to_store_error(error, path or self.path)


class _Transaction:
    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def __enter__(self) -> Self:
        self._database.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            try:
                self._database.execute("COMMIT")
            except StoreError:
                self._roll_back()
                raise
        else:
            self._roll_back()

    def _roll_back(self) -> None:
        # Some errors (a full disk) have rolled back by themselves.
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")
