"""A password is read from every place where PostgreSQL's own programs read one, and never printed or stored."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psycopg
import pytest

from tests.support.command import environment, run, start
from tests.support.console import Terminal
from tests.support.postgres import GUARDED
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.postgres import Server

PASSWORD = "geheim51c0"

Environment = dict[str, str]


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    """A store that a role with a password owns; the URL, without the password."""
    made = server.create(empty=True)
    with psycopg.connect(made, autocommit=True) as admin:
        admin.execute(f"DROP ROLE IF EXISTS {GUARDED}")
        admin.execute(f"CREATE ROLE {GUARDED} LOGIN PASSWORD '{PASSWORD}'")
        admin.execute(f"CREATE SCHEMA queuectl AUTHORIZATION {GUARDED}")
    yield made.replace("postgres@", f"{GUARDED}@")
    server.drop(made)
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        admin.execute(f"DROP ROLE {GUARDED}")


@pytest.fixture
def env(url: str, tmp_path: Path) -> Environment:
    """An environment without a password."""
    return environment(
        url, HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path / "data"), XDG_STATE_HOME=str(tmp_path / "state"),
        PGPASSWORD=None, PGPASSFILE=None, PGSERVICE=None, PGSERVICEFILE=None, QUEUECTL_DEBUG="1",
    )  # fmt: skip


def in_the_url(env: Environment) -> Environment:
    return env | {"QUEUECTL_DB": env["QUEUECTL_DB"].replace(f"{GUARDED}@", f"{GUARDED}:{PASSWORD}@")}


def beside_the_url(env: Environment) -> Environment:
    return env | {"QUEUECTL_DB": f"{env['QUEUECTL_DB']}&password={PASSWORD}"}


def in_the_environment(env: Environment) -> Environment:
    return env | {"PGPASSWORD": PASSWORD}


def in_a_file(env: Environment) -> Environment:
    file = Path(env["HOME"]) / ".pgpass"
    file.write_text(f"*:*:*:{GUARDED}:{PASSWORD}\n")
    file.chmod(0o600)
    return env


def in_a_named_file(env: Environment) -> Environment:
    in_a_file(env)
    moved = (Path(env["HOME"]) / ".pgpass").rename(Path(env["HOME"]) / "elsewhere")
    return env | {"PGPASSFILE": str(moved)}


def in_a_service(env: Environment) -> Environment:
    _, _, rest = env["QUEUECTL_DB"].partition("@/")
    database, _, host = rest.partition("?host=")
    (Path(env["HOME"]) / ".pg_service.conf").write_text(
        f"[jobs]\nhost={host}\ndbname={database}\nuser={GUARDED}\npassword={PASSWORD}\n"
    )
    return env | {"QUEUECTL_DB": "postgresql:///?service=jobs"}


PLACES = [in_the_url, beside_the_url, in_the_environment, in_a_file, in_a_named_file, in_a_service]

COMMANDS = (
    ("enqueue", "true", "--id", "a"),
    ("enqueue", "true", "--id", "a"),  # already exists
    ("list",),
    ("list", "--json"),
    ("show", "a", "--json"),
    ("logs", "a"),
    ("status",),
    ("status", "--json"),
    ("doctor", "--check"),
    ("doctor", "--json"),
    ("config", "set", "max-retries", "7"),
    ("config", "list", "--json"),
    ("cancel", "a"),
    ("delete", "a"),
    ("undo",),
    ("undo",),  # nothing is left to undo
    ("history", "--json"),
    ("explain", "a"),
    ("backup", "copy"),
    ("worker", "list"),
    ("nonsense",),
)


@pytest.mark.parametrize("put", PLACES)
def test_the_password_is_found_in_each_place_and_no_command_prints_it(
    put: Callable[[Environment], Environment], env: Environment, url: str, server: Server
):
    run("list", env=env).refused(5, "no password supplied")

    knowing = put(env)
    for words in COMMANDS:
        done = run(*words, env=knowing)
        assert PASSWORD not in done.out + done.err, words
        assert "Traceback" not in done.err
        assert done.code != 5, done.err
    assert not mentions(url.replace(f"{GUARDED}@", "postgres@"), PASSWORD)


def mentions(url: str, text: str) -> list[str]:
    """The tables of a store that hold a text."""
    with psycopg.connect(url) as admin:
        tables = [table for (table,) in admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'queuectl'")]
        assert "events" in tables
        return [
            table
            for table in tables
            if admin.execute(
                f"SELECT count(*) FROM queuectl.{table} AS row WHERE CAST(row AS TEXT) LIKE %s",
                [f"%{text}%"],
            ).fetchone()
            != (0,)
        ]


def test_the_search_for_passwords_finds_a_word_of_a_command(env: Environment, url: str):
    run("enqueue", "true", "--tag", PASSWORD, env=in_the_environment(env))

    assert set(mentions(url.replace(f"{GUARDED}@", "postgres@"), PASSWORD)) == {"events", "jobs"}


@pytest.mark.parametrize("put", [in_the_url, beside_the_url])
def test_a_wrong_password_is_not_printed(put: Callable[[Environment], Environment], env: Environment, url: str):
    wrong = put(env)
    wrong["QUEUECTL_DB"] = wrong["QUEUECTL_DB"].replace(PASSWORD, "falsch51c0")
    for words in (("list",), ("status", "--json"), ("doctor",), ("enqueue", "true")):
        done = run(*words, env=wrong)
        assert done.code != 0
        assert "falsch51c0" not in done.out + done.err
    run("list", env=wrong).refused(5, f'password authentication failed for user "{GUARDED}"')


def test_no_process_has_the_password_in_its_arguments(env: Environment):
    knowing = in_the_url(env)
    run("enqueue", "true", "--id", "a", env=knowing)
    waiting = start("wait", "a", env=knowing)
    wait_until(lambda: b"psycopg" in Path(f"/proc/{waiting.pid}/maps").read_bytes())

    arguments_of_all = [file.read_bytes() for file in readable("/proc/[0-9]*/cmdline")]

    assert any(b"wait\0a\0" in arguments for arguments in arguments_of_all)
    assert not any(PASSWORD.encode() in arguments for arguments in arguments_of_all)
    run("cancel", "a", env=knowing)
    assert waiting.wait(30) == 1


def readable(pattern: str) -> Iterator[Path]:
    """Files of processes, but for those that are gone by now."""
    for file in Path("/").glob(pattern.lstrip("/")):
        try:
            file.read_bytes()
        except OSError:
            continue
        yield file


def test_a_pool_and_its_jobs_do_not_expose_the_password(env: Environment, tmp_path: Path):
    knowing = in_the_url(env)
    out = tmp_path / "out"
    os.mkfifo(out)
    run("enqueue", f"env; cat {out}", "--id", "a", env=knowing)
    detached = json.loads(run("worker", "start", "--count", "2", "--detach", "--json", env=knowing).out)
    try:
        with out.open("w"):
            # The job has opened the pipe too, so all processes are running.
            arguments_of_all = [file.read_bytes() for file in readable("/proc/[0-9]*/cmdline")]
        assert f"{detached['pid']}" in {file.parent.name for file in readable("/proc/[0-9]*/cmdline")}
        assert any(b"worker\0start\0" in arguments for arguments in arguments_of_all)
        assert not any(PASSWORD.encode() in arguments for arguments in arguments_of_all)
        assert run("wait", "a", "--timeout", "60s", env=knowing).code == 0
        printed = run("logs", "a", env=knowing).out
        assert f"QUEUECTL_DB={env['QUEUECTL_DB']}\n" in printed
        assert PASSWORD not in printed
    finally:
        stopped = run("worker", "stop", "--now", "--timeout", "60s", env=knowing)
    assert stopped.code == 0, stopped.err
    written = [file for file in (tmp_path / "data").rglob("*") if file.is_file()]
    assert any(file.name == "pool.log" for file in written)
    assert not any(PASSWORD.encode() in file.read_bytes() for file in written)


def test_the_console_does_not_show_the_password(env: Environment, tmp_path: Path):
    knowing = in_the_url(env)
    run("enqueue", "true", "--id", "first", env=knowing)
    terminal = Terminal(env=knowing)
    try:
        terminal.wait_for("first", 60)
        terminal.press(":")
        terminal.wait_for("Add a job, or a file of jobs", 60)
        terminal.press("hold first")
        terminal.wait_for("hold first", 60)
        terminal.press("\r")
        wait_until(lambda: "held" in run("list", env=knowing).out)
        terminal.press("q")
        assert terminal.wait(60) == 0
    finally:
        terminal.close()

    assert b"held" in terminal.seen
    assert PASSWORD.encode() not in terminal.seen
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert any(b"hold first" in file.read_bytes() for file in written), "the history of its command line"
    assert not any(PASSWORD.encode() in file.read_bytes() for file in written)
