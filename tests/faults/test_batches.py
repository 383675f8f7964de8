"""Batches of short jobs: what a worker has claimed together and not recorded is neither lost nor held back."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from queuectl.domain.attempt import Outcome, Result
from queuectl.domain.errors import StoreBusy, StoreUnreachable
from queuectl.domain.job import NewJob
from queuectl.domain.worker import PoolInfo, WorkerInfo
from queuectl.runtime import locks, process, system
from queuectl.runtime.assignment import Assignment, Stop, StopOrder
from queuectl.runtime.batch import Batch
from queuectl.runtime.log import Log
from queuectl.runtime.reaper import Reaper
from queuectl.runtime.result_recorder import ResultRecorder
from queuectl.runtime.store_access import StoreAccess
from queuectl.selftest.ledger import read, witnessed
from tests.support.queue import Queue
from tests.support.soundness import assert_sound
from tests.support.stress import all_final, enqueue_many
from tests.support.waiting import PATIENCE, wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from queuectl.domain.job import Job, JobState
    from queuectl.store.rows import Claim

SUCCESS = Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0)
FAILURE = Result(outcome=Outcome.EXIT, duration_ms=1, exit_code=1)
REFUSED = Result(outcome=Outcome.RELEASED, duration_ms=0, error="not started", refused=True)


class Desk:
    """A worker's batch and recorder on a real store; the test claims, starts and ends jobs."""

    def __init__(self, queue: Queue, *, host: str = "here", boot_id: str = "") -> None:
        self._queue = queue
        self.store = queue.context.open_store(actor="w", durable=False)
        here, now = queue.context, queue.context.now()
        here.run_dir.make()
        here.store.workers.add_pool(PoolInfo(id="p", host=host, pid=1, queues=(), size=1), now=now)
        worker = WorkerInfo(id="w", pool="p", host=host, boot_id=boot_id, pid=1, pid_start=1)
        here.store.workers.add_worker(worker, lease_ms=600_000, now=now)
        assignment = Assignment(id="w", pool="p", queues=(), labels=(), drain=False, supervisor=1)
        log = Log("w", quiet=True, brief=True)
        self.access = StoreAccess(
            assignment, self.store, here.run_dir, log=log, clock=here.clock, rng=random.Random(1), lease=600
        )
        self.batch = Batch()
        self.stop = StopOrder()
        self.withdrawn: list[str] = []
        self.recorder = ResultRecorder(
            self.access, self.batch, log, self.stop, sleep=lambda _: None, withdrew=self._withdrew
        )

    def _withdrew(self, claims: Sequence[Claim]) -> None:
        self.withdrawn += [claim.id for claim in claims]

    def claim(self, *ids: str) -> None:
        """Enqueue these jobs and claim them together."""
        here = self._queue.context
        here.store.jobs.enqueue([NewJob(command="true", id=id_) for id_ in ids], max_retries=3, now=here.now())
        self.batch.begin(self.access.exchange((), (), most=len(ids)).claims, wanted=len(ids))
        assert [claim.id for claim in self.batch.ahead] == [*ids]

    def start(self) -> Claim:
        return self.batch.take()

    def job(self, id_: str) -> Job:
        return self._queue.context.store.jobs.get(id_).job

    def states(self) -> dict[str, str]:
        return {each.job.id: each.job.state.value for each in self._queue.context.store.jobs.listing(limit=0)}


@pytest.fixture
def desk(queue: Queue) -> Iterator[Desk]:
    made = Desk(queue)
    yield made
    made.store.close()


def test_results_are_recorded_with_the_last_one_of_their_batch(desk: Desk):
    desk.claim("a", "b")

    desk.recorder.finish(desk.start(), SUCCESS)
    assert desk.states() == {"a": "processing", "b": "processing"}

    desk.recorder.finish(desk.start(), SUCCESS)
    assert desk.states() == {"a": "completed", "b": "completed"}
    assert desk.batch.is_settled


