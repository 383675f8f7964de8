"""A connection to a PostgreSQL server that does not wait for ever, and hears what others call out.

A network that swallows packets gives no error. So whoever must not wait longer than so many seconds (a worker whose job
it would have to end by then) says so, and the connection is given up when the server has been silent for as long.
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
"""What workers and operators call each other on. Of one database, whatever the schema."""
DEFAULTS = {
    "connect_timeout": "10",
    "application_name": "queuectl",
    "client_encoding": "UTF8",
    # A peer that is gone without a word is noticed within half a minute, not after two hours.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
_TOLD_EVERY = 0.02


_while_connecting: ContextVar[Callable[[], None] | None] = ContextVar("_while_connecting", default=None)
"""The `on_wait` of the connection that is being made: psycopg makes it before there is an object to ask."""


def conninfo_of(url: str) -> tuple[str, list[str]]:
    """What libpq is given for a URL, and the values in it that no message may repeat. Raises UsageError."""
    addresses.check(url)
    address = addresses.shown(url)
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.Error:
        # Its own words may hold a part of the password.
        raise UsageError(f"{address} is not the address of a server", hint="postgresql://USER@HOST/DATABASE") from None
    return make_conninfo(**DEFAULTS | given | addresses.demanded(given, address)), addresses.secrets(given)


class ServerTimeout(psycopg.OperationalError):
    """The server has not said a word for as long as somebody could wait."""


class Connection(psycopg.Connection[tuple["Any", ...]]):
    """A connection that can tell somebody that it waits, and waits no longer than it may."""

    on_wait: Callable[[], None] | None = None
    """Called again and again while the server is waited for. What it raises ends the wait."""
    patience: float | None = None
    """Seconds without a word of the server after which it is given up; None: as long as it takes."""

    @classmethod
    def _connect_gen(cls, conninfo: str = "", **more: Any) -> PQGenConn[Self]:
        """As psycopg's, with calls while it waits: its own timeout is two seconds at least, for each address anew.

        `more` is what psycopg passes: until 3.3.5 that was a timeout. It offers no public way to wait as we do.
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
            return end.value  # type: ignore[no-any-return]  # a generator says nothing of its end's type

    def wait(self, gen: PQGen[T], interval: float = 0.1, *rest: Any, **more: Any) -> T:
        if self.on_wait is None and self.patience is None:
            return super().wait(gen, interval, *rest, **more)
        return super().wait(self._watched(gen), _TOLD_EVERY, *rest, **more)

    def _watched(self, gen: PQGen[T]) -> PQGen[T]:
        heard = time.monotonic()
        try:
            asked = next(gen)
            while True:
                ready = yield asked
                if ready:
                    heard = time.monotonic()
                else:
                    if self.on_wait is not None:
                        self.on_wait()
                    if self.patience is not None and time.monotonic() - heard > self.patience:
                        self.close()
                        raise ServerTimeout(f"no answer for {self.patience:.0f} s")
                asked = gen.send(ready)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # a generator says nothing of its end's type


def connect(conninfo: str, on_wait: Callable[[], None] | None) -> Connection:
    """Connect, and call `on_wait` again and again meanwhile. Raises psycopg.Error."""
    before = _while_connecting.set(on_wait)
    try:
        return Connection.connect(conninfo, autocommit=True)
    finally:
        _while_connecting.reset(before)


class Listener:
    """Hears what is called out on our channel, over a connection that may be replaced."""

    def __init__(self) -> None:
        """Nothing is heard yet."""
        self._heard: list[str] = []

    def listen(self, connection: Connection) -> None:
        """Listen on this connection from now on. Raises psycopg.Error."""
        connection.add_notify_handler(lambda notice: self._heard.append(notice.payload))
        connection.execute(f"LISTEN {CHANNEL}")

    def take(self, connection: Connection) -> list[str]:
        """What was called since the last time, without waiting. Raises psycopg.Error."""
        if not connection.closed:
            connection.pgconn.consume_input()
            while (notice := connection.pgconn.notifies()) is not None:
                self._heard.append(notice.extra.decode(errors="replace"))
        heard, self._heard = self._heard, []
        return heard
