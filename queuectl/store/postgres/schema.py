"""Creation and migration of PostgreSQL stores. A schema of another program is refused, untouched."""

from __future__ import annotations

from queuectl.domain.errors import StoreUnreadable
from queuectl.store.database import SCHEMA_VERSION, Absent
from queuectl.store.migrations import scripts_after, too_new

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Cursor(Protocol):
        """The cursor of psycopg, which this module does not import."""

        def execute(self, query: Any, params: Any = None) -> Any:
            """Run one statement, or several without parameters."""


APPLICATION = "queuectl"
_LOCK = 0x51435431
"""`QCT1`: the advisory lock for migrations."""


def migrate(cursor: Cursor, address: str, *, make: bool = True) -> None:
    """Bring the schema to version SCHEMA_VERSION. Safe if several processes or hosts do so at the same time.

    A role that may not create schemas can use an empty one that an administrator has created under that name.
    Raises StoreTooNew, StoreUnreadable for another program's schema, and Absent for a missing one unless `make`.
    """
    cursor.execute("BEGIN")
    try:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        version = _current_version(cursor, address, make=make)
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
    """Return the version of a store with a table `schema`. Raises StoreTooNew, StoreUnreadable."""
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


def _current_version(cursor: Cursor, address: str, *, make: bool) -> int | None:
    """Return the version of the schema; 0 for an empty one, None for none. Raises Absent for these unless `make`."""
    has_schema, is_store, relations = cursor.execute(
        "SELECT to_regnamespace('queuectl') IS NOT NULL, to_regclass('queuectl.schema') IS NOT NULL,"
        " (SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('queuectl'))"
    ).fetchone()
    if is_store:
        return version_of(cursor, address)
    if relations:
        raise _foreign(address)
    if not make:
        raise Absent
    return 0 if has_schema else None


def _foreign(address: str) -> StoreUnreadable:
    return StoreUnreadable(
        f"{address} holds another program's schema of the name queuectl", hint="name another database with --db"
    )
