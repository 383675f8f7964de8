"""Settings of each session on a PostgreSQL server, which override those of the role, the database and the server."""

from __future__ import annotations

from queuectl.store.database import SCHEMA_VERSION

_LONGEST_IDLE = 10.0
"""Seconds that a transaction may at least be idle; even on a busy machine no statement is delayed that long."""
_MEANING = {
    "search_path": "queuectl",
    "client_encoding": "UTF8",
    # Statements contain backslashes, written once.
    "standard_conforming_strings": "on",
    # READ COMMITTED with row locks: SERIALIZABLE would require retries of refused transactions.
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "synchronous_commit": "on",
    # After a duplicate id, the transaction continues.
    "exit_on_error": "off",
    # Sessions without it are of versions that know no pauses and limits: a trigger keeps them from claiming.
    "queuectl.schema": str(SCHEMA_VERSION),
}
_TIME = {
    # `lock_timeout` and `patience` bound each wait. Limits meant for other programs would end a claim or a migration.
    "statement_timeout": "0",
    "idle_session_timeout": "0",
    # A host that disappears silently must keep neither locks nor a connection.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
_SINCE_17 = {"transaction_timeout": "0"}
_PLANS = {
    # Statements are short and frequent: compiling them takes longer than running them.
    "jit": "off",
    # Plans must not depend on statistics, nor on a table's size at planning time (postgres/queries.sql).
    "max_parallel_workers_per_gather": "0",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    "enable_incremental_sort": "off",
    "enable_mergejoin": "off",
    "enable_memoize": "off",
    "enable_indexscan": "on",
    "enable_indexonlyscan": "on",
    "enable_nestloop": "on",
    "enable_hashjoin": "on",
    "enable_hashagg": "on",
}


_BOUNDS = (
    "set_config('lock_timeout', %(wait)s, false), "
    "set_config('idle_in_transaction_session_timeout', %(idle)s, false), "
    "set_config('plan_cache_mode', %(plans)s, false)"
)
ADJUST = f"SELECT {_BOUNDS}"
"""Statement that sets the values of `bounds` alone."""


def bounds(wait: float, patience: float | None) -> dict[str, str]:
    """Return the settings that depend on how long, in seconds, a process waits for a lock and for any answer."""
    if patience is None:
        # Reads with filters are planned for their values: a rare state needs another plan than a common one.
        return {"wait": _milliseconds(wait), "idle": "0", "plans": "auto"}
    # A process with a time limit must not be blocked by a transaction that it has abandoned itself.
    return {
        "wait": _milliseconds(min(wait, patience * 0.8)),
        "idle": _milliseconds(max(patience, _LONGEST_IDLE)),
        # A worker's statements keep one generic plan, which is not made again for each job.
        "plans": "force_generic_plan",
    }


def _milliseconds(seconds: float) -> str:
    return f"{max(1, int(seconds * 1000))}ms"


def statement(version: int) -> str:
    """Return the statement that sets everything, for a server of this version, as libpq counts it.

    It sets nothing and returns no row if the server process is not `pid`, with which the connection was made: then
    there is a pooler, whose other clients would inherit the settings. The row ends with how triggers fire (`origin`:
    they do), and whether there is a store.
    """
    settings = _MEANING | _TIME | _PLANS | (_SINCE_17 if version >= 170_000 else {})
    assignments = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())
    return (
        f"SELECT {assignments}, {_BOUNDS}, current_setting('session_replication_role'),"
        " to_regclass('queuectl.schema') IS NOT NULL WHERE pg_backend_pid() = %(pid)s"
    )
