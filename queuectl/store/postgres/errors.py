"""What PostgreSQL's error codes mean to somebody who uses a queue."""

from __future__ import annotations

import re

from queuectl.domain.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreUnreachable, StoreUnreadable
from queuectl.store.database import Duplicate

_BUSY = frozenset({"55P03", "40P01", "40001", "57014"})
"""lock_not_available, deadlock_detected, serialization_failure, query_canceled."""
_GONE = frozenset({"57P01", "57P02", "57P03", "57P05"})
"""admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout."""
_DAMAGED = frozenset({"XX001", "XX002"})
"""data_corrupted, index_corrupted. XX000 is the server's own mistake, which may pass."""
_FOR_NOW = ("too many", "starting up", "shutting down", "recovery")
_FULL = ("too many clients", "too many connections", "remaining connection slots")
_NOT_LET_IN = ("28", "3D")
"""Wrong user or password, no such database."""
_ONLY_READS = "25006"
"""read_only_sql_transaction: no setting makes us read only, so that the server is a standby."""
_NO_SUCH_SERVER = ("session is", "hot standby mode")
"""Of several hosts, or of the only one, none is what `target_session_attrs` asks for."""
_TOOK_TOO_LONG = {"25P04": "transaction_timeout", "57014": "statement_timeout"}
"""A limit that was over before a connection could switch it off."""
_SHARED = frozenset({"26000", "42P05"})
"""A prepared statement that is not there, or is there already: others use the same session."""
_NOT_ALLOWED = "42501"
"""insufficient_privilege."""
_NOT_TRUSTED = ("certificate", "does not support SSL")


_PLACE = re.compile(r"(\(\d+,\d+\)).*\bjobs\b", re.DOTALL)
"""In `while locking tuple (0,1) in relation "jobs"`, in whatever language."""


def place_in(context: str) -> str | None:
    """Where the row of a job lies that could not be locked, in what an error says of its context."""
    found = _PLACE.search(context)
    return found[1] if found else None


def told(state: str | None, text: str, address: str) -> Exception:
    """The error with this code and text in our words; `address` and `text` hold no password."""
    line = " ".join(text.split()) or "it does not say why"
    if state == "23505":
        return Duplicate(line)
    if state in _TOOK_TOO_LONG and "timeout" in text:
        return StoreUnreachable(
            f"the server of {address} takes longer than {_TOOK_TOO_LONG[state]} allows",
            hint=f"ALTER ROLE … SET {_TOOK_TOO_LONG[state]} = 0: queuectl has limits of its own",
        )
    if state in _BUSY:
        return StoreBusy(
            f"the store {address} is locked by another process",
            hint="try again; QUEUECTL_BUSY_TIMEOUT sets how long to wait",
        )
    if state == "53100":
        return StoreFull(f"no space left for the store {address}", hint="free some space: nothing was lost")
    if state == "53300" or (state is None and any(words in text for words in _FULL)):
        return StoreUnreachable(
            f"the server of {address} has no connection left", hint="raise max_connections, or run fewer workers"
        )
    if state == _ONLY_READS or (state is None and any(words in text for words in _NO_SUCH_SERVER)):
        return StoreUnreachable(
            f"the server of {address} only reads: {line.rpartition(' failed: ')[2]}",
            hint="name the primary, or all servers and target_session_attrs=primary",
        )
    if state in _SHARED:
        # Loaded here: hardly anybody has a pooler.
        from queuectl.store.postgres.pooler import shared

        return shared(address)
    if state == _NOT_ALLOWED:
        return StoreUnreadable(
            f"this role may not do that in the store {address}: {line}",
            hint="connect as a role that may: docs/postgresql/roles.sql says which may do what",
        )
    if state is None and "FATAL: " in text and not any(words in text for words in _FOR_NOW):
        # While a connection is made, the driver tells no code.
        return _kept_out(line.rpartition("FATAL: ")[2].strip(), address)
    if state is None and any(words in text for words in _NOT_TRUSTED):
        return StoreUnreadable(
            f"the server of {address} has not shown that it is the one: {_reason(line)}",
            hint="sslrootcert=FILE in the URL names who signs its certificate, which must be of the URL's host",
        )
    if state is None or state in _GONE or state.startswith("08"):
        # libpq's own advice is said by the hint.
        line = line.removeprefix("connection is bad: ").partition(" Is the server running")[0]
        return StoreUnreachable(
            f"the server of {address} does not answer: {line}", hint="is it running, and may this host reach it?"
        )
    if state.startswith(_NOT_LET_IN):
        return _kept_out(line, address)
    if state in _DAMAGED:
        return StoreDamaged(f"the store {address} is damaged: {line}", hint="restore it from a backup")
    if state.startswith("XX"):
        return StoreUnreadable(f"the server of {address} has failed: {line}", hint="see the server's log")
    return StoreError(f"the store {address} failed: {line}")


def not_the_owner(text: str, address: str, *, older: bool) -> StoreUnreadable:
    """The error for a store that this role would have to make, or to bring up to date, and may not."""
    what = "is of an older version" if older else "is not there yet"
    return StoreUnreadable(
        f"the store {address} {what}, and this role may not change that: {' '.join(text.split())}",
        hint="run a command as its owner first: queuectl --db URL status",
    )


def _reason(line: str) -> str:
    """What was wrong, of a line that also names the host, its address and its port, and then gives bad advice."""
    return line.rpartition(" failed: ")[2].partition(" Either provide the file")[0]


def _kept_out(line: str, address: str) -> StoreUnreadable:
    return StoreUnreadable(
        f"the store {address} cannot be used: {line}",
        hint="check user, database and privileges; a password belongs in ~/.pgpass",
    )
