"""Move a store from an SQLite file to a PostgreSQL server, with all that it remembers.

One read transaction on the file and one transaction on the server: whatever ends the move, the file is as it was and
the new store is empty. The new one is committed while nobody can write to the old one, and only if nobody has since it
began to be read. Rows are streamed, so that no size of a store matters to memory, and in pieces, since the server
remembers something about each row of a statement until that ends.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, closing
from itertools import islice

from queuectl.domain.errors import Refused, StoreError, StoreUnreadable, UsageError
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

_PIECE = 20_000
"""Rows of one statement on the server."""
_EVERY = 100
"""Rows between two looks at whether the old store stands still."""
_NAMED = 3


@record
class _Table:
    """A table that is moved."""

    name: str
    order: str
    """In which its rows are read, as they lie in the file."""
    key: str
    """The column that tells people which row it is."""
    called: str
    """What they call it; of those that belong to a job, `job`."""


_TABLES = (
    # What others refer to comes before them.
    _Table(name="jobs", order="seq", key="seq", called="job"),
    _Table(name="runs", order="job, fence", key="job", called="job"),
    _Table(name="outputs", order="rowid", key="job", called="job"),
    _Table(name="config", order="key", key="key", called="setting"),
    _Table(name="stats", order="minute, queue, measure, bucket", key="minute", called="minute"),
    _Table(name="signatures", order="id", key="id", called="error"),
    _Table(name="views", order="name", key="name", called="view"),
    _Table(name="events", order="seq", key="seq", called="event"),
    _Table(name="undos", order="id", key="id", called="undo"),
    _Table(name="undo_jobs", order="undo, job", key="job", called="job"),
    _Table(name="undo_outputs", order="rowid", key="job", called="job"),
)
TABLES = tuple(table.name for table in _TABLES)
"""What is moved. Not pools and workers, which belong to a host, nor the counters, which the new store keeps itself."""


@record
class Contents:
    """What a store holds, in figures."""

    rows: dict[str, int]
    """How many each table has."""
    jobs: tuple[tuple[str, str, int], ...]
    """Queue, state and how many."""
    bytes: tuple[int, int]
    """Of output: what is kept, and what was printed."""


def move(
    old: Store,
    watch: Store,
    open_new: Callable[[], Store],
    *,
    check: Callable[[], None],
    progress: Callable[[int, int, str], None],
) -> Contents:
    """Copy all that `old` holds into the store that `open_new` opens, which must be empty; what that was.

    `watch` is the old store once more, on a connection of its own. `check` raises what else speaks against a move; it
    is asked once nothing can change any more without being noticed. Raises Refused, StoreError.
    """
    source, watcher = old.database, watch.database
    if not isinstance(source, SqliteDatabase) or not isinstance(watcher, SqliteDatabase):
        raise Refused("only a store in an SQLite file is moved")
    stood = watcher.changed()

    def look() -> None:
        if watcher.changed() != stood:
            raise Refused(
                "the store was written to while it was copied, so nothing was moved",
                hint="stop what enqueues or acts on jobs, and try again",
            )

    # Let go of last, in this order: the new store is committed before others may write to the old one.
    with ExitStack() as held:
        source.execute("BEGIN")
        held.callback(source.execute, "ROLLBACK")
        check()
        _refuse_processing(source)
        look()
        new = open_new()
        target = new.database
        if not isinstance(target, PostgresDatabase):
            raise Refused("a store is moved to a PostgreSQL server only")
        _refuse_used(target)
        contents = _contents(source)
        with target.transaction():
            _copy(source, target, contents, look, progress)
            held.enter_context(watcher.transaction())
            look()
    return contents


def _contents(database: Database) -> Contents:
    statements = load(database.dialect, "move.sql")
    if isinstance(database, SqliteDatabase):
        found = Counter(database.stream(statements["states"]))
        jobs = [(queue, state, n) for (queue, state), n in sorted(found.items())]
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
        few = ", ".join(ids[:_NAMED]) + (", …" if len(ids) > _NAMED else "")
        raise Refused(
            f"jobs that belong to dead workers are processing: {few}",
            hint="queuectl doctor --fix puts them back",
        )


def _refuse_used(target: PostgresDatabase) -> None:
    statements = load("postgresql", "move.sql")
    found = [(table, n) for name in ("rows", "used") for table, n in target.query(statements[name]) if n]
    if found:
        told = ", ".join(f"{table} {n:,}" for table, n in found)
        raise Refused(f"{target.address} is not empty; it holds {told}", hint="name a database that holds no queue yet")


def _copy(
    source: SqliteDatabase,
    target: PostgresDatabase,
    contents: Contents,
    look: Callable[[], None],
    progress: Callable[[int, int, str], None],
) -> None:
    statements = load("postgresql", "move.sql")
    last: dict[str, int] = dict(source.query(load("sqlite", "move.sql")["numbers"]))
    # The first lock, as it is an enqueue's first: whoever waits for it here has drawn no number yet.
    target.execute(statements["close_jobs"].format(next=max(last.get("jobs", 0), 1)))
    target.execute(statements["close"])
    # Once more, now that nobody can put anything there.
    _refuse_used(target)
    if last.get("jobs"):
        target.numbers(1)  # the last one is given
    for table in ("events", "undos"):
        target.execute(statements[f"number_{table}"].format(next=last.get(table, 0) + 1))

    total, done = sum(contents.rows.values()), 0

    def counted(rows: Iterator[tuple[Any, ...]]) -> Generator[tuple[Any, ...]]:
        nonlocal done
        for row in rows:
            yield row
            done += 1
            if done % _EVERY == 0:
                look()
                progress(done, total, "rows")

    for each in _TABLES:
        _copy_table(source, target, each, counted)
    progress(total, total, "rows")
    while target.rows("unfolded", limit=1)[0][0]:
        target.tidy()
    target.execute(statements["learn"])
    came = _contents(target)
    counters = tuple(target.query(statements["counters"]))
    if came != contents or counters != contents.jobs:
        raise StoreError(
            f"what came to {target.address} is not what was sent, so nothing was moved: "
            f"{_difference(contents, came, counters)}",
            hint="is the old store sound? queuectl doctor --check",
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

    def noted() -> Iterator[tuple[Any, ...]]:
        nonlocal read, current
        for row in source.stream(f"SELECT {', '.join(columns)} FROM {table.name} ORDER BY {table.order}"):
            read, current = read + 1, row
            yield row

    try:
        with closing(counted(noted())) as rows:
            while True:
                target.fill(table.name, columns, islice(rows, _PIECE))
                if read == sent:
                    break
                sent = read
    except UsageError as error:
        # Raised for a text that the server cannot keep.
        told = dict(zip(columns, current, strict=True))
        column = next((name for name, value in told.items() if isinstance(value, str) and "\0" in value), None)
        what = f"{column} holds a NUL" if column else error.message
        raise Refused(
            f"{_subject(source, table, told[table.key])} cannot be moved: {what}, which PostgreSQL cannot keep",
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


def _difference(sent: Contents, came: Contents, counters: tuple[tuple[str, str, int], ...]) -> str:
    for table, n in sent.rows.items():
        if came.rows[table] != n:
            return f"{came.rows[table]:,} of {n:,} rows of {table}"
    if sent.bytes != came.bytes:
        return f"{came.bytes[0]:,} of {sent.bytes[0]:,} bytes of output"
    return "the jobs by queue and state" if sent.jobs != came.jobs else f"the counters ({len(counters)} of them)"
