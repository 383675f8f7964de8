"""Health checks of a PostgreSQL server and the store's tables."""

from __future__ import annotations

from queuectl.domain.finding import Finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.store.database import Database

_FULL = 0.9
_UNFOLDED = 100_000


def findings(database: Database, *, oldest: int, thorough: bool) -> Iterator[Finding]:
    """Check version, connections, size, durability, vacuum and counters; `thorough` checks every index too."""
    ((version, number, most, open_, size, fsync, whole_pages, vacuum),) = database.rows("health")
    old = int(number) < oldest * 10_000
    yield Finding(
        name="server", detail=f"PostgreSQL {version}", cure=f"upgrade the server to {oldest} or newer" if old else None
    )
    crowded = open_ > int(most) * _FULL
    yield Finding(
        name="connections",
        detail=f"{open_} of {most} connections are in use",
        cure="raise max_connections, or run fewer workers" if crowded else None,
    )
    yield Finding(name="size", detail=f"{size / 1_048_576:.1f} MiB in tables and indexes")
    unsafe = [name for name, value in (("fsync", fsync), ("full_page_writes", whole_pages)) if value != "on"]
    yield Finding(
        name="durability",
        detail=f"{' and '.join(unsafe)} off: a crash of the server's machine can lose jobs"
        if unsafe
        else "a commit survives a crash",
        cure=f"set {' and '.join(unsafe)} to on in postgresql.conf" if unsafe else None,
    )
    wasted = database.rows("waste")
    names = ", ".join(f"{table} ({dead} dead rows)" for table, _, dead in wasted)
    yield Finding(
        name="vacuum",
        detail=names or ("autovacuum keeps up" if vacuum == "on" else "autovacuum is off"),
        cure=f"VACUUM ANALYZE queuectl.{wasted[0][0]}"
        if wasted
        else None
        if vacuum == "on"
        else "set autovacuum to on in postgresql.conf: claims slow down without it",
    )
    ((pending,),) = database.rows("unfolded", limit=_UNFOLDED)
    yield Finding(
        name="counting",
        detail=f"{pending}{' or more' if pending >= _UNFOLDED else ''} changes to be added to the counters",
        cure="run a worker, which adds them up" if pending >= _UNFOLDED else None,
    )
    if thorough:
        broken = [str(index) for (index,) in database.rows("invalid_indexes")]
        yield Finding(
            name="indexes",
            detail=f"not usable: {', '.join(broken)}" if broken else "every index can be used",
            cure="; ".join(f"REINDEX INDEX {index}" for index in broken) or None,
        )
