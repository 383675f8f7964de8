"""Detection of a connection pooler in front of a PostgreSQL server that does not keep one session for each client.

A pooler in transaction mode may run each transaction on a different connection to the server: settings, prepared
statements and LISTEN stay behind on another one. Two queries with a second client in between reveal this.
"""

from __future__ import annotations

import psycopg

from queuectl.domain.errors import StoreUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.store.postgres.connection import Connection

_ROUNDS = 3
"""Rounds of the check: other clients may be served between two queries, so that one round proves nothing."""
_PATIENCE = 5.0


def session_of(connection: Connection, another: Callable[[], Connection], address: str) -> int:
    """Return the pid of the server process that serves `connection`, if it stays the same.

    `another` opens a second connection of the same kind. Raises StoreUnreadable, psycopg.Error.
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
    """Return whether `connection` keeps its process during another client's transaction; None if the pool is full."""
    try:
        other = another()
    except psycopg.Error:
        return None
    try:
        other.patience = _PATIENCE
        other.execute("BEGIN")
        theirs = _pid(other)
    except psycopg.Error as error:
        # Statement mode rejects transactions with this message.
        return False if "pooling mode" in str(error) else None
    else:
        try:
            return theirs != first and _pid(connection) == first
        except psycopg.OperationalError:
            # The other client has taken over the pooler's only connection to the server.
            return False
    finally:
        other.close()


def _pid(connection: Connection) -> int:
    ((pid,),) = connection.execute("SELECT pg_backend_pid()").fetchall()
    return int(pid)


def shared(address: str) -> StoreUnreadable:
    """Return the error for a pooler that does not keep one session for each client."""
    return StoreUnreadable(
        f"{address} leads to a connection pooler in transaction or statement mode, which keeps no session",
        hint="connect to the server itself, or set pool_mode = session in the pooler",
    )
