"""What SQLite can say about its file and itself."""

from __future__ import annotations

import apsw

from queuectl.domain.finding import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST_SAFE = (3, 51, 3)
_WITHDRAWN = (3, 52)


def findings(connection: apsw.Connection, *, thorough: bool) -> Iterator[Finding]:
    """Look at the version, the journal and the file's structure. `thorough` reads every index too."""
    yield version(apsw.sqlite_lib_version())
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


def version(library: str) -> Finding:
    """Whether this SQLite may write with several processes: up to 3.51.2 a WAL reset could corrupt the file."""
    number = tuple(int(part) for part in library.split("."))
    safe = number >= _FIRST_SAFE and number[:2] != _WITHDRAWN
    return Finding(
        name="sqlite",
        detail=f"SQLite {library}" if safe else f"SQLite {library} can corrupt a store that several processes write",
        cure=None if safe else "upgrade apsw: pip install 'apsw>=3.51.3,!=3.52.*'",
    )
