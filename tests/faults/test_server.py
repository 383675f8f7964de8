"""Faults of the server: it restarts, closes connections, loses replies and notifications, or has no connection left."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path

import psycopg
import pytest

from queuectl.domain.clock import steady
from queuectl.domain.errors import StoreUnreachable
from queuectl.selftest.ledger import note, witnessed
from queuectl.store.postgres.database import PostgresDatabase
from tests.support import command
from tests.support.command import finished
from tests.support.hosts import Hosts, outlasts
from tests.support.postgres import Server
from tests.support.proxy import Proxy
from tests.support.queue import Queue
from tests.support.soundness import assert_sound
from tests.support.stress import began, enqueue_many
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that may be stopped, and whose commits are durable."""
    made = Server(max_connections="25")
    yield made
    made.close()


@pytest.fixture
def served(own_server: Server, tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path, store=own_server.create())
    yield made
    made.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["in order", "by a crash"])
def test_a_server_that_restarts_loses_and_doubles_nothing(
    own_server: Server, served: Queue, ledger: Path, number: signal.Signals
):
    pool = served.start(workers=3)
    ids = enqueue_many(served, ledger, 40, "sleep 0.1")
    wait_until(began(ledger, ids[5]))

    own_server.stop(number)
    own_server.start()

    assert {served.wait_for(id_) for id_ in ids} == {"completed"}
    lines = [line.split(" ", 2)[1:] for line in pool.log.splitlines()]
    waiting = [(source, text) for source, text in lines if text.startswith("waiting for the store")]
    assert len(waiting) == len(set(waiting)), "each logs each reason once"
    assert_sound(served, ledger, ids)


def test_workers_among_short_jobs_outlive_restarts_of_the_server(own_server: Server, served: Queue, ledger: Path):
    work = [":" if number % 6 else "sleep 0.2" for number in range(600)]
    lines = [json.dumps({"id": f"job{n}", "command": witnessed(str(ledger), each)}) for n, each in enumerate(work)]
    ids = served.run("enqueue", "-f", "-", given="\n".join(lines)).stdout.split()
    pool = served.start(workers=4)

    for index in (50, 250):
        wait_until(began(ledger, ids[index]))
        own_server.stop(signal.SIGINT)
        own_server.start()

    assert {served.wait_for(id_) for id_ in ids} == {"completed"}
    assert {outcome for id_ in ids for outcome in served.outcomes(id_)} == {"success"}
    assert "died" not in pool.log
    assert_sound(served, ledger, ids)


def test_commits_that_take_longer_than_every_timeout_lose_no_job(own_server: Server, served: Queue, ledger: Path):
    """As with a missing synchronous standby: the server continues commits that the client no longer waits for."""
    served.run("config", "set", "lease", "10")
    pool = served.start(workers=3)
    ids = enqueue_many(served, ledger, 40, "sleep 0.1")
    wait_until(began(ledger, ids[5]))

    own_server.set("synchronous_standby_names", "missing")
    wait_until(lambda: pool.log.count("waiting for the store") >= 3)
    own_server.set("synchronous_standby_names", "")

    assert {served.wait_for(id_) for id_ in ids} == {"completed"}
    served.run("worker", "stop", "--timeout", "30s")
    assert_sound(served, ledger, ids)


def test_a_server_that_closes_all_connections_again_and_again(
    server: Server, database: str, tmp_path: Path, ledger: Path
):
    queue = Queue(tmp_path, store=database)
    queue.start(workers=4)
    ids = enqueue_many(queue, ledger, 60, "sleep 0.2")
    over = threading.Event()
    times = 0

    while not over.is_set():
        server.hang_up_on(database)
        times += 1
        over.wait(1)
        if all(queue.state(id_) in {"completed", "dead"} for id_ in ids):
            over.set()

    assert times >= 3
    assert {queue.state(id_) for id_ in ids} == {"completed"}
    assert_sound(queue, ledger, ids)
    queue.close()


@pytest.fixture
def hosts(tmp_path: Path, database: str) -> Iterator[Hosts]:
    made = Hosts(tmp_path, database)
    yield made
    made.close()


