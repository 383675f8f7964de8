"""Features and failures that only a store on a server has."""

from __future__ import annotations

import random
import threading
import time

import psycopg
import pytest

from queuectl.domain.attempt import Outcome, Result
from queuectl.domain.clock import Clock
from queuectl.domain.errors import (
    Refused,
    StoreBusy,
    StoreError,
    StoreUnreachable,
    StoreUnreadable,
    UsageError,
)
from queuectl.domain.job import JobState, NewJob
from queuectl.store.postgres.database import PostgresDatabase
from queuectl.store.postgres.dialect import statements
from queuectl.store.queries import load
from queuectl.store.store import Store
from tests.support.proxy import Proxy
from tests.support.store_driver import BACKOFF, Stage, finish_and_claim, printed
from tests.support.waiting import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from queuectl.store.rows import Claim
    from tests.support.postgres import Server


@pytest.fixture
def stores(database: str) -> Iterator[Callable[..., Store]]:
    """A function that opens the store once more."""
    opened: list[Store] = []

    def another(*, wait: float = 30) -> Store:
        opened.append(Store(PostgresDatabase(database, wait=wait), actor="tester@here"))
        return opened[-1]

    yield another
    for each in opened:
        each.close()


@pytest.fixture
def stage(stores: Callable[..., Store]) -> Iterator[Stage]:
    made = Stage(stores(), "w", "w1")
    yield made
    made.check()


def test_setting_this_machines_clock_changes_no_recorded_time(
    stores: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
):
    clock = Clock(stores().database)
    before = clock.now()
    wrong = time.time_ns() + 86_400 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: wrong)
    assert 0 <= clock.now() - before < 60_000
    assert 0 <= Clock(stores().database).now() - before < 60_000


def pid_of(store: Store) -> int:
    ((pid,),) = store.database.query("SELECT pg_backend_pid()")
    return int(pid)


def test_every_statement_compiles(stage: Stage):
    for name, statement in statements().items():
        if name.startswith("all_of_"):
            continue
        text = statement.text
        types = ", ".join("bigint" if parameter == "now" else "unknown" for parameter in statement.parameters)
        for place, parameter in enumerate(statement.parameters, 1):
            text = text.replace(f"%({parameter})s", f"${place}")
        stage.store.database.query(f"PREPARE one {f'({types})' if types else ''} AS {text.replace('%%', '%')}")
        stage.store.database.query("DEALLOCATE one")
    for text in load("postgresql", "invariants.sql").values():
        stage.store.database.query(f"EXPLAIN {text}")


def test_the_columns_of_a_stream_are_those_of_the_statement():
    columns = statements()["all_of_insert_job"].text.partition("(")[2].partition(")")[0].split(",")

    assert tuple(column.strip() for column in columns) == statements()["insert_job"].parameters


def test_two_simultaneous_claims_get_two_jobs_without_waiting(stage: Stage, stores: Callable[..., Store]):
    stage.enqueue("a", "b", "c")
    other = stores(wait=0.2)

    with stage.store.database.transaction():
        first = stage.store.database.rows("claim_due", worker="w", session=0, now=stage.now)[0]
        second = other.claims().claim("w1", now=stage.now)
        third = other.claims(["default"]).claim("w1", now=stage.now)

    assert (first[1], second and second.id, third and third.id) == ("a", "b", "c")


@pytest.mark.parametrize("queues", [(), ("default",)], ids=["one statement", "several"])
def test_a_query_for_a_workers_jobs_waits_for_its_uncommitted_claim(
    stage: Stage, stores: Callable[..., Store], queues: tuple[str, ...]
):
    stage.enqueue("a")
    other = stores()
    found: list[Claim] = []
    reached = threading.Event()
    other.database.on_wait = reached.set
    asking = threading.Thread(target=lambda: found.extend(other.claims().take_stock("w")))

    # Its commit is delayed, as by a synchronous standby, and its claim is not visible yet.
    late = stores().claims(queues)
    with late._database.transaction():
        assert late._may_claim("w")
        assert late._take("w", stage.now)
        asking.start()
        assert reached.wait(PATIENCE)
        assert not found
    asking.join(PATIENCE)

    assert [claim.id for claim in found] == ["a"]
    stage.finish(found[0])


