"""docs/postgresql/roles.sql: each role may do its own tasks; anything else is refused in one line."""

from __future__ import annotations

import json
import random

import psycopg
import pytest

from queuectl.domain.attempt import Outcome
from queuectl.domain.errors import StoreUnreadable
from queuectl.domain.job import NewJob
from queuectl.store.postgres.database import PostgresDatabase
from queuectl.store.store import Store
from tests.support.command import environment, run, start
from tests.support.console import Terminal
from tests.support.queue import ROOT
from tests.support.store_driver import BACKOFF, START, Stage
from tests.support.waiting import PATIENCE, wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.postgres import Server

    Environment = dict[str, str]

SQL = (ROOT / "docs" / "postgresql" / "roles.sql").read_text()
GROUPS = ("queuectl_reader", "queuectl_enqueue", "queuectl_worker", "queuectl_operator")
LOOKS = (
    ("list", "--json"),
    ("show", "done", "--json"),
    ("logs", "done"),
    ("status",),
    ("explain", "waits"),
    ("history",),
    ("dlq", "list", "--by-error"),
    ("config", "get", "job-timeout"),
    ("view", "list"),
    ("worker", "list"),
    ("wait", "done"),
)
ACTS = (
    ("cancel", "waits"),
    ("hold", "waits"),
    ("priority", "waits", "5"),
    ("edit", "waits", "--queue", "other"),
    ("retry", "done"),
    ("delete", "done"),
    ("prune", "--state", "completed", "--older-than", "0s"),
    ("dlq", "retry", "--all"),
    ("dlq", "purge", "--yes"),
    ("config", "set", "max-retries", "7"),
    ("view", "save", "mine", "state:dead"),
    ("worker", "stop"),
)

FORGED = """
INSERT INTO jobs (seq, id, command, queue, max_retries, run_at, created_at, updated_at, state, finished_at)
VALUES (99, 'forged', 'true', 'default', 0, 0, 0, 0, 'completed', 0)
"""


@pytest.fixture(scope="module")
def store_url(server: Server) -> Iterator[str]:
    """A store with the roles, created by its owner, with a completed job, a dead one and a waiting one."""
    url = server.create(empty=True)
    database = url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("CREATE ROLE keeper LOGIN CREATEROLE")
        admin.execute(f"ALTER DATABASE {database} OWNER TO keeper")
    store = Store(PostgresDatabase(url.replace("postgres@", "keeper@")), actor="keeper@here")
    stage = Stage(store)
    stage.enqueue("done")
    stage.run(out="words\n")
    stage.enqueue("broken", max_retries=0)
    stage.run(Outcome.EXIT, err="KeyError\n")
    stage.enqueue("waits")
    store.workers.stop_worker("w", now=stage.now)
    store.workers.stop_pool("pool", now=stage.now)
    store.close()
    with psycopg.connect(url.replace("postgres@", "keeper@"), autocommit=True) as keeper:
        for _ in range(2):
            keeper.execute(SQL)
        for group in GROUPS:
            keeper.execute(f"CREATE ROLE ann_{group} LOGIN IN ROLE {group}")
        keeper.execute("CREATE ROLE ann_stranger LOGIN")
    yield url
    server.drop(url)
    with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
        for role in (*(f"ann_{group}" for group in GROUPS), "ann_stranger", *GROUPS, "keeper"):
            admin.execute(f"DROP ROLE {role}")


@pytest.fixture
def as_role(store_url: str, tmp_path: Path) -> Callable[[str], Environment]:
    """Return the environment of a login in that role."""

    def made(role: str) -> Environment:
        url = store_url.replace("postgres@", f"ann_{role}@" if role != "keeper" else "keeper@")
        return environment(url, XDG_DATA_HOME=str(tmp_path / "data"), XDG_STATE_HOME=str(tmp_path / "state"))

    return made


