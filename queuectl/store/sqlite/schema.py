"""Creation and migration of SQLite stores. A database of another program is refused, untouched."""

from __future__ import annotations

import apsw

from queuectl.domain.errors import StoreUnreadable
from queuectl.store.database import APPLICATION_ID, SCHEMA_VERSION
from queuectl.store.migrations import scripts_after, too_new
from queuectl.store.sqlite.mounts import refuse_network_filesystem


def migrate(connection: apsw.Connection, path: str) -> None:
    """Bring `connection` to the newest schema. Safe if several processes do so at the same time.

    Raises StoreTooNew for a store of a newer version and StoreUnreadable for another program's database.
    """
    refuse_network_filesystem(path)
    _refuse_foreign(connection, path)
    _refuse_missing_log(connection, path)
    # A new store is written to the file itself before it has a log: so a file in WAL mode without tables has lost its
    # log. Several first commands may do this at the same time.
    connection.execute("PRAGMA synchronous = FULL").fetchall()
    connection.execute("BEGIN IMMEDIATE").fetchall()
    try:
        # Read again under the write lock: another process may have been faster.
        version = _refuse_foreign(connection, path)
        for script in scripts_after("sqlite", version):
            connection.execute(script).fetchall()
        connection.execute(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}"
        ).fetchall()
        connection.execute("COMMIT").fetchall()
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK").fetchall()
        raise


def _refuse_foreign(connection: apsw.Connection, path: str) -> int:
    """Return the version of the schema; 0 for an empty file. Raises StoreUnreadable, StoreTooNew."""
    # One statement, for one consistent state: another process may be creating the store right now.
    application, version, tables = connection.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
        " FROM pragma_application_id, pragma_user_version"
    ).get
    if application == APPLICATION_ID:
        if version > SCHEMA_VERSION:
            raise too_new(path, version)
        return int(version)
    if application or version or tables:
        raise StoreUnreadable(
            f"{path} is another program's database, not a queuectl store",
            hint="name another file with --db or QUEUECTL_DB",
        )
    return 0


def _refuse_missing_log(connection: apsw.Connection, path: str) -> None:
    """Refuse a database with pages but without tables: a copy made without its log."""
    pages, tables, mode = connection.execute(
        "SELECT page_count, (SELECT count(*) FROM sqlite_schema), journal_mode"
        " FROM pragma_page_count, pragma_journal_mode"
    ).get
    if tables or not pages:
        return
    if mode != "wal":
        raise StoreUnreadable(
            f"{path} is an empty database, not a queuectl store", hint="name another file with --db or QUEUECTL_DB"
        )
    # Opening it has created an empty log, which would hide the loss from the next command.
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
    connection.close()
    raise StoreUnreadable(
        f"the store {path} holds nothing: its log is missing ({path}-wal)",
        hint="copy the log too, while nothing uses the store; or make copies with: queuectl backup FILE",
    )
