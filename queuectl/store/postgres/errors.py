"""Translation of PostgreSQL's errors to store errors."""

from __future__ import annotations

import re

from queuectl.domain.errors import StoreBusy, StoreDamaged, StoreError, StoreFull, StoreUnreachable, StoreUnreadable
from queuectl.domain.record import record
from queuectl.store.database import Duplicate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_DUPLICATE = "23505"
"""unique_violation."""
_BUSY = frozenset({"55P03", "40P01", "40001", "57014"})
"""lock_not_available, deadlock_detected, serialization_failure, query_canceled."""
_DISK_FULL = "53100"
_TOO_MANY_CONNECTIONS = "53300"
_DISCONNECTED = frozenset({"57P01", "57P02", "57P03", "57P05"})
"""admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout."""
_DAMAGED = frozenset({"XX001", "XX002"})
"""data_corrupted, index_corrupted. XX000 is an internal error of the server, which may pass."""
_TEMPORARY = ("too many", "starting up", "shutting down", "recovery")
_NO_CONNECTION_LEFT = ("too many clients", "too many connections", "remaining connection slots")
_LOGIN_REFUSED = ("28", "3D")
"""Classes of codes: wrong user or password, no such database."""
_READ_ONLY = "25006"
"""read_only_sql_transaction: every session sets `default_transaction_read_only` to off, so the server is a standby."""
_NO_MATCHING_SERVER = ("session is", "hot standby mode")
"""None of the hosts is in the state that `target_session_attrs` demands."""
_TIME_LIMITS = {"25P04": "transaction_timeout", "57014": "statement_timeout"}
"""Time limits that struck before the session could switch them off."""
_POOLED = frozenset({"26000", "42P05"})
"""A prepared statement is unknown, or exists already: other clients use the same session."""
_NOT_PERMITTED = "42501"
"""insufficient_privilege."""
_NOT_VERIFIED = ("certificate", "does not support SSL")


_PLACE = re.compile(r"(\(\d+,\d+\)).*\bjobs\b", re.DOTALL)
"""Matches `while locking tuple (0,1) in relation "jobs"` in any language."""


def place_in(context: str) -> str | None:
    """Return the position of the job's row that could not be locked, from the context of an error."""
    match = _PLACE.search(context)
    return match[1] if match else None


@record
class _Failure:
    """An error of the server or the driver."""

    state: str | None
    """SQLSTATE; the driver reports none while it connects."""
    text: str
    line: str
    """The text in one line."""
    address: str


def to_store_error(state: str | None, text: str, address: str) -> Exception:
    """Return the store error for an SQLSTATE and a message; `text` and `address` contain no password."""
    failure = _Failure(state=state, text=text, line=" ".join(text.split()) or "no reason given", address=address)
    return next(convert(failure) for applies, convert in _RULES if applies(failure))


def _has(*states: str) -> Callable[[_Failure], bool]:
    return lambda failure: failure.state in states


def _mentions(words: tuple[str, ...], *states: str) -> Callable[[_Failure], bool]:
    """Match an error with one of these codes, or without a code but with one of these words."""
    return lambda failure: (
        failure.state in states or (failure.state is None and any(word in failure.text for word in words))
    )


def _exceeds_time_limit(failure: _Failure) -> bool:
    return failure.state in _TIME_LIMITS and "timeout" in failure.text


def _time_limit(failure: _Failure) -> Exception:
    limit = _TIME_LIMITS[failure.state or ""]
    return StoreUnreachable(
        f"the server of {failure.address} takes longer than {limit} allows",
        hint=f"ALTER ROLE … SET {limit} = 0: queuectl has limits of its own",
    )


def _busy(failure: _Failure) -> Exception:
    return StoreBusy(
        f"the store {failure.address} is locked by another process",
        hint="try again; QUEUECTL_BUSY_TIMEOUT sets how long to wait",
    )


def _disk_full(failure: _Failure) -> Exception:
    return StoreFull(f"no space left for the store {failure.address}", hint="free some space: nothing was lost")


def _no_connection_left(failure: _Failure) -> Exception:
    return StoreUnreachable(
        f"the server of {failure.address} has no connection left", hint="raise max_connections, or run fewer workers"
    )