def one_runs_and_one_waits(operator: Queue, ledger: Path) -> Path:
    """Enqueue `first`, which runs until the returned path exists, and `second` after it."""
    gate = operator.directory / "gate"
    operator.enqueue(witnessed(str(ledger), f"while [ ! -e {gate} ]; do sleep 0.02; done"), "--id", "first")
    wait_until(began(ledger, "first"))
    operator.enqueue(witnessed(str(ledger), "true"), "--id", "second")
    return gate


def test_a_result_whose_reply_is_lost_is_recorded_once_and_the_job_claimed_with_it_runs(hosts: Hosts, ledger: Path):
    """A worker records a result and claims its next job in one statement, and never receives the reply."""
    one, way = hosts.behind_a_proxy("one")
    pool = one.start()
    operator = hosts.host("operator")
    gate = one_runs_and_one_waits(operator, ledger)

    way.lose_the_next_answer_with(b"second")
    gate.touch()

    assert operator.wait_for("first") == operator.wait_for("second") == "completed"
    assert way.robbed.is_set()
    assert operator.outcomes("first") == operator.outcomes("second") == ["success"]
    assert "lost ownership" not in pool.log
    assert_sound(operator, ledger, ["first", "second"])


def test_a_claim_whose_reply_is_lost_is_run_by_the_worker_that_made_it(hosts: Hosts, ledger: Path):
    one, way = hosts.behind_a_proxy("one")
    one.start()
    operator = hosts.host("operator")

    way.lose_the_next_answer_with(b"handed out")
    operator.enqueue(witnessed(str(ledger), "true # handed out"), "--id", "job")
    wait_until(way.robbed.is_set)

    assert operator.wait_for("job") == "completed"
    assert operator.outcomes("job") == ["success"]
    assert_sound(operator, ledger, ["job"])


def test_a_worker_that_exits_puts_back_a_claim_whose_reply_was_lost(hosts: Hosts, ledger: Path):
    one, way = hosts.behind_a_proxy("one")
    pool = one.start()
    operator = hosts.host("operator")
    gate = one_runs_and_one_waits(operator, ledger)

    way.lose_the_next_answer_with(b"second")
    gate.touch()
    wait_until(way.robbed.is_set)
    pool.send(signal.SIGTERM)

    assert pool.wait() == 0
    assert operator.wait_for("first") == "completed"
    assert operator.state("second") in {"pending", "completed"}
    assert_sound(operator, ledger, ["first", "second"])


def test_an_enqueue_whose_reply_is_lost_was_not_acknowledged(hosts: Hosts, ledger: Path):
    one, way = hosts.behind_a_proxy("one")
    one.run("list")

    way.lose_the_next_answer_to_a_commit()
    done = one.run("enqueue", "true", "--id", "job", code=5)

    assert way.robbed.is_set()
    assert "does not answer" in done.stderr
    again = one.run("enqueue", "true", "--id", "job", code=4)
    assert "job" in again.stderr, "it is stored: a second enqueue of its id is refused"


def test_a_lost_notification_costs_at_most_one_poll_interval(server: Server, database: str, hosts: Hosts, ledger: Path):
    one, operator = hosts.host("one"), hosts.host("operator")
    operator.run("config", "set", "poll_interval", "0.2")
    operator.run("config", "set", "lease", "6")
    one.start()

    for number in range(5):
        # The listening steward is not connected at this moment.
        server.hang_up_on(database)
        operator.enqueue(witnessed(str(ledger), "true"), "--id", f"job{number}")
        assert operator.wait_for(f"job{number}") == "completed"

    operator.enqueue(witnessed(str(ledger), "sleep 300"), "--id", "long")
    wait_until(began(ledger, "long"))
    server.hang_up_on(database)
    operator.run("cancel", "long")
    assert operator.wait_for("long") == "cancelled"
    assert_sound(operator, ledger, ["long", *(f"job{number}" for number in range(5))])


