"""A connection pooler like PgBouncer, with session or transaction pooling."""

from __future__ import annotations

import re
import shutil
import socket
import struct
import tempfile
import threading
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_NAME = ".s.PGSQL.5432"
_ENCRYPTION = {80877103, 80877104}
_LAST = b"QSX"
"""Query, Sync, Terminate: after these a client waits for an answer, or ends."""


class Pooler:
    """Serves clients through its own connections to the server; the most recently used one is reused first."""

    def __init__(self, url: str, *, keeps_sessions: bool) -> None:
        found = re.search(r"host=([^&]+)", url)
        assert found is not None
        self._server = f"{found[1]}/{_NAME}"
        self._directory = Path(tempfile.mkdtemp(prefix="queuectl-pooler-"))
        self.url = url.replace(found[1], str(self._directory))
        """URL of the same database through the pooler."""
        self._keeps_sessions = keeps_sessions
        self._lock = threading.Lock()
        self._free: list[socket.socket] = []
        self._open: list[socket.socket] = []
        self._greeting = b""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._directory / _NAME))
        self._listener.listen(100)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            each.close()
        shutil.rmtree(self._directory)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server: socket.socket | None = None
        try:
            startup = _startup(client)
            server = self._taken(startup)
            # No client learns the process of its server connection: it may be another one each time.
            client.sendall(self._greeting + b"K" + struct.pack("!iii", 12, 1, 1) + b"Z" + struct.pack("!ic", 5, b"I"))
            while True:
                kind, message = _message(client)
                if kind == b"X":
                    return
                if server is None:
                    server = self._taken(startup)
                server.sendall(message)
                if kind in _LAST and _answered(server, client) and not self._keeps_sessions:
                    self._give_back(server)
                    server = None
        except OSError:
            return
        finally:
            client.close()
            if server is not None:
                server.close()

    def _taken(self, startup: bytes) -> socket.socket:
        with self._lock:
            if self._free and not self._keeps_sessions:
                return self._free.pop()
            server = socket.socket(socket.AF_UNIX)
            self._open.append(server)
            server.connect(self._server)
            server.sendall(startup)
            greeting = b""
            while True:
                kind, message = _message(server)
                if kind == b"Z":
                    self._greeting = greeting
                    return server
                greeting += b"" if kind == b"K" else message

    def _give_back(self, server: socket.socket) -> None:
        with self._lock:
            self._free.append(server)


def _startup(client: socket.socket) -> bytes:
    while True:
        head = _exactly(client, 8)
        length, code = struct.unpack("!ii", head)
        if code not in _ENCRYPTION:
            return head + _exactly(client, length - 8)
        client.sendall(b"N")


def _message(source: socket.socket) -> tuple[bytes, bytes]:
    head = _exactly(source, 5)
    kind, length = struct.unpack("!ci", head)
    return kind, head + _exactly(source, length - 4)


def _answered(server: socket.socket, client: socket.socket) -> bool:
    """Forward an answer; return whether no transaction is open after it."""
    while True:
        kind, message = _message(server)
        client.sendall(message)
        if kind == b"Z":
            return message.endswith(b"I")


def _exactly(source: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = source.recv(length - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data
