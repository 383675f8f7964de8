"""A database on a server for a test: made beside that of a store, and dropped after it."""

from __future__ import annotations

from queuectl.domain.errors import StoreUnreadable
from queuectl.store.postgres import url as addresses
from queuectl.store.postgres.database import PostgresDatabase
from queuectl.store.postgres.errors import told

# After the module above, which says so in one line where the driver is missing.
import psycopg  # isort: skip

from queuectl.store.postgres.connection import Connection, conninfo_of  # isort: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.database import Database


def make(url: str, name: str) -> str:
    """Make the database `name` beside that of `url`; its URL. Raises StoreError, UsageError."""
    # From the template without connections, with the one locale that fits every encoding and server.
    statement = f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    try:
        _execute(url, statement)
    except psycopg.errors.InsufficientPrivilege:
        raise StoreUnreadable(
            f"this role may not make a database for the test beside {addresses.shown(url)}",
            hint="connect as a role that may, or let it: ALTER ROLE name CREATEDB",
        ) from None
    except psycopg.Error as error:
        raise _told(error, url) from None
    return addresses.beside(url, name)


def drop(url: str, name: str) -> None:
    """Drop the database `name` beside that of `url`, also from under its connections. Raises StoreError."""
    try:
        _execute(url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    except psycopg.Error as error:
        raise _told(error, url) from None


def clients(database: Database) -> int | None:
    """How many connections the database of a store has, this one included; None for a file. Raises StoreError."""
    if not isinstance(database, PostgresDatabase):
        return None
    ((open_,),) = database.rows("clients")
    return int(open_)


def _execute(url: str, statement: str) -> None:
    conninfo, _ = conninfo_of(url)
    with Connection.connect(conninfo, autocommit=True) as connection:
        connection.execute(statement.encode())


def _told(error: psycopg.Error, url: str) -> Exception:
    text = error.diag.message_primary or str(error)
    for secret in conninfo_of(url)[1]:
        text = text.replace(secret, "***")
    return told(error.sqlstate, text, addresses.shown(url))