def test_a_server_out_of_connections_is_waited_for(own_server: Server, served: Queue, ledger: Path):
    pool = served.start(workers=2)
    gate = served.directory / "gate"
    work = f"while [ ! -e {gate} ]; do {note(str(ledger), 'alive')}; sleep 0.05; done"
    ids = [served.enqueue(witnessed(str(ledger), work)) for _ in range(2)]
    for id_ in ids:
        wait_until(began(ledger, id_))
    url = served.path

    # All connections are closed, and other clients reconnect first, until the pool has none.
    taken: list[psycopg.Connection] = []
    try:
        while own_server.hang_up_on(url):
            while True:
                try:
                    taken.append(psycopg.connect(own_server.url("postgres")))
                except psycopg.OperationalError:
                    break
        refused = served.run("list", code=5)
        gate.touch()
        wait_until(lambda: "has no connection left" in pool.log)
    finally:
        for each in taken:
            each.close()

    assert "no connection left" in refused.stderr
    assert {served.wait_for(id_) for id_ in ids} == {"completed"}
    assert [served.outcomes(id_) for id_ in ids] == [["success"], ["success"]]
    assert_sound(served, ledger, ids)


def test_a_due_job_that_another_session_has_locked_causes_no_busy_loop(hosts: Hosts, database: str):
    one = hosts.host("one")
    one.enqueue("true", "--id", "locked")
    with psycopg.connect(database) as keeping, psycopg.connect(database, autocommit=True) as watching:
        keeping.execute("SELECT 1 FROM queuectl.jobs WHERE id = 'locked' FOR UPDATE")
        one.start(workers=4)
        before = transactions(watching)
        wait_until(outlasts(3))
        # Thousands a second, if each worker polled again at once.
        assert transactions(watching) - before < 2000

    assert one.wait_for("locked") == "completed"


def transactions(connection: psycopg.Connection) -> int:
    """Return how many transactions the database has had."""
    ((count,),) = connection.execute(
        "SELECT pg_stat_get_db_xact_commit(oid) FROM pg_database WHERE datname = current_database()"
    )
    return int(count)


def test_an_enqueue_of_a_file_that_is_killed_is_all_or_nothing(hosts: Hosts, ledger: Path):
    one, operator = hosts.host("one"), hosts.host("operator")
    lines = "\n".join('{"command": "true"}' for _ in range(50_000))
    with (one.directory / "jobs").open("w") as file:
        file.write(lines)
    copying = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND datname = current_database()"

    enqueue = one.begin("enqueue", "-f", "jobs")
    wait_until(lambda: enqueue.poll() is not None or operator.context.store.database.query(copying) == [(1,)])
    enqueue.kill()

    enqueue.wait()
    assert enqueue.stdout is not None
    enqueue.stdout.close()
    wait_until(lambda: operator.context.store.database.query(copying) == [(0,)])
    assert operator.json("status")["total"] in {0, 50_000}


@pytest.mark.parametrize(
    "words", [("list",), ("enqueue", "true"), ("status",), ("worker", "start"), ("logs", "1", "-f")], ids=" ".join
)
def test_ctrl_c_while_the_server_is_silent_exits_with_130_and_no_output(hosts: Hosts, words: tuple[str, ...]):
    one, way = hosts.behind_a_proxy("one")
    one.run("enqueue", "true", "--delay", "1h")
    way.clog()
    before = way.knocks

    waiting = command.start(*words, env=one.environment, start_new_session=True)
    wait_until(lambda: way.knocks > before)
    waiting.send_signal(signal.SIGINT)
    done = finished(waiting)
    way.clear()

    assert done.code == 130
    assert done.err == ""
    assert one.json("status")["total"] == 1


def test_a_server_is_waited_for_no_longer_than_the_deadline_connecting_included(database: str):
    proxy = Proxy(f"{database}&connect_timeout=3600" if "?" in database else f"{database}?connect_timeout=3600")
    try:
        store = PostgresDatabase(proxy.url, wait=3600)
        beats: list[float] = []
        store.on_wait = lambda: beats.append(steady())
        store.rows("config")
        proxy.clog()
        for _ in ("connected", "connecting"):
            beats.clear()
            store.deadline = steady() + 0.3
            with pytest.raises(StoreUnreachable):
                store.rows("config")
            assert beats, "the worker shows no life meanwhile"
            assert store.lost
        proxy.clear()
        store.deadline = None
        assert store.rows("config") == []
        store.close()
    finally:
        proxy.clear()
        proxy.close()