@pytest.mark.parametrize("queues", [(), ("default",)], ids=["one statement", "several"])
def test_a_claim_of_an_older_session_claims_nothing(
    stage: Stage, stores: Callable[..., Store], queues: tuple[str, ...]
):
    stage.enqueue("a", "b")
    old, new = stores().claims(queues), stores().claims(queues)
    claim = old.claim("w", now=stage.now)
    assert claim is not None

    assert [held.id for held in new.take_stock("w")] == ["a"]

    result = Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0)
    late = finish_and_claim(old, claim, "w", result, now=stage.now)
    assert late[1] is None
    old.exchange((), "w", withdrawn=[claim], most=1, backoff=BACKOFF, random=random.Random(1), now=stage.now)
    assert old.claim("w", now=stage.now) is None
    following = new.claim("w", now=stage.now)
    assert following is not None
    assert following.id == "b"
    for held in stage.store.claims().held_by("w"):
        stage.finish(held)


def test_a_worker_that_has_stopped_claims_nothing(stage: Stage):
    stage.enqueue("a")
    stage.store.workers.stop_worker("w", now=stage.now)
    assert stage.claim("w") is None
    assert stage.claim("w", "default") is None


def test_enqueues_do_not_wait_for_each_other(stage: Stage, stores: Callable[..., Store]):
    other = stores(wait=0.2)

    with stage.store.database.transaction():
        stage.store.database.allocate_seqs(1)
        assert other.jobs.enqueue([NewJob(command="true")], max_retries=3, now=stage.now) == ["2"]

    assert stage.enqueue(NewJob(command="true")) == ["3"], "what was drawn and not used is left out"


def test_a_lock_held_for_longer_than_the_wait_is_reported(stage: Stage, stores: Callable[..., Store]):
    stage.enqueue("a")
    hasty = stores(wait=0.05)
    waited: list[int] = []
    hasty.database.on_wait = lambda: waited.append(1)

    with stage.store.database.transaction():
        stage.store.database.lock_jobs(["a"])
        with pytest.raises(StoreBusy):
            hasty.jobs.cancel("a", signal=15, now=stage.now)

    assert waited, "who waits shows that it lives"
    hasty.jobs.cancel("a", signal=15, now=stage.now)
    assert stage.store.jobs.state("a") is JobState.CANCELLED


def test_a_cancel_of_a_job_that_is_being_claimed_reaches_its_worker(stage: Stage, stores: Callable[..., Store]):
    stage.enqueue("a")
    other = stores()
    owners: list[list[str]] = []
    cancelling = threading.Thread(target=lambda: owners.append(other.jobs.cancel("a", signal=15, now=stage.now)[0]))
    reached = threading.Event()
    other.database.on_wait = reached.set

    with stage.store.database.transaction():
        assert stage.store.database.rows("claim_due", worker="w", session=0, now=stage.now)
        cancelling.start()
        assert reached.wait(PATIENCE)
    cancelling.join(PATIENCE)

    assert owners == [["w"]]
    assert stage.store.jobs.get("a").job.cancel_requested == 15


