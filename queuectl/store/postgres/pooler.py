"""Whether a connection pooler in front of a PostgreSQL server keeps one session for one client.

A pooler in transaction mode gives each transaction any of its connections to the server: settings, prepared statements
and what was listened to stay with another one. It is recognised by asking twice, with a second client beside us.
"""

from __future__ import annotations

import psycopg

from queuectl.domain.errors import StoreUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.store.postgres.connection import Connection

_ROUNDS = 3
"""Other clients may be served between two of our questions: then one round proves nothing."""
_PATIENCE = 5.0


def session_of(connection: Connection, another: Callable[[], Connection], address: str) -> int:
    """The process of the server that serves `connection`, and goes on to. Raises StoreUnreadable, psycopg.Error.

    `another` opens a connection of the same kind.
    """
    patience, connection.patience = connection.patience, _PATIENCE
    try:
        first = _pid(connection)
        for _ in range(_ROUNDS):
            kept = _is_kept(connection, first, another)
            if kept is None:
                break
            if not kept:
                raise shared(address)
        return first
    finally:
        connection.patience = patience


def _is_kept(connection: Connection, first: int, another: Callable[[], Connection]) -> bool | None:
    """Whether `connection` keeps its process while another client is in a transaction; None where the pool is full."""
    try:
        other = another()
    except psycopg.Error:
        return None
    try:
        other.patience = _PATIENCE
        other.execute("BEGIN")
        theirs = _pid(other)
    except psycopg.Error as error:
        # Statement mode has no transactions, and says so.
        return False if "pooling mode" in str(error) else None
    else:
        try:
            return theirs != first and _pid(connection) == first
        except psycopg.OperationalError:
            # The other client has the only connection to the server, which was ours.
            return False
    finally:
        other.close()


def _pid(connection: Connection) -> int:
    ((pid,),) = connection.execute("SELECT pg_backend_pid()").fetchall()
    return int(pid)


def shared(address: str) -> StoreUnreadable:
    """The error for a pooler that does not keep one session for one client."""
    return StoreUnreadable(
        f"{address} leads to a connection pooler in transaction or statement mode, which keeps no session",
        hint="connect to the server itself, or set pool_mode = session in the pooler",
    )