@pytest.fixture
def opened(as_role: Callable[[str], Environment]) -> Iterator[Callable[[str], Store]]:
    """Open the store as that role."""
    stores: list[Store] = []

    def another(role: str) -> Store:
        stores.append(Store(PostgresDatabase(as_role(role)["QUEUECTL_DB"]), actor=f"{role}@here"))
        return stores[-1]

    yield another
    for store in stores:
        store.close()


def all_rows(url: str) -> dict[str, str]:
    """Return the rows of every table of the store, as text."""
    with psycopg.connect(url) as admin:
        tables = admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'queuectl'").fetchall()
        return {
            table: str(admin.execute(f"SELECT * FROM queuectl.{table} ORDER BY 1, 2").fetchall())
            for (table,) in tables
            if table not in {"undoing", "counted", "counted_since"}
        }


@pytest.mark.parametrize("role", GROUPS)
def test_every_role_may_read(role: str, as_role: Callable[[str], Environment]):
    for words in LOOKS:
        done = run(*words, env=as_role(role))
        assert done.code == 0, (words, done.err)

    report = json.loads(run("doctor", "--check", "--json", env=as_role(role)).out)
    assert {check["name"] for check in report["checks"] if not check["ok"]} <= {"durability", "vacuum", "workers"}


@pytest.mark.parametrize("role", ["queuectl_reader", "queuectl_enqueue", "queuectl_worker"])
def test_a_forbidden_command_is_refused_in_one_line_and_changes_nothing(
    role: str, as_role: Callable[[str], Environment], store_url: str
):
    before = all_rows(store_url)

    for words in ACTS:
        if (role, words) != ("queuectl_worker", ("worker", "stop")):
            run(*words, env=as_role(role)).refused(5, "this role lacks a privilege", "permission denied for ")
    if role == "queuectl_reader":
        run("enqueue", "true", env=as_role(role)).refused(5, "permission denied for ")

    assert all_rows(store_url) == before
    assert "roles.sql" in run("cancel", "waits", env=as_role(role)).err
    document = json.loads(run("cancel", "waits", "--json", env=as_role(role)).out)
    assert document["error"]["code"] == "store_unreadable"


@pytest.mark.parametrize("role", ["queuectl_enqueue", "queuectl_worker", "queuectl_operator"])
def test_three_roles_enqueue(role: str, as_role: Callable[[str], Environment], tmp_path: Path):
    env = as_role(role)
    (tmp_path / "jobs").write_text("".join(f"echo {number}\n" for number in range(50)))

    assert run("enqueue", "true", "--id", role, "--env", "A=1", "--tag", "x", "--priority", "3", env=env).code == 0
    assert run("enqueue", "true", "--id", role, env=env).code == 4
    assert run("enqueue", "--lines", "-f", str(tmp_path / "jobs"), "--queue", role, env=env).code == 0

    assert json.loads(run("status", "--json", env=env).out)["queues"][role]["pending"] == 50
    found = {
        check["name"]: check["ok"] for check in json.loads(run("doctor", "--check", "--json", env=env).out)["checks"]
    }
    assert found["counters"]
    assert found["numbers"]


@pytest.mark.parametrize("role", ["queuectl_reader", "queuectl_enqueue"])
def test_roles_that_may_not_run_jobs_can_neither_register_nor_claim(role: str, opened: Callable[[str], Store]):
    store = opened(role)

    with pytest.raises(StoreUnreadable, match="permission denied"):
        Stage(store)
    with pytest.raises(StoreUnreadable, match="permission denied"):
        store.claims().claim("w", now=2**60)
    with pytest.raises(StoreUnreadable, match="permission denied"):
        store.claims(["default"]).claim("w", now=2**60)


