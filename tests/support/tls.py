"""A PostgreSQL server with TLS, and certificates made by `openssl`.

The tests' server was built without TLS; a front before it terminates TLS connections.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
import subprocess
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_ASKS_FOR_TLS = struct.pack("!ii", 8, 80877103)
"""SSLRequest: the first message of a libpq client that wants TLS."""


class Authority:
    """A certificate authority."""

    def __init__(self, directory: Path, name: str) -> None:
        directory.mkdir(exist_ok=True)
        self._directory = directory
        self._key = directory / f"{name}.key"
        self.certificate = directory / f"{name}.crt"
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"),
            *("-keyout", self._key, "-out", self.certificate),
        )

    def server(self, host: str) -> ssl.SSLContext:
        """Return the TLS context of a server named `host`."""
        key, request, shown, names = (self._directory / f"{host}.{kind}" for kind in ("key", "csr", "crt", "ext"))
        names.write_text(f"subjectAltName=DNS:{host}\n")
        _openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={host}", "-keyout", key, "-out", request)
        _openssl(
            *("x509", "-req", "-days", "2", "-in", request, "-out", shown, "-extfile", names),
            *("-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial"),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shown, key)
        return context


class Front:
    """Listens on a port of this machine and forwards to the server's socket, with or without TLS."""

    def __init__(self, socket: Path, shows: ssl.SSLContext | None) -> None:
        """Start it; `shows` is the TLS context, None refuses TLS."""
        self._socket = socket
        self._shows = shows
        self.connections = 0
        """Number of connections."""
        self.encrypted = 0
        """Number of completed TLS handshakes."""
        self.reached = 0
        """Number of connections forwarded to the server."""
        self.port = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()))
        self._thread.start()
        assert self._ready.wait(30)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(30)
        self._loop.close()

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()
        server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.ensure_future(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            first = await reader.readexactly(8)
            if first == _ASKS_FOR_TLS:
                writer.write(b"N" if self._shows is None else b"S")
                await writer.drain()
                if self._shows is not None:
                    await writer.start_tls(self._shows)
                    self.encrypted += 1
                first = await reader.readexactly(8)
            await self._hand_on(first, reader, writer)
        except (OSError, EOFError):
            pass  # the client refused the certificate
        finally:
            writer.transport.abort()

    async def _hand_on(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached += 1
        answers, asks = await asyncio.open_unix_connection(str(self._socket))
        asks.write(first)
        ways = [asyncio.ensure_future(_pour(reader, asks)), asyncio.ensure_future(_pour(answers, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            asks.transport.abort()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
