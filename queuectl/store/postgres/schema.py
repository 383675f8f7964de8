"""Make a new PostgreSQL store, or bring an older one up to date; refuse what is not ours, untouched."""

from __future__ import annotations

from queuectl.domain.errors import StoreUnreadable
from queuectl.store.database import SCHEMA_VERSION, Absent
from queuectl.store.migrations import scripts_after, too_new

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Cursor(Protocol):
        """What runs statements: psycopg's, which only postgres.py knows."""

        def execute(self, query: Any, params: Any = None) -> Any:
            """Run one statement, or several that have no parameters."""


APPLICATION = "queuectl"
_LOCK = 0x51435431
"""`QCT1`: the advisory lock of those who migrate."""


def migrate(cursor: Cursor, address: str, *, make: bool = True) -> None:
    """Bring the schema to version SCHEMA_VERSION, whoever else tries the same at this moment, on whatever host.

    A role that may not make schemas is enough where an administrator has made an empty one of that name for it.
    Raises StoreTooNew, StoreUnreadable for a schema that is not ours, and Absent for none that is not to be made.
    """
    cursor.execute("BEGIN")
    try:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        version = _found(cursor, address, make=make)
        if version is None:
            cursor.execute("CREATE SCHEMA queuectl")
        if not version:
            cursor.execute(
                "CREATE TABLE queuectl.schema (application TEXT NOT NULL, version INTEGER NOT NULL);"
                f"INSERT INTO queuectl.schema VALUES ('{APPLICATION}', 0)"
            )
        for script in scripts_after("postgres", version or 0):
            cursor.execute(script)
        cursor.execute(f"UPDATE queuectl.schema SET version = {SCHEMA_VERSION}")
        cursor.execute("COMMIT")
    except BaseException:
        cursor.execute("ROLLBACK")
        raise


def version_of(cursor: Cursor, address: str) -> int:
    """The version of a schema that has a table of that name. Raises StoreTooNew, StoreUnreadable."""
    columns = cursor.execute(
        "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute"
        " WHERE attrelid = 'queuectl.schema'::regclass AND attnum > 0 AND NOT attisdropped"
    ).fetchone()
    rows = (
        cursor.execute("SELECT application, version FROM queuectl.schema").fetchall()
        if (columns == ("application version",))
        else []
    )
    if len(rows) != 1 or rows[0][0] != APPLICATION:
        raise _foreign(address)
    version = int(rows[0][1])
    if version > SCHEMA_VERSION:
        raise too_new(address, version)
    return version


def _found(cursor: Cursor, address: str, *, make: bool) -> int | None:
    """The version of the schema; 0 for an empty one, None for none. Raises Absent for these unless `make`."""
    there, ours, things = cursor.execute(
        "SELECT to_regnamespace('queuectl') IS NOT NULL, to_regclass('queuectl.schema') IS NOT NULL,"
        " (SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('queuectl'))"
    ).fetchone()
    if ours:
        return version_of(cursor, address)
    if things:
        raise _foreign(address)
    if not make:
        raise Absent
    return 0 if there else None


def _foreign(address: str) -> StoreUnreadable:
    return StoreUnreadable(
        f"{address} holds another program's schema of the name queuectl", hint="name another database with --db"
    )
