"""What each connection to a PostgreSQL server sets for itself, whatever its role, database or server has set."""

from __future__ import annotations

_LONGEST_IDLE = 10.0
"""Seconds that a transaction may stand still, at the least: a busy machine delays no statement for as long."""
_MEANING = {
    "search_path": "queuectl",
    "client_encoding": "UTF8",
    # Our statements hold backslashes, and write them once.
    "standard_conforming_strings": "on",
    # READ COMMITTED, with row locks: what SERIALIZABLE refuses would have to be tried again.
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "synchronous_commit": "on",
    # A duplicate id is an error that a transaction goes on after.
    "exit_on_error": "off",
}
_TIME = {
    # `lock_timeout` and our own patience bound each wait. A limit for other programs would end a claim, or a migration.
    "statement_timeout": "0",
    "idle_session_timeout": "0",
    # A host that is gone without a word keeps neither locks nor a place among the connections.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
_SINCE_17 = {"transaction_timeout": "0"}
_PLANS = {
    # Statements are short and come thousands of times: compiling them takes longer than running them.
    "jit": "off",
    # Whatever the statistics say, and however small a table was when a plan was made (postgres/queries.sql).
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
"""Set what `bounds` says."""


def bounds(wait: float, patience: float | None) -> dict[str, str]:
    """The values of what depends on how long a process waits, in seconds: for a lock, and for any word at all."""
    if patience is None:
        # Reads with filters are planned for their values, as a rare state is found in another way than a common one.
        return {"wait": _milliseconds(wait), "idle": "0", "plans": "auto"}
    # What has no time to lose must not be kept by a transaction that it has left behind itself, either.
    return {
        "wait": _milliseconds(min(wait, patience * 0.8)),
        "idle": _milliseconds(max(patience, _LONGEST_IDLE)),
        # A worker's statements have one plan, which is not made anew for each job.
        "plans": "force_generic_plan",
    }


def _milliseconds(seconds: float) -> str:
    return f"{max(1, int(seconds * 1000))}ms"


def statement(version: int) -> str:
    """The statement that sets everything, for a server of this version, as libpq counts it.

    No row, and nothing is set, where another process of the server answers than `pid`, with which the connection was
    made: there is a pooler, whose other clients would inherit it. The row ends with whether triggers fire (`origin`),
    and whether there is a store.
    """
    settings = _MEANING | _TIME | _PLANS | (_SINCE_17 if version >= 170_000 else {})
    given = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())
    return (
        f"SELECT {given}, {_BOUNDS}, current_setting('session_replication_role'),"
        " to_regclass('queuectl.schema') IS NOT NULL WHERE pg_backend_pid() = %(pid)s"
    )