def test_a_failure_is_recorded_at_once_with_the_results_before_it(desk: Desk):
    desk.claim("a", "b", "c")

    desk.recorder.finish(desk.start(), SUCCESS)
    desk.recorder.finish(desk.start(), FAILURE)

    assert desk.states() == {"a": "completed", "b": "failed", "c": "processing"}
    assert [claim.id for claim in desk.batch.ahead] == ["c"], "it is the next to run"


def test_a_long_job_settles_the_batch_around_it(desk: Desk):
    desk.claim("a", "long", "b", "c")
    desk.recorder.finish(desk.start(), SUCCESS)
    long = desk.start()
    desk.batch.hurry()

    desk.recorder.settle_beside(long)

    assert desk.states() == {"a": "completed", "long": "processing", "b": "pending", "c": "pending"}
    assert desk.withdrawn == ["b", "c"]
    assert desk.job("b").fence == 0, "its first attempt is still to come"
    assert desk.batch.is_settled
    desk.recorder.finish(long, SUCCESS)
    assert desk.states()["long"] == "completed"


def test_a_store_that_is_locked_beside_a_long_job_is_tried_again(queue: Queue, desk: Desk):
    desk.claim("a", "long", "b")
    desk.recorder.finish(desk.start(), SUCCESS)
    long = desk.start()
    desk.batch.hurry()

    with queue.locked():
        desk.recorder.settle_beside(long)
        assert not desk.batch.is_settled
        assert desk.batch.due_at > time.monotonic(), "the job runs on, and its time limit must be checked"
    desk.recorder.settle_beside(long)

    assert desk.states() == {"a": "completed", "long": "processing", "b": "pending"}


def test_a_cancelled_job_of_a_batch_is_not_started(queue: Queue, desk: Desk):
    desk.claim("a", "b")
    running = desk.start()
    queue.context.store.jobs.cancel("b", signal=15, now=queue.context.now())

    desk.batch.hurry()  # as the bell does, which the cancel rings
    desk.recorder.finish(running, SUCCESS)

    assert desk.states() == {"a": "completed", "b": "cancelled"}


@pytest.mark.parametrize("level", [Stop.DRAIN, Stop.NOW])
def test_a_stop_order_withdraws_what_is_not_started(desk: Desk, level: Stop):
    desk.claim("a", "b", "c")
    running = desk.start()

    desk.stop.raise_to(level)
    desk.recorder.finish(running, SUCCESS)

    assert desk.states() == {"a": "completed", "b": "pending", "c": "pending"}


def test_a_refused_start_withdraws_what_is_not_started(desk: Desk):
    desk.claim("a", "b")

    desk.recorder.finish(desk.start(), REFUSED)

    assert desk.states() == {"a": "pending", "b": "pending"}
    assert (desk.job("a").fence, desk.job("b").fence) == (1, 0)


def test_settling_records_all_results_and_claims_nothing(desk: Desk):
    desk.claim("a", "b", "c")
    desk.recorder.finish(desk.start(), SUCCESS)

    desk.recorder.settle()

    assert desk.states() == {"a": "completed", "b": "pending", "c": "pending"}


