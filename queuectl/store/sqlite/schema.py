"""Make a new SQLite store, or bring an older one up to date; refuse what is not ours, untouched."""

from __future__ import annotations

import apsw

from queuectl.domain.errors import StoreUnreadable
from queuectl.store.database import APPLICATION_ID, SCHEMA_VERSION
from queuectl.store.migrations import scripts_after, too_new
from queuectl.store.sqlite.mounts import refuse_network_filesystem


def migrate(connection: apsw.Connection, path: str) -> None:
    """Bring `connection` to the newest schema, whoever else tries the same at this moment.

    Raises StoreTooNew for a store of a newer version and StoreUnreadable for one that is not ours.
    """
    refuse_network_filesystem(path)
    _refuse_foreign(connection, path)
    _refuse_what_has_lost_its_log(connection, path)
    # A new store is in the file itself before it has a log: a file that needs one and is without tables has lost it.
    # Several first commands may do this at once.
    connection.execute("PRAGMA synchronous = FULL").fetchall()
    connection.execute("BEGIN IMMEDIATE").fetchall()
    try:
        # Read again under the write lock: somebody may have been faster.
        version = _refuse_foreign(connection, path)
        for script in scripts_after("sqlite", version):
            connection.execute(script).fetchall()
        connection.execute(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}"
        ).fetchall()
        connection.execute("COMMIT").fetchall()
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK").fetchall()
        raise


def _refuse_foreign(connection: apsw.Connection, path: str) -> int:
    """The version of the schema; 0 for an empty file."""
    # In one statement, so that they belong together: somebody else may be making the store at this moment.
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


def _refuse_what_has_lost_its_log(connection: apsw.Connection, path: str) -> None:
    """Refuse a database that has pages and no tables, as a copy without its log has."""
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
    # Opening it has made an empty log, beside which the next look would find nothing missing.
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
    connection.close()
    raise StoreUnreadable(
        f"the store {path} holds nothing: its log is missing ({path}-wal)",
        hint="copy the log too, while nothing uses the store; or make copies with: queuectl backup FILE",
    )
