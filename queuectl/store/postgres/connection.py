"""A connection to a PostgreSQL server with a limit on silence, and with notifications.

A network that drops packets causes no error. A process that must not wait longer than some seconds (a worker, which
would have to end its job by then) sets `patience`, and the connection is given up after that much silence.
"""

from __future__ import annotations

import time
from contextvars import ContextVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from queuectl.domain.errors import UsageError
from queuectl.store.postgres import url as addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self, TypeVar

    from psycopg.abc import PQGen, PQGenConn

    T = TypeVar("T")

CHANNEL = "queuectl"
"""Notification channel of workers and operators. One for each database, whatever the schema."""
DEFAULTS = {
    "connect_timeout": "10",
    "application_name": "queuectl",
    "client_encoding": "UTF8",
    # A peer that disappears silently is noticed within half a minute, not after two hours.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
_CALL_EVERY = 0.02
"""Seconds between two calls of `on_wait`."""


_while_connecting: ContextVar[Callable[[], None] | None] = ContextVar("_while_connecting", default=None)
"""The `on_wait` of the connection that is being made: psycopg connects before the object exists."""


def conninfo_of(url: str) -> tuple[str, list[str]]:
    """Return libpq's connection string for a URL, and its values that no message may contain. Raises UsageError."""
    addresses.check(url)
    address = addresses.shown(url)
    try:
        parameters = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.Error:
        # The driver's message may contain a part of the password.
        raise UsageError(f"{address} is not the address of a server", hint="postgresql://USER@HOST/DATABASE") from None
    merged = DEFAULTS | parameters | addresses.demanded(parameters, address)
    return make_conninfo(**merged), addresses.secrets(parameters)


class ServerTimeout(psycopg.OperationalError):
    """The server was silent for longer than the caller can wait."""


class Connection(psycopg.Connection[tuple["Any", ...]]):
    """A connection that reports while it waits, and gives up after too much silence."""

    on_wait: Callable[[], None] | None = None
    """Called every few milliseconds while the server is waited for. An exception of it ends the wait."""
    patience: float | None = None
    """Seconds of silence of the server after which it is given up; None: no limit."""

    @classmethod
    def _connect_gen(cls, conninfo: str = "", **more: Any) -> PQGenConn[Self]:
        """Connect like psycopg, calling `on_wait` meanwhile: psycopg's own timeout is at least two seconds per address.

        `more` is what psycopg passes: up to 3.3.5, a timeout. It has no public hook for the wait.
        """
        on_wait = _while_connecting.get()
        steps = super()._connect_gen(conninfo, **more)
        try:
            asked = next(steps)
            while True:
                ready = yield asked
                if not ready and on_wait is not None:
                    on_wait()
                asked = steps.send(ready)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # a generator's return value is untyped

    def wait(self, gen: PQGen[T], interval: float = 0.1, *rest: Any, **more: Any) -> T:
        if self.on_wait is None and self.patience is None:
            return super().wait(gen, interval, *rest, **more)
        return super().wait(self._watched(gen), _CALL_EVERY, *rest, **more)

    def _watched(self, gen: PQGen[T]) -> PQGen[T]:
        answered = time.monotonic()
        try:
            asked = next(gen)
            while True:
                ready = yield asked
                if ready:
                    answered = time.monotonic()
                else:
                    if self.on_wait is not None:
                        self.on_wait()
                    if self.patience is not None and time.monotonic() - answered > self.patience:
                        self.close()
                        raise ServerTimeout(f"no answer for {self.patience:.0f} s")
                asked = gen.send(ready)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # a generator's return value is untyped


def connect(conninfo: str, on_wait: Callable[[], None] | None) -> Connection:
    """Connect, calling `on_wait` every few milliseconds meanwhile. Raises psycopg.Error."""
    before = _while_connecting.set(on_wait)
    try:
        return Connection.connect(conninfo, autocommit=True)
    finally:
        _while_connecting.reset(before)


class Listener:
    """Collector of notifications, over a connection that may be replaced."""

    def __init__(self) -> None:
        """Start without notifications."""
        self._received: list[str] = []

    def listen(self, connection: Connection) -> None:
        """Listen on this connection from now on. Raises psycopg.Error."""
        connection.add_notify_handler(lambda notice: self._received.append(notice.payload))
        connection.execute(f"LISTEN {CHANNEL}")

    def take(self, connection: Connection) -> list[str]:
        """Return the notifications since the last call, without waiting. Raises psycopg.Error."""
        if not connection.closed:
            connection.pgconn.consume_input()
            while (notice := connection.pgconn.notifies()) is not None:
                self._received.append(notice.extra.decode(errors="replace"))
        received, self._received = self._received, []
        return received
