"""docs/many-machines.md, and the files beside it, say what there is."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
import yaml  # type: ignore[import-untyped]  # it has no types
from psycopg.conninfo import conninfo_to_dict

from queuectl.domain.errors import UsageError
from queuectl.operations import find
from queuectl.operations.commandline.grammar import read_words
from queuectl.operations.commandline.parse import params
from queuectl.store.postgres.database import PostgresDatabase
from queuectl.store.postgres.url import check, shown, trust
from tests.support.queue import ROOT
from tests.support.waiting import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tests.support.postgres import Server

PAGE = ROOT / "docs" / "many-machines.md"
FILES = ROOT / "docs" / "postgresql"
UNIT = FILES / "queuectl-worker@.service"
COMPOSE = FILES / "compose.yaml"


def lines_in(text: str) -> Iterator[str]:
    """Every command line of ours in a page: in blocks for a shell, and between backticks."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from re.findall(r"^queuectl(?: .*)?$", block, re.MULTILINE)
    yield from re.findall(r"`(queuectl [^`]+)`", text)


def is_real(line: str) -> None:
    """There is such a command, and it takes these words."""
    _, *words = shlex.split(line, comments=True)
    try:
        call = read_words(words)
        assert call.name or not words, line
        if call.name:
            params(find(call.name), call.words)
    except UsageError as error:
        raise AssertionError(f"{line}: {error.message}") from None


def test_every_command_of_the_page_is_valid():
    lines = list(lines_in(PAGE.read_text()))

    assert len(lines) > 15
    for line in lines:
        is_real(line)


def test_an_invalid_command_is_detected():
    for line in ("queuectl worker begin", "queuectl worker start --counts 4", "queuectl list --state lost"):
        with pytest.raises(AssertionError):
            is_real(line)


def test_every_address_of_the_page_is_valid_and_verifies_the_certificate():
    addresses = re.findall(r"postgresql://[^\s'`…]+", PAGE.read_text() + UNIT.read_text())

    assert len(addresses) > 5
    for address in addresses:
        check(address)
        assert shown(address) == address, "no password stands in an example"
        given = {name: str(value) for name, value in conninfo_to_dict(address).items()}
        assert trust(given, address, {}) == "verify-full"


def test_every_link_of_the_page_has_a_target():
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text())

    assert links
    for link in links:
        assert (PAGE.parent / link).exists(), link


def unit() -> dict[str, str]:
    """The settings of the unit that stand once."""
    return dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if re.match(r"[A-Z]\w+=", line))


def test_the_unit_starts_the_pool_of_its_example():
    example = dict(re.findall(r"^#     ([A-Z_]+)=(.*)$", UNIT.read_text(), re.MULTILINE))
    line = unit()["ExecStart"].replace("${WORKERS}", example["WORKERS"]).replace("$OPTIONS", example["OPTIONS"])

    is_real(line)
    assert read_words(shlex.split(line)[1:]).name == "worker start"
    assert example["QUEUECTL_DB"].startswith("postgresql://")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_accepts_the_unit(tmp_path: Path):
    copy = tmp_path / UNIT.name
    # The command must be there for it to be content.
    copy.write_text(UNIT.read_text().replace("/usr/local/bin/queuectl", str(ROOT / "bin" / "queuectl")))

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, timeout=PATIENCE
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


def test_the_compose_file_refers_only_to_its_own_names(compose: dict[str, Any]):
    services = compose["services"]
    for service in services.values():
        assert set(service.get("secrets", ())) <= set(compose["secrets"])
        assert set(service.get("depends_on", ())) <= set(services)
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (FILES / source).exists(), volume
        url = service.get("environment", {}).get("QUEUECTL_DB")
        if url is not None:
            check(url)
            assert trust({name: str(value) for name, value in conninfo_to_dict(url).items()}, url, {}) is None
    for copied in re.findall(r"^COPY (.*) \S+$", services["store"]["build"]["dockerfile_inline"], re.MULTILINE):
        for source in copied.split():
            assert (FILES / services["store"]["build"]["context"] / source).exists()
    # A host that has the name of another would be taken for it.
    hosts = [service["hostname"] for name, service in services.items() if name.startswith("worker")]
    assert len(set(hosts)) == len(hosts) == 2


def test_the_commands_of_the_compose_file_are_commands(compose: dict[str, Any]):
    commands = [line for service in compose["services"].values() for line in service["command"] if "queuectl " in line]
    lines = [line for command in commands for line in re.findall(r"\bqueuectl [a-z].*", command)]
    comments = re.findall(r"^#.* (queuectl [a-z].*)$", COMPOSE.read_text(), re.MULTILINE)

    assert len(lines) == 3
    assert len(comments) == 2
    for line in (*lines, *comments):
        is_real(line)


def test_the_compose_file_creates_the_roles_of_the_store(compose: dict[str, Any], server: Server, tmp_path: Path):
    admin = server.create(empty=True)
    (tmp_path / "owner").write_text("first51c0\n")
    (tmp_path / "worker").write_text("second51c0\n")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE ROLE owner LOGIN SUPERUSER")  # as the image makes it
    PostgresDatabase(admin.replace("postgres@", "owner@")).close()
    (script,) = compose["services"]["roles"]["command"]
    for there, here in (
        ("$$", "$"),
        ("/run/secrets", str(tmp_path)),
        ("/roles.sql", str(FILES / "roles.sql")),
        (compose["services"]["store"]["environment"]["QUEUECTL_DB"], admin.replace("postgres@", "owner@")),
    ):
        assert there in script
        script = script.replace(there, here)

    try:
        for _ in range(2):
            path = f"{server.programs}:{os.environ['PATH']}"
            subprocess.run([*compose["services"]["roles"]["entrypoint"], script], env={"PATH": path}, check=True)
        PostgresDatabase(admin.replace("postgres@", "worker@")).close()
        with psycopg.connect(admin) as connection:
            kept = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'worker'").fetchone()
        assert kept is not None
        assert str(kept[0]).startswith("SCRAM-SHA-256$")
    finally:
        server.drop(admin)
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            for role in (
                "worker",
                "owner",
                *(f"queuectl_{name}" for name in ("operator", "worker", "enqueue", "reader")),
            ):
                connection.execute(f"DROP ROLE IF EXISTS {role}")


def test_a_worker_of_the_compose_file_writes_the_password_where_libpq_reads_it(compose: dict[str, Any], tmp_path: Path):
    (tmp_path / "worker").write_text("second51c0\n")
    *shell, script = compose["services"]["worker-a"]["command"]
    script = script.replace("$$", "$").replace("/run/secrets", str(tmp_path)).replace("exec queuectl", "exec echo")

    done = subprocess.run(
        [*shell, script], env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, capture_output=True
    )

    assert done.stdout == b"worker start --count 4\n"
    file = tmp_path / ".pgpass"
    assert file.read_text() == "*:*:*:*:second51c0\n"
    assert file.stat().st_mode & 0o777 == 0o600