def test_a_success_that_waits_for_its_jobs_lock_locks_no_other_job(stage: Stage, stores: Callable[..., Store]):
    stage.enqueue("a", "b")
    claim = stage.take()
    other = stores()
    results: list[tuple[JobState | None, Claim | None]] = []
    reached = threading.Event()
    other.database.on_wait = reached.set
    result = Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0, stdout=printed("out"), stderr=printed("err"))
    finishing = threading.Thread(
        target=lambda: results.append(finish_and_claim(other.claims(), claim, "w", result, now=stage.now))
    )

    with stage.store.database.transaction():
        # Like every change of several jobs, in the order of their numbers.
        stage.store.database.lock_jobs(["a"])
        finishing.start()
        assert reached.wait(PATIENCE)
        stage.store.database.lock_jobs(["b"])
        assert stage.store.database.rows("cancel_processing", id="a", signal=15, now=stage.now)
    finishing.join(PATIENCE)

    ((state, following),) = results
    assert (state, following and following.id) == (JobState.COMPLETED, "b")
    assert [output.head for output in stage.store.jobs.output(claim.seq, 1)] == [b"out", b"err"]
    assert stage.counts() == {"completed": 1, "processing": 1}
    assert following
    stage.finish(following)


def test_an_undo_notices_an_id_that_was_reused_after_its_check(stage: Stage, stores: Callable[..., Store]):
    ids = stage.enqueue("a", "b")
    for _ in ids:
        stage.run()
    with stage.store.undo.keeping("delete", now=stage.now):
        stage.store.jobs.delete(ids, now=stage.now)
    other, reached, taken = stores(), threading.Event(), []
    other.database.on_wait = reached.set
    undoing = threading.Thread(target=lambda: taken.append(other.undo.take_back(None, now=stage.now)))

    with stage.store.database.transaction():
        stage.store.database.query(
            "INSERT INTO jobs (seq, id, command, queue, max_retries, run_at, created_at, updated_at) "
            "VALUES (nextval('numbers'), 'a', 'true', 'default', 3, 0, 0, 0)"
        )
        undoing.start()
        assert reached.wait(PATIENCE)
    undoing.join(PATIENCE)

    assert [id_ for id_, _ in taken[0].jobs] == ["b"]
    assert taken[0].left == (("a", "another job has that id now"),)


def test_prune_does_not_take_a_job_that_is_being_retried(stage: Stage, stores: Callable[..., Store]):
    stage.enqueue("a")
    stage.run()
    other = stores()
    gone: list[int] = []
    reached = threading.Event()
    other.database.on_wait = reached.set
    later = stage.now + 1
    pruning = threading.Thread(
        target=lambda: gone.append(other.jobs.prune(JobState.COMPLETED, before=later, now=later))
    )

    with stage.store.database.transaction():
        assert stage.store.database.rows("retry_job", id="a", now=stage.now)
        pruning.start()
        assert reached.wait(PATIENCE)
    pruning.join(PATIENCE)

    assert gone == [0]
    assert stage.store.jobs.state("a") is JobState.PENDING


def test_prune_and_workers_do_not_wait_for_each_other(stage: Stage, stores: Callable[..., Store]):
    stage.enqueue("old", "older")
    stage.run()
    stage.run()
    stage.enqueue("a", "b")
    held = stage.take()
    hasty = stores(wait=0.2)
    later = stage.now + 1
    result = Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0)

    with stage.store.database.transaction():
        pruned = stage.store.database.rows("prune", state="completed", after=0, before=later, limit=1)
        state, following = finish_and_claim(hasty.claims(), held, "w", result, now=later)
    assert (len(pruned), state, following and following.id) == (1, JobState.COMPLETED, "b")

    assert following
    with stage.store.database.transaction():
        stage.store.claims().record(following, "w", result, backoff=BACKOFF, random=random.Random(1), now=later)
        assert hasty.jobs.prune(JobState.COMPLETED, before=later, now=later) == 2, "what is not committed is not there"

    assert stage.counts() == {"completed": 1}


def test_counters_are_right_before_and_after_they_are_folded(stage: Stage):
    stage.enqueue(*(f"job{n}" for n in range(5)))
    stage.run()
    stage.run(Outcome.EXIT)
    before = stage.counts()

    stage.store.database.compact()

    assert stage.counts() == before == {"pending": 3, "completed": 1, "failed": 1}
    assert stage.store.database.query("SELECT count(*) FROM counted_since") == [(0,)]


