"""The move of a store from an SQLite file to a PostgreSQL server, with its whole history.

One read transaction on the file and one transaction on the server: however the move ends, the file is unchanged, and
after a failure the new store is empty. The new store is committed while writes to the old one are locked out, and only
if the old one has not been written to since the copy began. Rows are streamed, so that memory does not depend on the
size of the store, and in batches, since the server keeps something in memory for each row until its statement ends.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, closing
from itertools import islice

from queuectl.domain.errors import Refused, StoreError, StoreUnreadable, UsageError
from queuectl.domain.phrases import first_of
from queuectl.domain.record import record
from queuectl.store.postgres.database import PostgresDatabase
from queuectl.store.queries import load
from queuectl.store.sqlite.database import SqliteDatabase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from typing import Any

    from queuectl.store.database import Database
    from queuectl.store.store import Store

_BATCH = 20_000
"""Rows of one statement on the server."""
_CHECK_EVERY = 100
"""Rows between two checks that the old store is unchanged."""
_NAMED = 3


@record
class _Table:
    """A table that is moved."""

    name: str
    order: str
    """Order in which its rows are read: as they are stored in the file."""
    key: str
    """The column that identifies a row in messages."""
    called: str
    """What messages call a row; `job` for rows that belong to a job."""


_TABLES = (
    # A table comes after those that it refers to.
    _Table(name="environments", order="id", key="id", called="environment snapshot"),
    _Table(name="jobs", order="seq", key="seq", called="job"),
    _Table(name="runs", order="job, fence", key="job", called="job"),
    _Table(name="outputs", order="rowid", key="job", called="job"),
    _Table(name="config", order="key", key="key", called="setting"),
    _Table(name="queues", order="name", key="name", called="queue"),
    _Table(name="stats", order="minute, queue, measure, bucket", key="minute", called="minute"),
    _Table(name="signatures", order="id", key="id", called="error"),
    _Table(name="views", order="name", key="name", called="view"),
    _Table(name="events", order="seq", key="seq", called="event"),
    _Table(name="undos", order="id", key="id", called="undo"),
    _Table(name="undo_jobs", order="undo, job", key="job", called="job"),
    _Table(name="undo_outputs", order="rowid", key="job", called="job"),
    _Table(name="undo_states", order="undo, job", key="job", called="job"),
    _Table(name="schedules", order="name", key="name", called="schedule"),
    _Table(name="fires", order="schedule, planned_at", key="schedule", called="fire of"),
    _Table(name="undo_rows", order="undo, kind, name", key="name", called="undo of"),
)
TABLES = tuple(table.name for table in _TABLES)
"""The tables that are moved. Not pools and workers, which belong to a host, nor counters, which the new store keeps."""


@record
class Contents:
    """The size of a store, in figures."""

    rows: dict[str, int]
    """Number of rows by table."""
    jobs: tuple[tuple[str, str, int], ...]
    """Queue, state and number of jobs."""
    bytes: tuple[int, int]
    """Bytes of output: kept, and printed."""


def move(
    old: Store,
    watch: Store,
    open_new: Callable[[], Store],
    *,
    check: Callable[[], None],
    progress: Callable[[int, int, str], None],
) -> Contents:
    """Copy everything from `old` into the store that `open_new` opens, which must be empty; return what was copied.

    `watch` is the old store on a connection of its own. `check` raises further objections to the move; it is called
    once no change can go unnoticed any more. Raises Refused, StoreError.
    """
    source, watcher = old.database, watch.database
    if not isinstance(source, SqliteDatabase) or not isinstance(watcher, SqliteDatabase):
        raise Refused("only a store in an SQLite file can be moved")
    version = watcher.changed()

    def check_unchanged() -> None:
        if watcher.changed() != version:
            raise Refused(
                "the store was written to while it was copied, so nothing was moved",
                hint="stop what enqueues or acts on jobs, and try again",
            )

    # Released in reverse order: the new store is committed before others may write to the old one.
    with ExitStack() as held:
        source.execute("BEGIN")
        held.callback(source.execute, "ROLLBACK")
        check()
        _refuse_processing(source)
        check_unchanged()
        new = open_new()
        target = new.database
        if not isinstance(target, PostgresDatabase):
            raise Refused("a store is moved to a PostgreSQL server only")
        _refuse_used(target)
        contents = _contents(source)
        with target.transaction():
            _copy(source, target, contents, check_unchanged, progress)
            held.enter_context(watcher.transaction())
            check_unchanged()
    return contents


def _contents(database: Database) -> Contents:
    statements = load(database.dialect, "move.sql")
    if isinstance(database, SqliteDatabase):
        counts = Counter(database.stream(statements["states"]))
        jobs = [(queue, state, n) for (queue, state), n in sorted(counts.items())]
    else:
        jobs = database.query(statements["states"])
    return Contents(
        rows=dict(database.query(statements["rows"])),
        jobs=tuple(jobs),
        bytes=database.query(statements["bytes"])[0],
    )


def _refuse_processing(source: SqliteDatabase) -> None:
    ids = [id_ for (id_,) in source.query(load("sqlite", "move.sql")["processing"])]
    if ids:
        raise Refused(
            f"jobs that belong to dead workers are processing: {first_of(ids, _NAMED)}",
            hint="queuectl doctor --fix puts them back",
        )


def _refuse_used(target: PostgresDatabase) -> None:
    statements = load("postgresql", "move.sql")
    used = [(table, n) for name in ("rows", "used") for table, n in target.query(statements[name]) if n]
    if used:
        tables = ", ".join(f"{table} {n:,}" for table, n in used)
        raise Refused(
            f"{target.address} is not empty; it holds {tables}", hint="name a database that holds no queue yet"
        )


def _copy(
    source: SqliteDatabase,
    target: PostgresDatabase,
    contents: Contents,
    check_unchanged: Callable[[], None],
    progress: Callable[[int, int, str], None],
) -> None:
    statements = load("postgresql", "move.sql")
    last: dict[str, int] = dict(source.query(load("sqlite", "move.sql")["numbers"]))
    # The first lock, as in an enqueue: a writer that waits for it here has drawn no number yet.
    target.execute(statements["close_jobs"].format(next=max(last.get("jobs", 0), 1)))
    target.execute(statements["close"])
    # Again, now that no other session can insert anything.
    _refuse_used(target)
    if last.get("jobs"):
        target.allocate_seqs(1)  # consumes the last number in use
    for table in ("environments", "events", "undos"):
        target.execute(statements[f"number_{table}"].format(next=last.get(table, 0) + 1))

    total, done = sum(contents.rows.values()), 0

    def counted(rows: Iterator[tuple[Any, ...]]) -> Generator[tuple[Any, ...]]:
        nonlocal done
        for row in rows:
            yield row
            done += 1
            if done % _CHECK_EVERY == 0:
                check_unchanged()
                progress(done, total, "rows")

    for each in _TABLES:
        _copy_table(source, target, each, counted)
    progress(total, total, "rows")
    while target.rows("unfolded", limit=1)[0][0]:
        target.compact()
    target.execute(statements["learn"])
    copied = _contents(target)
    counters = tuple(target.query(statements["counters"]))
    if copied != contents or counters != contents.jobs:
        raise StoreError(
            f"what arrived at {target.address} differs from what was sent, so nothing was moved: "
            f"{_difference(contents, copied, counters)}",
            hint="check the old store: queuectl doctor --check",
        )


def _copy_table(
    source: SqliteDatabase,
    target: PostgresDatabase,
    table: _Table,
    counted: Callable[[Iterator[tuple[Any, ...]]], Generator[tuple[Any, ...]]],
) -> None:
    columns = [name for (name,) in source.query(f"SELECT name FROM pragma_table_info('{table.name}')")]
    read, sent = 0, 0
    current: tuple[Any, ...] = ()

    def tracked() -> Iterator[tuple[Any, ...]]:
        nonlocal read, current
        for row in source.stream(f"SELECT {', '.join(columns)} FROM {table.name} ORDER BY {table.order}"):
            read, current = read + 1, row
            yield row

    try:
        with closing(counted(tracked())) as rows:
            while True:
                target.fill(table.name, columns, islice(rows, _BATCH))
                if read == sent:
                    break
                sent = read
    except UsageError as error:
        # Raised for a text that the server cannot store.
        values = dict(zip(columns, current, strict=True))
        column = next((name for name, value in values.items() if isinstance(value, str) and "\0" in value), None)
        what = f"{column} holds a NUL" if column else error.message
        raise Refused(
            f"{_subject(source, table, values[table.key])} cannot be moved: {what}, which PostgreSQL cannot store",
            hint="change or delete it first; nothing was moved",
        ) from error
    except StoreUnreadable as error:
        (row,) = source.query(f"SELECT {table.key} FROM {table.name} ORDER BY {table.order} LIMIT 1 OFFSET {read}")
        raise StoreUnreadable(
            f"{_subject(source, table, row[0])} cannot be read: {error.message}", hint=error.hint
        ) from error


def _subject(source: SqliteDatabase, table: _Table, key: object) -> str:
    if table.called == "job":
        try:
            rows = source.query(f"SELECT id FROM jobs WHERE seq = {key}")
        except StoreUnreadable:
            rows = []
        return f"job {rows[0][0] if rows else f'number {key}'}"
    return f"{table.called} {key}"


def _difference(sent: Contents, copied: Contents, counters: tuple[tuple[str, str, int], ...]) -> str:
    for table, n in sent.rows.items():
        if copied.rows[table] != n:
            return f"{copied.rows[table]:,} of {n:,} rows of {table}"
    if sent.bytes != copied.bytes:
        return f"{copied.bytes[0]:,} of {sent.bytes[0]:,} bytes of output"
    return "the jobs by queue and state" if sent.jobs != copied.jobs else f"the counters ({len(counters)} of them)"