def test_a_worker_that_must_stop_gives_up_all_results_of_the_batch(
    queue: Queue, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> None:
        raise StoreBusy("locked")

    desk.claim("a", "b")
    desk.recorder.finish(desk.start(), SUCCESS)
    running = desk.start()
    desk.stop.raise_to(Stop.NOW)
    monkeypatch.setattr(desk.access, "exchange", fail)

    desk.recorder.finish(running, SUCCESS)

    assert desk.recorder.has_given_up
    assert [claim.id for claim in desk.recorder.unrecorded()] == ["a", "b"]


@pytest.mark.on_sqlite
def test_a_cancel_that_another_jobs_poll_has_passed_over_is_found(queue: Queue, desk: Desk):
    ownership = desk.access.ownership
    desk.claim("a", "b")
    a = desk.start()
    assert ownership.poll_cancel(a, rang=False) == 0
    queue.context.store.jobs.cancel("b", signal=15, now=queue.context.now())
    assert ownership.poll_cancel(a, rang=False) == 0, "before the bell rings"

    desk.recorder.finish(a, SUCCESS)

    assert ownership.poll_cancel(desk.start(), rang=False) == 15


def test_the_wait_of_a_job_is_counted_when_it_begins(desk: Desk):
    desk.claim("a", "b", "c")
    desk.recorder.finish(desk.start(), SUCCESS)
    desk.recorder.settle()

    counted = json.loads(desk.store.events.counted())
    assert [(measure, number) for _, _, measure, _, number in counted] == [("success", 1)]


class Shared:
    """A desk on a server, whose connection the test breaks."""

    def __init__(self, url: str, directory: Path) -> None:
        self.queue = Queue(directory, store=url)
        self.desk = Desk(self.queue)

    def break_connection(self) -> None:
        pid = self.desk.store.database.query("SELECT pg_backend_pid()")[0][0]
        self.queue.context.store.database.query(f"SELECT pg_terminate_backend({pid}, 5000)")


@pytest.fixture
def shared(database: str, tmp_path: Path) -> Iterator[Shared]:
    made = Shared(database, tmp_path)
    yield made
    made.desk.store.close()
    made.queue.close()


@pytest.mark.parametrize("breaks", [0, 1, 2])
@pytest.mark.parametrize("recorded", [False, True], ids=["not recorded", "recorded"])
def test_after_lost_connections_each_result_is_recorded_and_counted_once(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, recorded: bool, breaks: int
):
    desk, logged = shared.desk, list[str]()
    exchange, has_ended = desk.access.exchange, desk.access.has_ended
    desk.claim("a", "b", "c", "d")

    def lose(*arguments: Any, **options: Any) -> None:
        monkeypatch.setattr(desk.access, "exchange", exchange)
        if recorded:
            exchange(*arguments, **options)
        shared.break_connection()
        raise StoreBusy("the answer was lost")

    def ask(claim: Claim) -> JobState | None:
        nonlocal breaks
        if claim.id == "b" and breaks:
            breaks -= 1
            shared.break_connection()
            raise StoreBusy("and again")
        return has_ended(claim)

    desk.recorder.finish(desk.start(), SUCCESS)
    desk.recorder.finish(desk.start(), SUCCESS)
    monkeypatch.setattr(desk.access, "exchange", lose)
    monkeypatch.setattr(desk.access, "has_ended", ask)
    monkeypatch.setattr(Log, "result", lambda _, id_, *__: logged.append(id_))
    desk.recorder.finish(desk.start(), FAILURE)

    assert logged == ["a", "b", "c"]
    assert desk.states() == {"a": "completed", "b": "completed", "c": "failed", "d": "processing"}
    assert [claim.id for claim in desk.batch.ahead] == ["d"]
    assert [shared.queue.outcomes(id_) for id_ in "abc"] == [["success"], ["success"], ["exit"]]


def test_a_server_that_is_gone_beside_a_long_job_costs_nothing(shared: Shared, monkeypatch: pytest.MonkeyPatch):
    def refuse() -> None:
        raise StoreUnreachable("connection refused")

    desk = shared.desk
    desk.claim("a", "long", "b")
    desk.recorder.finish(desk.start(), SUCCESS)
    long = desk.start()
    shared.break_connection()
    with monkeypatch.context() as patch:
        patch.setattr(desk.store.database, "_connect", refuse)
        desk.recorder.settle_beside(long)
    assert desk.batch.due_at > time.monotonic()

    desk.recorder.settle_beside(long)

    assert desk.states() == {"a": "completed", "long": "processing", "b": "pending"}


def test_jobs_are_locked_in_the_order_of_their_numbers(shared: Shared):
    here, desk = shared.queue.context, shared.desk
    jobs = [NewJob(command="true", id="first"), NewJob(command="true", id="urgent", priority=5)]
    here.store.jobs.enqueue(jobs, max_retries=3, now=here.now())
    desk.batch.begin(desk.access.exchange((), (), most=2).claims, wanted=2)
    desk.batch.ended.append((desk.start(), FAILURE))
    waits = threading.Event()
    desk.store.database.on_wait = waits.set

    with here.store.database.transaction():
        here.store.database.lock_jobs(["first"])
        finishing = threading.Thread(target=desk.recorder.finish, args=(desk.start(), FAILURE))
        finishing.start()
        assert waits.wait(PATIENCE)
        here.store.database.query("SELECT 1 FROM jobs WHERE id = 'urgent' FOR UPDATE NOWAIT")
    finishing.join(PATIENCE)

    assert desk.states() == {"first": "failed", "urgent": "failed"}


def test_a_locked_job_of_a_batch_does_not_hold_back_the_ones_behind_a_long_one(shared: Shared):
    here, desk = shared.queue.context, shared.desk
    desk.claim("ended", "long", "b")
    desk.recorder.finish(desk.start(), SUCCESS)
    long = desk.start()

    with here.store.database.transaction():
        here.store.database.lock_jobs(["ended"])
        desk.recorder.settle_beside(long)
        assert desk.withdrawn == ["b"]
    desk.recorder.settle_beside(long)

    assert desk.states() == {"ended": "completed", "long": "processing", "b": "pending"}


class Remains:
    """What a worker has left that died within a batch: its claims, its lock, its note."""

    def __init__(self, queue: Queue, desk: Desk) -> None:
        self.queue = queue
        self.desk = desk
        self.path = os.path.join(queue.context.run_dir.attempts, "w")
        os.close(locks.hold(os.path.join(queue.context.run_dir.workers, "w")))
        self.lock = locks.AttemptLock(self.path)

    def note(self, running: Claim, ahead: Sequence[Claim]) -> None:
        held = self.lock.take()
        self.lock.ahead = [(claim.seq, claim.fence) for claim in ahead]
        self.lock.note(held, running.seq, running.fence)
        os.close(held)

    def reap(self) -> None:
        here = self.queue.context
        with closing(here.open_store(actor="steward", durable=False)) as store:
            reaper = Reaper(store, here.run_dir, log=Log("p", quiet=True), clock=here.clock, rng=random.Random(1))
            assert reaper.reap(here.settings) == 1

    def outcomes(self, *ids: str) -> list[list[str | None]]:
        return [self.queue.outcomes(id_) for id_ in ids]


@pytest.fixture
def remains(queue: Queue) -> Iterator[Remains]:
    desk = Desk(queue, host=os.uname().nodename, boot_id=system.boot_id())
    yield Remains(queue, desk)
    desk.store.close()


def test_of_a_dead_workers_batch_only_the_running_job_is_lost(remains: Remains):
    remains.desk.claim("ended", "running", "b", "c")
    remains.desk.start()
    remains.note(remains.desk.start(), remains.desk.batch.ahead)

    remains.reap()

    assert remains.outcomes("ended", "running", "b", "c") == [["released"], ["lost"], [], []]
    assert remains.desk.states() == dict.fromkeys(("ended", "running", "b", "c"), "pending")
    events = remains.queue.context.store.events.events(limit=1)
    assert [(event.verb, event.detail) for event in events] == [("worker_died", "running")]


def test_nothing_of_a_batch_is_lost_whose_worker_died_before_it_started_one(remains: Remains):
    remains.desk.claim("before")
    before = remains.desk.start()
    remains.note(before, [])
    remains.desk.recorder.finish(before, SUCCESS)
    remains.desk.claim("a", "b")

    remains.reap()

    assert remains.outcomes("before", "a", "b") == [["success"], [], []]


def test_without_a_note_each_job_of_a_batch_may_have_ended_the_worker(remains: Remains):
    remains.desk.claim("a", "b")

    remains.reap()

    assert remains.outcomes("a", "b") == [["lost"], ["lost"]]


def test_a_note_from_before_a_crash_of_the_machine_is_not_believed(queue: Queue):
    desk = Desk(queue, host=os.uname().nodename, boot_id="another")
    remains = Remains(queue, desk)
    desk.claim("before")
    before = desk.start()
    remains.note(before, [])
    desk.recorder.finish(before, SUCCESS)
    desk.claim("crashes")

    remains.reap()

    assert remains.outcomes("crashes") == [["lost"]]
    desk.store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what a process was started with")
def test_a_job_that_runs_although_a_note_denies_it_is_ended_and_lost(
    remains: Remains, sleepers: list[subprocess.Popen[bytes]]
):
    remains.desk.claim("a", "b")
    a, b = remains.desk.batch.ahead
    identity = remains.queue.context.store.database.identity
    cookie = process.cookie("w", b.seq, b.fence, identity)
    sleepers.append(subprocess.Popen(["sleep", "1000"], env={"QUEUECTL_RUN": cookie}))
    wait_until(lambda: system.carrying(cookie))
    remains.note(a, [b])

    remains.reap()

    assert remains.outcomes("a", "b") == [["lost"], ["released"]]
    assert not system.carrying(cookie)


@pytest.fixture
def sleepers() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that the test starts."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for each in started:
        each.kill()
        each.wait()


def test_one_worker_runs_short_jobs_once_and_in_their_order(queue: Queue, ledger: Path):
    ids = enqueue_many(queue, ledger, 150, ":")

    assert queue.drain(workers=1).wait() == 0

    assert [entry.job for entry in read(str(ledger)) if entry.word == "start"] == ids
    assert {id_: queue.outcomes(id_) for id_ in ids} == {id_: ["success"] for id_ in ids}
    assert_sound(queue, ledger, ids)


def test_a_long_job_does_not_hold_back_the_short_ones_behind_it(queue: Queue, ledger: Path):
    gate = queue.directory / "gate"
    commands = [":"] * 40
    for place in (10, 25):
        commands[place] = f"while ! [ -e {gate} ]; do sleep 0.02; done"
    lines = [
        json.dumps({"id": f"job{number}", "command": witnessed(str(ledger), each)})
        for number, each in enumerate(commands)
    ]
    ids = queue.run("enqueue", "-f", "-", given="\n".join(lines)).stdout.split()
    queue.start(workers=3)

    wait_until(lambda: completed(queue) == 38)
    assert (queue.state("job10"), queue.state("job25")) == ("processing",) * 2
    gate.touch()

    all_final(queue)
    assert {id_: queue.outcomes(id_) for id_ in ids} == {id_: ["success"] for id_ in ids}
    assert_sound(queue, ledger, ids)


def completed(queue: Queue) -> int:
    return sum(number for _, state, number in queue.context.store.counts() if state == "completed")


def test_a_job_that_kills_its_worker_does_not_count_against_its_neighbours(queue: Queue, ledger: Path):
    commands = [":"] * 61
    commands[30] = "kill -9 $PPID"
    lines = [
        json.dumps({"id": f"job{number}", "command": witnessed(str(ledger), each)})
        for number, each in enumerate(commands)
    ]
    ids = queue.run("enqueue", "-f", "-", given="\n".join(lines)).stdout.split()
    queue.start(workers=1)

    all_final(queue)

    assert queue.outcomes("job30") == ["lost"] * 3
    others = {id_: queue.outcomes(id_) for id_ in ids if id_ != "job30"}
    assert {outcomes[-1] for outcomes in others.values()} == {"success"}
    assert {outcome for outcomes in others.values() for outcome in outcomes[:-1]} <= {"released"}
    assert_sound(queue, ledger, ids)


def test_a_stop_among_short_jobs_starts_none_of_those_that_are_left(queue: Queue, ledger: Path):
    ids = enqueue_many(queue, ledger, 300, ":")
    queue.start(workers=2)
    wait_until(lambda: completed(queue) >= 20)

    queue.run("worker", "stop")

    outcomes = {id_: queue.outcomes(id_) for id_ in ids}
    assert {tuple(each) for each in outcomes.values()} <= {("success",), ()}
    assert {entry.job for entry in read(str(ledger))} == {id_ for id_ in ids if outcomes[id_]}
    assert_sound(queue, ledger, ids)