@pytest.mark.parametrize(
    "statement",
    [
        FORGED,
        "UPDATE jobs SET command = 'false'",
        "UPDATE jobs SET priority = 9",
        "DELETE FROM jobs",
        "TRUNCATE jobs CASCADE",
        "INSERT INTO runs (job, fence, worker, started_at) VALUES (1, 9, 'w', 0)",
        "UPDATE stats SET measure = 'success'",
        "UPDATE events SET actor = 'root@here'",
        "DELETE FROM events",
        "DELETE FROM counted_since",
        "UPDATE counted SET n = 0",
        "UPDATE schema SET version = 99",
        "INSERT INTO config VALUES ('job_timeout', '1')",
        "SELECT setval('numbers', 1)",
        "SELECT * FROM jobs FOR UPDATE",
        "CREATE TABLE queuectl.more (n INTEGER)",
        "CREATE TRIGGER mine BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION refuse('no')",
        "ALTER TABLE jobs DISABLE TRIGGER ALL",
        "DROP TABLE outputs",
        "DROP SCHEMA queuectl CASCADE",
    ],
)
def test_the_enqueue_role_is_denied_other_sql(statement: str, opened: Callable[[str], Store]):
    with pytest.raises(StoreUnreadable, match=r"permission denied|must be owner"):
        opened("queuectl_enqueue").database.query(statement)


def test_the_reader_role_sees_the_connections_of_all_roles(opened: Callable[[str], Store]):
    others = [opened("queuectl_operator") for _ in range(5)]

    ((_, _, _, connections, *_),) = opened("queuectl_reader").database.rows("health")

    assert connections > len(others)


def test_the_worker_role_records_results_and_compacts_counters(opened: Callable[[str], Store]):
    # Two days later: the row of the stopped pool is deleted first.
    stage = Stage(opened("queuectl_worker"), "worker1", now=START + 2 * 86_400_000)
    claim = stage.take("worker1")
    reader = opened("queuectl_reader")
    assert reader.remote_output.watch(claim.seq) == "worker1"
    assert stage.store.remote_output.send(claim.seq, claim.fence, "out", 3, b"out")
    assert reader.remote_output.sent(claim.seq, claim.fence, "out") == (3, b"out")
    stage.finish(claim, Outcome.EXIT, "worker1", out="out", err="KeyError: 'x'\n")
    stage.store.claims(["default"]).write_down("worker1", completed=0, failed=1)
    stage.store.database.compact()
    stage.enqueue(NewJob(command="true"))
    unstarted = stage.take("worker1")
    stage.store.claims().exchange(
        (), "worker1", withdrawn=[unstarted], most=0, backoff=BACKOFF, random=random.Random(1), now=stage.now
    )
    assert len(stage.store.jobs.attempts(unstarted.seq)) == unstarted.fence - 1
    stage.store.workers.stop_worker("worker1", now=stage.now, lost=[])
    stage.store.workers.stop_pool("pool", now=stage.now)

    stage.check()
    with pytest.raises(StoreUnreadable):
        stage.store.database.query("DELETE FROM jobs")
    with pytest.raises(StoreUnreadable):
        stage.store.database.query("DELETE FROM runs WHERE outcome IS NULL")
    with pytest.raises(StoreUnreadable):
        stage.store.database.query("UPDATE config SET value = '1'")


def test_a_pool_needs_the_worker_role(as_role: Callable[[str], Environment]):
    for role in ("queuectl_reader", "queuectl_enqueue"):
        run("worker", "start", "--drain", env=as_role(role)).refused(5, "permission denied for table ")
    env = as_role("queuectl_worker")
    run("enqueue", "queuectl_says() { echo $QUEUECTL_DB; }; queuectl_says", "--id", "real", "--priority", "9", env=env)
    run("enqueue", "echo KeyError >&2; exit 3", "--id", "bad", "--max-retries", "0", env=env)

    done = run("worker", "start", "--count", "2", "--drain", env=env)

    assert done.code == 0, done.err
    assert "permission" not in done.err
    assert run("logs", "real", env=as_role("queuectl_reader")).out == env["QUEUECTL_DB"] + "\n"
    assert json.loads(run("show", "bad", "--json", env=env).out)["state"] == "dead"
    report = json.loads(run("doctor", "--check", "--json", env=env).out)
    assert {check["name"] for check in report["checks"] if not check["ok"]} <= {"durability", "vacuum"}


