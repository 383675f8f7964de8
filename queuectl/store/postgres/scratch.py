"""Temporary databases for self-tests: created on the server of a store, and dropped afterwards."""

from __future__ import annotations

from queuectl.domain.errors import StoreUnreadable
from queuectl.store.postgres import url as addresses
from queuectl.store.postgres.database import PostgresDatabase
from queuectl.store.postgres.errors import to_store_error

# After the module above, which reports a missing driver in one line.
import psycopg  # isort: skip

from queuectl.store.postgres.connection import Connection, conninfo_of  # isort: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database


def make(url: str, name: str) -> str:
    """Create the database `name` on the server of `url`; return its URL. Raises StoreError, UsageError."""
    # template0 has no connections; the locale C fits every encoding and server.
    statement = f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    try:
        _execute(url, statement)
    except psycopg.errors.InsufficientPrivilege:
        raise StoreUnreadable(
            f"this role may not make a database for the test beside {addresses.shown(url)}",
            hint="connect as a role that may, or let it: ALTER ROLE name CREATEDB",
        ) from None
    except psycopg.Error as error:
        raise _to_store_error(error, url) from None
    return addresses.beside(url, name)


def drop(url: str, name: str) -> None:
    """Drop the database `name` on the server of `url`, closing its connections. Raises StoreError."""
    try:
        _execute(url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    except psycopg.Error as error:
        raise _to_store_error(error, url) from None


def clients(database: Database) -> int | None:
    """Return the number of connections to a store's database, this one included; None for a file. Raises StoreError."""
    if not isinstance(database, PostgresDatabase):
        return None
    ((open_,),) = database.rows("clients")
    return int(open_)


def _execute(url: str, statement: str) -> None:
    conninfo, _ = conninfo_of(url)
    with Connection.connect(conninfo, autocommit=True) as connection:
        connection.execute(statement.encode())


def _to_store_error(error: psycopg.Error, url: str) -> Exception:
    text = error.diag.message_primary or str(error)
    for secret in conninfo_of(url)[1]:
        text = text.replace(secret, "***")
    return to_store_error(error.sqlstate, text, addresses.shown(url))
