"""Health checks of an SQLite store and library."""

from __future__ import annotations

import apsw

from queuectl.domain.finding import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.store.database import Database

_FIRST_WITH_BUG = (3, 7, 0)
_FIRST_SAFE = (3, 51, 3)
_ALSO_SAFE = {(3, 44): 6, (3, 50): 7}
"""Older branches that received the fix, and the release with it."""
_WITHDRAWN = (3, 52)


def findings(connection: apsw.Connection, *, thorough: bool) -> Iterator[Finding]:
    """Check version, schema, journal mode, structure and references; `thorough` reads every index too."""
    yield version(apsw.sqlite_lib_version(), apsw.apsw_version())
    schema = connection.execute("PRAGMA user_version").get
    yield Finding(name="schema", detail=f"the store is of schema {schema}, the one that this queuectl writes")
    mode = connection.execute("PRAGMA journal_mode").get
    yield Finding(
        name="journal",
        detail=f"journal mode {mode}",
        cure=None if mode == "wal" else "stop every worker, then: PRAGMA journal_mode = WAL in an SQLite shell",
    )
    pragma = "integrity_check" if thorough else "quick_check"
    problems = [str(text) for (text,) in connection.execute(f"PRAGMA {pragma}(5)").fetchall() if text != "ok"]
    yield Finding(
        name="integrity",
        detail="; ".join(problems)[:300] or f"{pragma.replace('_', ' ')} finds nothing",
        cure="restore the store from a backup" if problems else None,
    )
    orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
    yield Finding(
        name="references",
        detail=f"{len(orphans)} rows refer to rows that are not there" if orphans else "every reference holds",
        cure="restore the store from a backup" if orphans else None,
    )


def version(library: str, driver: str) -> Finding:
    """Check that this version of SQLite is safe with several writing processes."""
    number = tuple(int(part) for part in library.split("."))
    what = f"SQLite {library} through APSW {driver}"
    if number[:2] == _WITHDRAWN:
        what += ", a release that was withdrawn"
    elif has_reset_bug(number):
        what += ", in which a WAL reset can corrupt a store that several processes write"
    else:
        return Finding(name="sqlite", detail=what)
    return Finding(name="sqlite", detail=what, cure="upgrade apsw: pip install 'apsw>=3.51.3,!=3.52.*'")


def has_reset_bug(number: tuple[int, ...]) -> bool:
    """Return whether this SQLite has the WAL-reset bug: 3.7.0 to 3.51.2, except two branches that were fixed."""
    if not _FIRST_WITH_BUG <= number < _FIRST_SAFE:
        return False
    fixed = _ALSO_SAFE.get((number[0], number[1]))
    return fixed is None or number[2] < fixed


def empty_log(database: Database, wait: float) -> bool:
    """Copy the write-ahead log into the database and truncate it; False when another process still reads from it."""
    before, database.wait = database.wait, wait
    try:
        ((busy, *_),) = database.query("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        database.wait = before
    return not busy
