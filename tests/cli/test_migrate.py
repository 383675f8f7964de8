"""`queuectl migrate`: its refusals and messages; every command prints the same on the new store as on the old one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import apsw
import psycopg
import pytest

from tests.support.command import environment, run
from tests.support.full_store import lived
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal

pytestmark = pytest.mark.on_sqlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgres import Server

    Environment = dict[str, str]

UNREACHABLE = "postgresql://ann@localhost:1/queue"


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    """The environment of commands on a store with jobs in every state and a history."""
    return environment(lived(tmp_path), XDG_DATA_HOME=str(tmp_path / "data"))


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    made = server.create(empty=True)
    yield made
    server.drop(made)


def on(url: str, env: Environment) -> Environment:
    return env | {"QUEUECTL_DB": url}


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--limit", "0"),
        *(("show", id_) for id_ in ("odd", "twice", "a", "signalled", "held", "9")),
        *(("logs", id_) for id_ in ("odd", "twice", "a", "signalled")),
        ("logs", "twice", "--attempt", "1"),
        ("history", "--limit", "0"),
        ("dlq", "list"),
        ("dlq", "list", "--by-error"),
        ("dlq", "show", "a"),
        ("view", "list"),
        ("list", "--view", "dead ones"),
        ("config", "list"),
        ("undo", "--list"),
        ("prune", "--state", "cancelled", "--older-than", "0"),
        ("enqueue", "--no-env", "--cwd", "/", "true"),
        ("explain", "9"),
    ],
    ids=" ".join,
)
def test_every_command_prints_the_same_document_on_both_stores(env: Environment, url: str, words: tuple[str, ...]):
    assert run("migrate", "--to", url, env=env).code == 0

    old, new = (run(*words, "--json", env=each) for each in (env, on(url, env)))

    assert (old.code, new.code) == (0, 0), old.err + new.err
    # The second command runs a little later.
    documents = [json.loads(re.sub(r"due in \w+", "due in a while", each.out)) for each in (old, new)]
    if words[0] == "config":
        # A path of one host means nothing on another: on a server it is not captured by default.
        documents = [[each for each in document if each["key"] != "env_capture"] for document in documents]
    if words[0] in {"enqueue", "explain"}:
        for document in documents:
            for stamp in ("created_at", "updated_at", "run_at", "due_in"):
                document.pop(stamp, None)
    assert documents[0] == documents[1] != []


def test_raw_output_is_the_same_to_the_byte(env: Environment, url: str):
    run("migrate", "--to", url, env=env)

    first, second = (
        subprocess.run(
            [sys.executable, "-m", "queuectl.cli", "logs", "odd", "--raw"], env=each, capture_output=True, check=True
        )
        for each in (env, on(url, env))
    )

    assert first.stdout == second.stdout
    assert len(first.stdout) > 4000


def test_actions_on_the_old_store_can_be_undone_in_the_new_one(env: Environment, url: str):
    logs = run("logs", "gone", env=env)
    assert logs.code == 3, "it has been deleted"
    run("migrate", "--to", url, env=env)
    new = on(url, env)

    assert run("undo", env=new).code == 0
    assert run("logs", "gone", "--stdout", env=new).out == "some output\n"
    assert run("undo", env=new).out == "schedule add of schedule nightly undone\n"
    assert run("undo", env=new).out == "queue pause of queue media undone\n"
    assert run("undo", env=new).out == "priority of 1 job undone\n"
    assert run("undo", env=new).code == 0
    assert json.loads(run("show", "held", "--json", env=new).out)["state"] == "pending"
    assert run("undo", env=new).code == 3
    checks = json.loads(run("doctor", "--check", "--json", env=new).out)["checks"]
    assert {each["name"] for each in checks if not each["ok"]} <= {"durability", "vacuum"}, "the tests' server is fast"


def test_migrate_prints_the_new_location_the_counts_and_the_next_steps(env: Environment, url: str):
    done = run("migrate", "--to", url, env=env)

    assert (done.code, done.out) == (0, f"{url}\n")
    assert "jobs 9, attempts 7" in done.err
    assert "set QUEUECTL_DB" in done.err


def test_the_json_document_of_migrate_has_the_counts(env: Environment, url: str):
    document = json.loads(run("migrate", "--to", url, "--json", env=env).out)

    assert (document["old"], document["new"]) == (env["QUEUECTL_DB"], url)
    assert document["jobs"] == {
        "pending": 1, "processing": 0, "completed": 3, "failed": 1, "dead": 2, "cancelled": 1, "held": 1,
    }  # fmt: skip
    assert document["rows"]["runs"] == 7
    assert document["output_bytes"] > 4096


def test_migrate_shows_a_progress_bar_on_a_terminal(env: Environment, url: str):
    screen, code = on_a_terminal("migrate", "--to", url, env=env | {"TERM": "xterm"})

    assert code == 0
    assert "rows" in screen
    assert "100%" in screen


@pytest.mark.parametrize("to", ["queue.db", "mysql://ann:geheim@host/db", "postgresql:ann:geheim@host", ""])
def test_an_invalid_url_is_refused_and_not_repeated(env: Environment, to: str):
    done = run("migrate", f"--to={to}", env=env)

    done.refused(2, "--to is not the URL of a PostgreSQL database")
    assert "geheim" not in done.err


def test_migrate_without_a_url_is_a_usage_error(env: Environment):
    run("migrate", env=env).refused(2, "--to URL is missing")


def test_an_unreachable_server_is_an_error(env: Environment):
    run("migrate", "--to", UNREACHABLE, env=env).refused(5, "does not answer")


def test_a_store_that_is_on_a_server_is_refused(env: Environment, database: str):
    run("migrate", "--to", UNREACHABLE, env=on(database, env)).refused(4, "is on a server already")


def test_a_missing_store_is_not_created(tmp_path: Path):
    run("migrate", "--to", UNREACHABLE, env=environment(tmp_path / "none.db")).refused(3, "there is no store")

    assert not (tmp_path / "none.db").exists()


def test_an_empty_file_is_not_migrated(tmp_path: Path):
    path = tmp_path / "none.db"
    path.touch()

    run("migrate", "--to", UNREACHABLE, env=environment(path)).refused(3, "there is no store")

    assert path.stat().st_size == 0


def test_a_store_that_is_in_use_is_refused(env: Environment, database: str):
    run("enqueue", "true", env=on(database, env))

    run("migrate", "--to", database, env=env).refused(
        4, "is not empty; it holds jobs 1, environments 1, stats 1, events 1"
    )


def test_workers_are_stopped_first(queue: Queue):
    queue.start(workers=2)

    done = run("migrate", "--to", UNREACHABLE, env=queue.environment)

    done.refused(4, "2 workers of this store are running")
    assert "queuectl worker stop" in done.err


def test_a_pool_without_workers_is_stopped_first(queue: Queue):
    queue.start()
    queue.run("worker", "scale", "0")

    run("migrate", "--to", UNREACHABLE, env=queue.environment).refused(4, "a worker of this store is running")


def test_jobs_of_dead_workers_are_put_back_first(queue: Queue, url: str):
    pool = queue.start()
    id_ = queue.enqueue("sleep 1000")
    queue.wait_for(id_, "processing")
    pool.kill()

    done = run("migrate", "--to", url, env=queue.environment)
    done.refused(4, f"jobs that belong to dead workers are processing: {id_}")
    assert "queuectl doctor --fix" in done.err

    queue.run("doctor", "--fix", code=None)
    assert run("migrate", "--to", url, env=queue.environment).code == 0
    assert json.loads(run("show", id_, "--json", env=on(url, queue.environment)).out)["outcome"] == "lost"


def test_without_psycopg_the_command_that_installs_it_is_printed(env: Environment):
    hidden = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from queuectl.cli.main import main\n"
        "sys.exit(main(['migrate', '--to', 'postgresql:///db']))"
    )

    done = subprocess.run([sys.executable, "-c", hidden], env=env, capture_output=True, text=True)

    assert done.returncode == 2
    assert "psycopg, which is not installed" in done.stderr


def test_a_password_is_neither_printed_nor_stored(env: Environment, url: str):
    secret = url.replace("postgres@", "postgres:geheim@")
    assert secret != url
    for words in (
        ("--to", "postgresql://ann:geheim@localhost:1/db"),
        ("--to", "postgresql://ann:geheim@db.example.org/db?sslmode=require"),
        ("--to", "postgresql://ann:ge@heim:geheim@localhost/db"),
        ("postgresql://ann:geheim@localhost:1/db",),
        ("--too=postgresql://ann:geheim@localhost:1/db",),
        ("--to", secret, "--json"),
        ("--to", secret),
    ):
        done = run("migrate", *words, env=env)
        assert "geheim" not in done.out + done.err

    with psycopg.connect(url) as connection:
        events = connection.execute("SELECT * FROM queuectl.events").fetchall()
    old = apsw.Connection(env["QUEUECTL_DB"])
    assert "geheim" not in repr(events) + repr(old.execute("SELECT * FROM events").fetchall())
    assert len(events) == 17, "it was moved"
    old.close()