def test_counts_of_workers_are_added_one_after_the_other(stage: Stage, stores: Callable[..., Store]):
    stage.enqueue("a", "b", "c")
    claims, other = stage.store.claims(), stores()
    theirs = other.claims()
    result = Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0)
    for each, worker in ((claims, "w"), (theirs, "w1")):
        claim = each.claim(worker, now=stage.now)
        assert claim is not None
        each.finish(claim, worker, result, backoff=BACKOFF, random=random.Random(1), now=stage.now)
    reached = threading.Event()
    other.database.on_wait = reached.set
    writing = threading.Thread(target=lambda: theirs.write_down("w1", completed=1))

    with stage.store.database.transaction():
        claims.write_down("w", completed=1)
        writing.start()
        assert reached.wait(PATIENCE)
    writing.join(PATIENCE)
    claims.write_down("w", failed=1)

    assert stage.store.events.since(0)["success"] == 2
    assert stage.store.workers.tally("pool") == (2, 1)


@pytest.mark.parametrize("written", [True, False], ids=["written", "not written"])
def test_counts_of_a_worker_are_stored_once_when_its_connection_is_lost(stage: Stage, database: str, *, written: bool):
    stage.enqueue("a", "b")
    result = Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0)
    with Proxy(database) as way:
        store = Store(PostgresDatabase(way.url), actor="tester@here")
        claims = store.claims()
        for job, words in (("a", b"INSERT 0"), ("b", b"")):
            claim = claims.claim("w", now=stage.now)
            assert claim is not None
            assert claim.id == job
            claims.finish(claim, "w", result, backoff=BACKOFF, random=random.Random(1), now=stage.now)
            if not words:
                claims.write_down("w", completed=1)
                continue
            if written:
                way.lose_the_next_answer_with(words)
            else:
                claims.write_down("w")
                way.cut()
            with pytest.raises(StoreUnreachable):
                claims.write_down("w", completed=1)
            assert claims.owes_a_tally
            if written:
                assert stage.store.workers.tally("pool") == (1, 0), "the server has done what it was asked for"
        store.close()

    assert not claims.owes_a_tally
    assert stage.store.workers.tally("pool") == (2, 0)
    assert stage.store.events.since(0)["success"] == 2


def test_two_sessions_can_fold_counters_at_once(stage: Stage, stores: Callable[..., Store]):
    stage.enqueue("a")
    other = stores(wait=0.2)

    with stage.store.database.transaction():
        stage.store.database.compact()
        other.database.compact()
        other.jobs.enqueue([NewJob(command="true")], max_retries=3, now=stage.now)

    stage.store.database.compact()
    assert stage.counts() == {"pending": 2}


def test_a_read_does_not_change_the_change_number(stage: Stage, stores: Callable[..., Store]):
    stage.enqueue("a")
    other = stores()
    seen = stage.store.changed()

    list(other.jobs.listing(limit=0))
    other.counts()
    assert other.claims().claim("w", now=0) is None, "nothing is due"

    assert stage.store.changed() == seen


def test_a_write_is_noticed_when_it_is_committed(stage: Stage, stores: Callable[..., Store]):
    other = stores()
    with other.database.transaction():
        other.database.run("set_config", key="lease", value="20")
        seen = stage.store.changed()
        assert stage.store.changed() == seen

    assert stage.store.changed() != seen


def test_a_commit_after_a_failed_statement_is_an_error(stage: Stage):
    def fail_in_it() -> None:
        with stage.store.database.transaction():
            stage.store.database.run("set_config", key="lease", value="20")
            with pytest.raises(StoreError):
                stage.store.database.query("SELECT 1 / 0")

    with pytest.raises(StoreError, match="rolled back"):
        fail_in_it()

    assert stage.store.config() == {}