def _read_only(failure: _Failure) -> Exception:
    return StoreUnreachable(
        f"the server of {failure.address} is read-only: {failure.line.rpartition(' failed: ')[2]}",
        hint="in the URL name the primary, or all servers with target_session_attrs=primary",
    )


def _pooled(failure: _Failure) -> Exception:
    # Imported here: poolers are rare.
    from queuectl.store.postgres.pooler import shared

    return shared(failure.address)


def _not_permitted(failure: _Failure) -> Exception:
    return StoreUnreadable(
        f"this role lacks a privilege in the store {failure.address}: {failure.line}",
        hint="connect as a role that has it: docs/postgresql/roles.sql lists roles and privileges",
    )


def _is_refused_while_connecting(failure: _Failure) -> bool:
    return (
        failure.state is None and "FATAL: " in failure.text and not any(words in failure.text for words in _TEMPORARY)
    )


def _refused_while_connecting(failure: _Failure) -> Exception:
    return _login_refused(failure.line.rpartition("FATAL: ")[2].strip(), failure.address)


def _not_verified(failure: _Failure) -> Exception:
    # The line also contains the host, its address and its port, and ends with misleading advice.
    reason = failure.line.rpartition(" failed: ")[2].partition(" Either provide the file")[0]
    return StoreUnreadable(
        f"the server of {failure.address} could not be verified: {reason}",
        hint="name the certificate authority with sslrootcert=FILE in the URL, and the host as in the certificate",
    )


def _is_disconnected(failure: _Failure) -> bool:
    return failure.state is None or failure.state in _DISCONNECTED or failure.state.startswith("08")


def _disconnected(failure: _Failure) -> Exception:
    # The hint replaces libpq's advice.
    line = failure.line.removeprefix("connection is bad: ").partition(" Is the server running")[0]
    return StoreUnreachable(
        f"the server of {failure.address} does not answer: {line}",
        hint="check that the server is running and that this host may connect to it",
    )


def _damaged(failure: _Failure) -> Exception:
    return StoreDamaged(f"the store {failure.address} is damaged: {failure.line}", hint="restore it from a backup")


def _internal_error(failure: _Failure) -> Exception:
    return StoreUnreadable(f"the server of {failure.address} has failed: {failure.line}", hint="see the server's log")


_RULES: tuple[tuple[Callable[[_Failure], bool], Callable[[_Failure], Exception]], ...] = (
    (_has(_DUPLICATE), lambda failure: Duplicate(failure.line)),
    (_exceeds_time_limit, _time_limit),
    (_has(*_BUSY), _busy),
    (_has(_DISK_FULL), _disk_full),
    (_mentions(_NO_CONNECTION_LEFT, _TOO_MANY_CONNECTIONS), _no_connection_left),
    (_mentions(_NO_MATCHING_SERVER, _READ_ONLY), _read_only),
    (_has(*_POOLED), _pooled),
    (_has(_NOT_PERMITTED), _not_permitted),
    (_is_refused_while_connecting, _refused_while_connecting),
    (_mentions(_NOT_VERIFIED), _not_verified),
    (_is_disconnected, _disconnected),
    (
        lambda failure: (failure.state or "").startswith(_LOGIN_REFUSED),
        lambda failure: _login_refused(failure.line, failure.address),
    ),
    (_has(*_DAMAGED), _damaged),
    (lambda failure: (failure.state or "").startswith("XX"), _internal_error),
    (lambda _: True, lambda failure: StoreError(f"the store {failure.address} failed: {failure.line}")),
)
"""Condition and conversion; the first condition that applies decides, so their order matters."""


def not_the_owner(text: str, address: str, *, older: bool) -> StoreUnreadable:
    """Return the error for a store that this role must not create, or upgrade."""
    reason = " ".join(text.split())
    if older:
        return StoreUnreadable(
            f"the store {address} is of an older version, and this role may not upgrade it: {reason}",
            hint="upgrade it as the role that owns it: queuectl --db URL status",
        )
    return StoreUnreadable(
        f"the store {address} does not exist, and this role may not create it: {reason}",
        hint="create it as a role that may: queuectl --db URL worker start --drain",
    )


def _login_refused(line: str, address: str) -> StoreUnreadable:
    return StoreUnreadable(
        f"the store {address} cannot be used: {line}",
        hint="check user, database and privileges; a password belongs in ~/.pgpass",
    )
