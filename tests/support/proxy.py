"""A proxy to a PostgreSQL server on a Unix socket: tests can cut it, block it, or drop an answer."""

from __future__ import annotations

import re
import select
import shutil
import socket
import tempfile
import threading
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_NAME = ".s.PGSQL.5432"
_COMMITTED = b"COMMIT\x00"
"""The tag of CommandComplete that ends a transaction."""


class Proxy:
    """Forwards between a host and its server. Everything passes until a test changes that."""

    def __init__(self, url: str) -> None:
        found = re.search(r"host=([^&]+)", url)
        assert found is not None
        self._server = f"{found[1]}/{_NAME}"
        self._directory = Path(tempfile.mkdtemp(prefix="queuectl-proxy-"))
        self.url = url.replace(found[1], str(self._directory))
        """URL of the same database through the proxy."""
        self._lock = threading.Lock()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._passing = threading.Event()
        self._passing.set()
        self._drop_containing = b""
        """Bytes of the answer to drop; empty: none is dropped."""
        self.knocks = 0
        """Number of connections requested."""
        self.robbed = threading.Event()
        """Set once an answer has been dropped."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._directory / _NAME))
        self._listener.listen(100)
        self._wake, self._waker = socket.socketpair()
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def clog(self) -> None:
        """Block both directions without an error: a partition."""
        self._passing.clear()
        self._waker.send(b"!")

    def clear(self) -> None:
        """Forward again, including what was blocked."""
        self._passing.set()
        self._waker.send(b"!")

    def cut(self) -> None:
        """Break every connection. New ones pass."""
        with self._lock:
            for one in list(self._pairs):
                self._break(one)
        self._waker.send(b"!")

    def lose_the_next_answer_to_a_commit(self) -> None:
        """Drop the next answer to a COMMIT, and break the connection: the server has committed."""
        self.lose_the_next_answer_with(_COMMITTED)

    def lose_the_next_answer_with(self, words: bytes) -> None:
        """Drop the next answer that contains `words`, and break the connection: the statement has been executed.

        A statement that is a transaction of its own is over when its answer, if it is short, leaves the server.
        """
        self.robbed.clear()
        self._drop_containing = words

    def close(self) -> None:
        self._closing = True
        self._waker.send(b"!")
        self._thread.join(10)
        self.cut()
        for each in (self._listener, self._wake, self._waker):
            each.close()
        shutil.rmtree(self._directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._closing:
            with self._lock:
                watched = [self._wake, self._listener]
                watched += list(self._pairs) if self._passing.is_set() else []
            try:
                ready, _, _ = select.select(watched, [], [], 1)
            except (OSError, ValueError):
                continue  # a socket was closed meanwhile
            for each in ready:
                if each is self._wake:
                    self._wake.recv(4096)
                elif each is self._listener:
                    self._accept()
                elif self._passing.is_set():
                    self._pass_on(each)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        self.knocks += 1
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._server)
        except OSError:
            client.close()
            server.close()
            return
        with self._lock:
            self._pairs[client] = server
            self._pairs[server] = client
            self._clients.add(client)

    def _pass_on(self, source: socket.socket) -> None:
        with self._lock:
            target = self._pairs.get(source)
            if target is None:
                return
            try:
                data = source.recv(65_536)
            except OSError:
                data = b""
            if self._drop_containing and source not in self._clients and self._drop_containing in data:
                self._drop_containing = b""
                self.robbed.set()
                data = b""
            try:
                target.sendall(data)
            except OSError:
                data = b""
            if not data:
                self._break(source)

    def _break(self, one: socket.socket) -> None:
        other = self._pairs.pop(one, None)
        if other is not None:
            self._pairs.pop(other, None)
            other.close()
            self._clients -= {one, other}
        one.close()
