"""A way to a PostgreSQL server that the tests can cut, clog, or rob of an answer: a proxy on a Unix socket."""

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
"""How a server says that a transaction is over: the tag of CommandComplete."""


class Proxy:
    """Stands between a host and its server. Everything passes until a test says otherwise."""

    def __init__(self, url: str) -> None:
        found = re.search(r"host=([^&]+)", url)
        assert found is not None
        self._server = f"{found[1]}/{_NAME}"
        self._directory = Path(tempfile.mkdtemp(prefix="queuectl-proxy-"))
        self.url = url.replace(found[1], str(self._directory))
        """The same database by this way."""
        self._lock = threading.Lock()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._passing = threading.Event()
        self._passing.set()
        self._rob = b""
        """What an answer holds that is to be lost; nothing: all come through."""
        self.knocks = 0
        """How many connections were asked for."""
        self.robbed = threading.Event()
        """An answer has been lost."""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._directory / _NAME))
        self._listener.listen(100)
        self._wake, self._waker = socket.socketpair()
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def clog(self) -> None:
        """Let nothing pass, either way, without a word: a partition."""
        self._passing.clear()
        self._waker.send(b"!")

    def clear(self) -> None:
        """Let everything pass again, also what has waited."""
        self._passing.set()
        self._waker.send(b"!")

    def cut(self) -> None:
        """Break every connection. New ones pass."""
        with self._lock:
            for one in list(self._pairs):
                self._break(one)
        self._waker.send(b"!")

    def lose_the_next_answer_to_a_commit(self) -> None:
        """The server commits; then the connection breaks, before its answer has come through."""
        self.lose_the_next_answer_with(_COMMITTED)

    def lose_the_next_answer_with(self, words: bytes) -> None:
        """The connection breaks before an answer with these words in it has come through; what was asked for is done.

        A statement that is a transaction of its own is over when its answer, if it is a short one, leaves the server.
        """
        self.robbed.clear()
        self._rob = words

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
                continue  # one of them has just been closed
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
            if self._rob and source not in self._clients and self._rob in data:
                self._rob = b""
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