def test_a_worker_role_claims_from_a_limited_queue_and_fires_schedules_but_changes_neither(
    as_role: Callable[[str], Environment],
):
    operator, env = as_role("queuectl_operator"), as_role("queuectl_worker")
    run("queue", "set", "mail", "--limit", "1", env=operator)
    run("schedule", "add", "poll", "--every", "1s", "--queue", "mail", "true", env=operator)
    run("enqueue", "--queue", "mail", "--id", "limited", "true", env=operator)
    pool = start("worker", "start", env=env)

    wait_until(lambda: json.loads(run("schedule", "show", "poll", "--json", env=env).out)["fires"])
    assert run("wait", "limited", env=env).code == 0
    run("worker", "stop", env=operator)

    assert b"permission" not in pool.communicate(timeout=PATIENCE)[1]
    for words in (("queue", "pause", "mail"), ("schedule", "pause", "poll"), ("schedule", "delete", "poll")):
        run(*words, env=env).refused(5, "permission denied for table ")


def test_the_operator_role_may_do_all_but_change_the_schema(
    as_role: Callable[[str], Environment], opened: Callable[[str], Store]
):
    env = as_role("queuectl_operator")
    run("enqueue", "true", "--id", "job1", env=env)
    for words in (
        ("hold", "job1"),
        ("release", "job1"),
        ("priority", "job1", "5"),
        ("edit", "job1", "--queue", "other"),
        ("queue", "set", "other", "--limit", "2"),
        ("queue", "pause", "other"),
        ("queue", "resume", "other"),
        ("schedule", "add", "nightly", "@daily", "true"),
        ("schedule", "pause", "nightly"),
        ("schedule", "delete", "nightly"),
        ("cancel", "job1"),
        ("retry", "job1"),
        ("undo",),
        ("delete", "job1"),
        ("undo",),
        ("config", "set", "max-retries", "7"),
        ("config", "unset", "max-retries"),
        ("view", "save", "mine", "state:dead"),
        ("view", "delete", "mine"),
    ):
        done = run(*words, env=env)
        assert done.code == 0, (words, done.err)

    store = opened("queuectl_operator")
    for statement in ("UPDATE schema SET version = 99", "DROP TABLE outputs", "CREATE TABLE queuectl.more (n INTEGER)"):
        with pytest.raises(StoreUnreadable):
            store.database.query(statement)


def test_a_login_without_a_role_is_denied(as_role: Callable[[str], Environment]):
    run("list", env=as_role("stranger")).refused(5, "permission denied for schema queuectl")


def test_only_the_owner_creates_or_migrates_the_store(server: Server, as_role: Callable[[str], Environment]):
    url = server.create(empty=True).replace("postgres@", "ann_queuectl_worker@")
    run("enqueue", "true", env=environment(url)).refused(5, "does not exist, and this role may not create it")
    assert run("list", env=environment(url)).code == 0
    server.drop(url)

    older = as_role("keeper")
    with psycopg.connect(older["QUEUECTL_DB"], autocommit=True) as keeper:
        keeper.execute("UPDATE queuectl.schema SET version = version - 1")
        try:
            run("list", env=as_role("queuectl_worker")).refused(5, "is of an older version, and this role may not")
        finally:
            keeper.execute("UPDATE queuectl.schema SET version = version + 1")


def test_the_reader_role_can_use_the_console(as_role: Callable[[str], Environment]):
    terminal = Terminal("tui", "--read-only", env=as_role("queuectl_reader"))
    try:
        terminal.wait_for("LIVE", 60)
        terminal.press("q")
        assert terminal.wait(60) == 0
    finally:
        terminal.close()
    assert b"permission" not in terminal.seen


def test_a_soak_without_the_right_to_create_a_database_is_refused(
    as_role: Callable[[str], Environment], tmp_path: Path
):
    done = run("selftest", "--soak", "--minutes", "0.1", env=as_role("queuectl_worker"))

    done.refused(5, "this role may not make a database for the test beside postgresql://ann_queuectl_worker@")
    assert "ALTER ROLE name CREATEDB" in done.err
    assert list((tmp_path / "data" / "queuectl").iterdir()) == [], "nothing is left of the try"
