"""Connections over a network: encrypted, to a verified server; otherwise nothing is sent."""

from __future__ import annotations

import sys

import pytest

from queuectl.domain.errors import StoreUnreadable, UsageError
from queuectl.domain.job import NewJob
from queuectl.store.postgres.database import PostgresDatabase
from queuectl.store.store import Store
from tests.support.command import environment, run
from tests.support.tls import Authority, Front

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.postgres import Server

HOST = "db.queuectl.example"
"""A host name that is not resolved: its address is given beside it."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "queuectl-tests")


@pytest.fixture
def front(server: Server, authority: Authority) -> Iterator[Callable[..., Front]]:
    """A server that listens on the network."""
    opened: list[Front] = []

    def another(host: str | None = HOST) -> Front:
        opened.append(Front(server.socket, authority.server(host) if host else None))
        return opened[-1]

    yield another
    for each in opened:
        each.close()


@pytest.fixture
def address(database: str) -> Callable[..., str]:
    name = database.partition("@/")[2].partition("?")[0]

    def made(front: Front, *words: str, host: str = HOST) -> str:
        return f"postgresql://postgres@{host}:{front.port}/{name}?" + "&".join(("hostaddr=127.0.0.1", *words))

    return made


@pytest.fixture(autouse=True)
def no_default_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide certificates that this machine may have in the default place."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PGSSLMODE", "PGSSLROOTCERT", "PGSERVICE", "PGHOST", "PGHOSTADDR"):
        monkeypatch.delenv(name, raising=False)


def test_a_connection_to_a_verified_server_is_encrypted(
    front: Callable[..., Front], address: Callable[..., str], authority: Authority
):
    there = front()
    for words in ((), ("sslmode=verify-full",)):
        url = address(there, f"sslrootcert={authority.certificate}", *words)
        store = Store(PostgresDatabase(url), actor="tester@here")

        assert store.jobs.enqueue([NewJob(command="true")], max_retries=3, now=1)
        assert store.database._connection.pgconn.ssl_in_use  # type: ignore[attr-defined]  # what the driver knows
        store.close()

    assert there.encrypted == there.reached == there.connections == 2


def test_the_default_file_of_certificates_is_used(
    front: Callable[..., Front], address: Callable[..., str], authority: Authority, tmp_path: Path
):
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql" / "root.crt").write_bytes(authority.certificate.read_bytes())
    env = environment(address(front()))

    assert run("enqueue", "true", env=env).out == "1\n"


def test_a_pool_works_over_tls(
    front: Callable[..., Front], address: Callable[..., str], authority: Authority, tmp_path: Path
):
    there = front()
    url = address(there, f"sslrootcert={authority.certificate}")
    env = environment(url, XDG_DATA_HOME=str(tmp_path / "data"))
    run("enqueue", "echo $QUEUECTL_DB", "--id", "a", env=env)
    run("enqueue", 'queuectl() { "$PYTHON" -m queuectl.cli "$@"; }; queuectl enqueue true --id b', env=env)

    done = run("worker", "start", "--count", "2", "--drain", env=env | {"PYTHON": sys.executable})

    assert done.code == 0, done.err
    assert run("logs", "a", env=env).out == f"{url}\n"
    assert run("wait", "b", env=env).code == 0
    assert there.encrypted == there.reached == there.connections


def refused(url: str, *words: str) -> None:
    """Assert that neither the store nor a command opens it, and that both report the reason."""
    with pytest.raises(StoreUnreadable) as why:
        PostgresDatabase(url)
    assert all(word in why.value.message for word in words), why.value.message
    assert "change sslmode" not in why.value.message
    assert why.value.hint
    assert "sslrootcert=FILE" in why.value.hint
    run("list", env=environment(url)).refused(5, "could not be verified", *words)


def test_a_server_with_another_name_is_refused(
    front: Callable[..., Front], address: Callable[..., str], authority: Authority
):
    there = front("other.queuectl.example")

    refused(address(there, f"sslrootcert={authority.certificate}"), "does not match host name", HOST)

    assert there.reached == 0


def test_a_server_with_an_unknown_authority_is_refused(
    front: Callable[..., Front], address: Callable[..., str], tmp_path: Path
):
    there, stranger = front(), Authority(tmp_path / "stranger", "queuectl-tests")

    refused(address(there, f"sslrootcert={stranger.certificate}"), "certificate verify failed")

    assert there.reached == 0


def test_a_server_is_refused_without_any_trusted_certificate(front: Callable[..., Front], address: Callable[..., str]):
    there = front()

    refused(address(there), "root.crt")

    assert there.reached == 0


def test_a_server_without_tls_is_refused(
    front: Callable[..., Front], address: Callable[..., str], authority: Authority
):
    there = front(None)

    refused(address(there, f"sslrootcert={authority.certificate}"), "does not support SSL")

    assert there.connections == 2
    assert there.reached == 0


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_a_weaker_sslmode_is_refused_before_anything_is_sent(
    mode: str, front: Callable[..., Front], address: Callable[..., str], authority: Authority
):
    there = front()
    url = address(there, f"sslrootcert={authority.certificate}", f"sslmode={mode}")

    with pytest.raises(UsageError, match=f"sslmode={mode} is too weak"):
        PostgresDatabase(url)

    assert there.connections == 0


def test_a_host_from_a_service_file_must_be_verified_too(
    front: Callable[..., Front], address: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    there = front(None)
    (tmp_path / ".pg_service.conf").write_text(
        f"[main]\nhost={HOST}\nhostaddr=127.0.0.1\nport={there.port}\nsslmode=disable\nuser=postgres\n"
    )
    monkeypatch.setenv("PGHOST", "localhost")  # the file takes precedence
    for url in ("postgresql:///postgres?service=main", "postgresql://localhost/postgres?service=main"):
        with pytest.raises(StoreUnreadable):
            PostgresDatabase(url)

    assert there.connections == 2
    assert there.reached == 0


def test_a_server_on_this_machine_needs_no_certificate(front: Callable[..., Front], address: Callable[..., str]):
    there = front(None)

    PostgresDatabase(address(there, host="localhost")).close()

    assert there.reached == 1