def test_a_connection_closed_between_two_transactions_is_reopened(stage: Stage, stores: Callable[..., Store]):
    stage.enqueue("a")
    pid = pid_of(stage.store)
    stores().database.query(f"SELECT pg_terminate_backend({pid}, 5000)")

    assert stage.enqueue("b") == ["b"]
    assert pid_of(stage.store) != pid


def test_a_transaction_on_a_lost_connection_leaves_nothing(stage: Stage, stores: Callable[..., Store]):
    pid = pid_of(stage.store)
    other = stores()

    def be_cut_off() -> None:
        with stage.store.database.transaction():
            stage.store.database.run("set_config", key="lease", value="20")
            other.database.query(f"SELECT pg_terminate_backend({pid}, 5000)")
            stage.store.database.run("set_config", key="backoff_base", value="3")

    with pytest.raises(StoreUnreachable):
        be_cut_off()

    assert other.config() == {}


def test_an_unreachable_server_is_reported_without_the_password(server: Server):
    with pytest.raises(StoreUnreachable) as unreachable:
        PostgresDatabase("postgresql://ann:geheim@localhost:1/db")
    assert "postgresql://ann@localhost:1/db" in unreachable.value.message
    assert "geheim" not in unreachable.value.message

    with pytest.raises(StoreUnreadable, match="does not exist"):
        PostgresDatabase(server.url("nowhere"))
    for wrong in ("postgresql://ann:ge%heim@localhost/db", "postgresql://localhost/db?geheim=1"):
        with pytest.raises(UsageError) as misread:
            PostgresDatabase(wrong)
        assert "heim" not in misread.value.message.replace(wrong, "")


def test_a_backup_is_refused(stage: Stage):
    with pytest.raises(Refused) as refused:
        stage.store.backup("copy", lambda _left, _all: None)

    assert refused.value.hint
    assert "pg_dump --schema=queuectl" in refused.value.hint


def test_a_healthy_server_needs_no_cure_but_for_what_the_tests_switch_off(stage: Stage):
    found = {finding.name: finding for finding in stage.store.findings(thorough=True)}

    assert {name for name, finding in found.items() if finding.cure} == {"durability", "vacuum"}
    assert found["server"].detail.startswith("PostgreSQL 18")
    assert found["indexes"].detail == "every index can be used"


def test_half_of_a_surrogate_pair_is_refused_before_anything_is_stored(stage: Stage):
    for many in (1, 50):
        with pytest.raises(UsageError, match="surrogate pair"):
            stage.enqueue(*[NewJob(command="echo \ud800")] * many)

    assert stage.counts() == {}


def test_a_role_that_may_only_use_the_schema_runs_the_queue(server: Server):
    url = server.create(empty=True)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS runner")
        admin.execute("CREATE ROLE runner LOGIN; CREATE SCHEMA queuectl AUTHORIZATION runner")

    store = Store(PostgresDatabase(url.replace("postgres@", "runner@")), actor="tester@here")

    assert store.jobs.enqueue([NewJob(command="true")], max_retries=3, now=1) == ["1"]
    store.close()
    server.drop(url)


def test_a_lost_worker_whose_job_is_locked_is_skipped_without_waiting(stage: Stage, stores: Callable[..., Store]):
    stage.enqueue("a")
    stage.take()
    stage.store.database.query("UPDATE workers SET lease_until = 0")
    leases, keeping = stage.store.leases, stores(wait=0.2)

    def write_off() -> tuple[str, ...] | None:
        off = leases.write_off("w", stage.store.claims(), backoff=BACKOFF, random=random.Random(1), now=stage.now)
        return None if off is None else off.jobs

    with keeping.database.transaction():
        keeping.database.lock_jobs(["a"])
        assert write_off() is None
        assert "w" in leases.expired()

    assert write_off() == ("a",)
    assert stage.store.jobs.state("a") is JobState.PENDING
