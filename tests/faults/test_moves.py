"""A move to a server that is killed, interrupted or overtaken: the old store keeps all, the new one gets nothing."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.support.command import environment, finished, run, start
from tests.support.full_store import lived
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Environment = dict[str, str]

GATE = 4711


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return environment(lived(tmp_path), XDG_DATA_HOME=str(tmp_path / "data"))


class Gate:
    """A lock that stops a copying process at the first event, when jobs, attempts and output have been copied."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True, options="-c search_path=queuectl")
        self.connection.execute(
            f"CREATE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
            f" PERFORM pg_advisory_xact_lock({GATE}); RETURN NEW; END'"
        )
        self.connection.execute("CREATE TRIGGER gate BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION stop_here()")
        self.connection.execute(f"SELECT pg_advisory_lock({GATE})")

    def wait(self) -> None:
        """Wait until a process waits for the lock."""
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 4711"
        wait_until(lambda: self.connection.execute(waiting).fetchone())

    def open(self) -> None:
        """Release the lock for all processes."""
        self.connection.execute("SELECT pg_advisory_unlock_all()")

    def wait_until_alone(self) -> None:
        """Wait until the server has noticed the closed connections, and has rolled back their transactions."""
        others = (
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        wait_until(lambda: self.connection.execute(others).fetchone() is None)


@pytest.fixture
def gate(database: str) -> Iterator[Gate]:
    made = Gate(database)
    yield made
    made.connection.close()


def at_the_gate(env: Environment, database: str, gate: Gate) -> subprocess.Popen[bytes]:
    process = start("migrate", "--to", database, env=env)
    gate.wait()
    return process


def total(env: Environment) -> int:
    return int(json.loads(run("status", "--json", env=env).out)["total"])


def assert_as_before_and_moved_next_time(env: Environment, database: str, gate: Gate, jobs: int = 9) -> None:
    gate.wait_until_alone()
    new = env | {"QUEUECTL_DB": database}
    assert total(new) == 0
    assert json.loads(run("history", "--json", env=new).out) == []
    assert total(env) == jobs
    assert run("doctor", "--check", env=env).code == 0

    assert run("migrate", "--to", database, env=env).code == 0
    assert total(new) == jobs
    assert run("enqueue", "true", env=new).out == f"{jobs + 2}\n", "one number more, and one was given before"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_move_that_is_ended_in_the_middle_leaves_both_stores_as_they_were(
    env: Environment, database: str, gate: Gate, number: signal.Signals
):
    process = at_the_gate(env, database, gate)

    process.send_signal(number)
    done = finished(process)
    gate.open()

    assert done.code == (130 if number is signal.SIGINT else -number), done.err
    assert (done.out, done.err) == ("", "")
    assert_as_before_and_moved_next_time(env, database, gate)


def test_a_server_that_closes_the_connection_in_the_middle_is_reported(env: Environment, database: str, gate: Gate):
    process = at_the_gate(env, database, gate)

    gate.connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'queuectl'"
    )
    finished(process).refused(5, "does not answer")
    gate.open()

    assert_as_before_and_moved_next_time(env, database, gate)


def test_an_enqueue_in_the_middle_succeeds_and_the_move_is_refused(env: Environment, database: str, gate: Gate):
    process = at_the_gate(env, database, gate)

    assert run("enqueue", "true", "--id", "late", env=env).out == "late\n"
    gate.open()

    finished(process).refused(4, "written to while it was copied, so nothing was moved")
    assert_as_before_and_moved_next_time(env, database, gate, jobs=10)


def test_of_two_moves_at_once_one_is_refused(env: Environment, database: str, gate: Gate):
    first = at_the_gate(env, database, gate)
    second = start("migrate", "--to", database, env=env)
    closing = "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
    wait_until(lambda: gate.connection.execute(closing).fetchone())

    gate.open()

    assert finished(first).code == 0
    finished(second).refused(4, "is not empty")
    assert total(env | {"QUEUECTL_DB": database}) == 9
