"""Processes are killed with SIGKILL at any moment: nothing is lost, run twice or left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from queuectl.runtime import system
from queuectl.selftest.ledger import read, witnessed
from tests.support import command
from tests.support.queue import Queue
from tests.support.soundness import assert_sound
from tests.support.stress import (
    Client,
    all_final,
    began,
    enqueue_many,
    kill_workers,
    once,
    restless,
    steward_of,
)
from tests.support.waiting import PATIENCE, wait_until


def has_ended(ledger: Path, id_: str) -> bool:
    return any(each.word == "end" and each.job == id_ for each in read(str(ledger)))


def is_under_way(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None or command.has_opened_its_store(process)


def test_workers_that_are_killed_while_clients_enqueue(queue: Queue, ledger: Path):
    queue.start(workers=4)
    clients = [Client(queue, ledger, f"client{number}", 12) for number in range(3)]
    for client in clients:
        client.start()
    acknowledged = enqueue_many(queue, ledger, 150, "sleep 0.1")

    kill_workers(queue, random.Random(7), least=3)

    acknowledged += [id_ for client in clients for id_ in client.finish()]
    all_final(queue)
    assert_sound(queue, ledger, acknowledged)


def test_workers_of_two_pools_that_are_killed(queue: Queue, ledger: Path):
    acknowledged = enqueue_many(queue, ledger, 120, "sleep 0.1")
    pools = [queue.start(workers=2), queue.start(workers=2)]

    kill_workers(queue, random.Random(11), least=3)

    all_final(queue)
    assert_sound(queue, ledger, acknowledged)
    for pool in pools:
        pool.send(signal.SIGTERM)
        assert pool.wait() == 0
    assert_sound(queue, ledger, acknowledged)


def test_supervisors_that_are_killed_and_started_anew(queue: Queue, ledger: Path):
    acknowledged = enqueue_many(queue, ledger, 60, "sleep 0.1")

    for _ in range(3):
        pool = queue.start(workers=2)
        queue.busy_worker()
        pool.send(signal.SIGKILL)
        pool.wait()
    queue.start(workers=2)

    all_final(queue)
    assert_sound(queue, ledger, acknowledged)


def test_whole_pools_that_are_killed_in_the_middle_of_their_jobs(queue: Queue, ledger: Path):
    acknowledged = enqueue_many(queue, ledger, 60)

    for _ in range(3):
        pool = queue.start(workers=3)
        queue.busy_worker()
        pool.kill()
    queue.start(workers=3)

    all_final(queue)
    assert_sound(queue, ledger, acknowledged)


def test_a_killed_pool_is_recovered_by_another_running_pool(queue: Queue, ledger: Path):
    doomed = queue.start()
    queue.enqueue(once(ledger, "sleep 300"), "--id", "job")
    wait_until(began(ledger, "job"))
    queue.start()

    doomed.kill()

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["lost", "success"]
    assert_sound(queue, ledger, ["job"])


def test_a_steward_that_is_killed_beside_its_worker(queue: Queue, ledger: Path):
    pool = queue.start(workers=2)
    queue.enqueue(once(ledger, "sleep 300"), "--id", "job")
    wait_until(began(ledger, "job"))
    steward, worker = steward_of(pool, queue), queue.busy_worker()

    os.kill(steward, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["lost", "success"]
    assert_sound(queue, ledger, ["job"])


def test_a_worker_that_is_killed_when_its_job_has_just_ended(queue: Queue, ledger: Path):
    """The result may have been recorded or not. Either way the job is run to its end and one result is recorded."""
    queue.start(workers=3)
    ids = [f"job{number}" for number in range(4)]
    for id_ in ids:
        queue.enqueue(witnessed(str(ledger), "echo $PPID > $QUEUECTL_JOB_ID.pid"), "--id", id_)
        wait_until(partial(has_ended, ledger, id_))
        os.kill(int((queue.directory / f"{id_}.pid").read_text()), signal.SIGKILL)

    all_final(queue)
    for id_ in ids:
        assert queue.outcomes(id_) in (["success"], ["lost", "success"])
    assert_sound(queue, ledger, ids)


def test_a_job_that_kills_its_worker_loses_no_other_job(queue: Queue, ledger: Path):
    acknowledged = enqueue_many(queue, ledger, 30)
    poison = witnessed(str(ledger), "kill -9 $PPID; sleep 300")
    for number in range(2):
        id_ = f"poison{number}"
        queue.enqueue(poison, "--id", id_, "--priority", str(number), "--max-retries", "50")
        acknowledged.append(id_)
    queue.start(workers=3)

    all_final(queue)
    states = queue.context.store.jobs
    assert {id_: states.state(id_).value for id_ in ("poison0", "poison1")} == dict.fromkeys(
        ("poison0", "poison1"), "dead"
    )
    assert queue.outcomes("poison0") == ["lost"] * 3
    assert_sound(queue, ledger, acknowledged)


def lines_of(ledger: Path, number: int, prefix: str) -> bytes:
    job = witnessed(str(ledger), "true")
    return b"".join(json.dumps({"id": f"{prefix}{each}", "command": job}).encode() + b"\n" for each in range(number))


@pytest.mark.on_sqlite  # the test for a server is in test_server.py
@pytest.mark.parametrize("after", ["begun to read", "opened its store", "begun to write"])
def test_an_enqueue_of_a_file_that_is_killed_is_all_or_nothing(queue: Queue, ledger: Path, tmp_path: Path, after: str):
    acknowledged = enqueue_many(queue, ledger, 3, "true")
    number = 30_000
    (tmp_path / "jobs").write_bytes(lines_of(ledger, number, "of-file-"))
    wal = Path(queue.path + "-wal")
    before = wal.stat().st_size if wal.exists() else 0
    moments = {
        "begun to read": lambda process: any(
            os.path.samefile(fd, tmp_path / "jobs") for fd in Path(f"/proc/{process.pid}/fd").iterdir() if fd.exists()
        ),
        "opened its store": command.has_opened_its_store,
        "begun to write": lambda _: wal.exists() and wal.stat().st_size > before + 100_000,
    }
    process = command.start("enqueue", "-f", str(tmp_path / "jobs"), env=command.environment(queue.path))

    wait_until(lambda: moments[after](process) or process.poll() is not None)
    process.kill()
    done = command.finished(process)

    stored = queue.json("status")["total"] - len(acknowledged)
    assert stored in {0, number}
    if done.out:
        assert stored == number, "what was acknowledged has been stored"
    assert_sound(queue, ledger, acknowledged + done.out.split())
    queue.enqueue(witnessed(str(ledger), "true"), "--id", "after", "--priority", "9")
    queue.start()
    assert queue.wait_for("after") == "completed"


def test_commands_that_enqueue_and_are_killed_at_any_moment_leave_one_job_or_none(queue: Queue, ledger: Path):
    queue.start()
    acknowledged, asked = [], []
    environment = command.environment(queue.path)
    for number in range(12):
        id_ = f"job{number}"
        process = command.start("enqueue", "--id", id_, witnessed(str(ledger), "true"), env=environment)
        if number % 2:
            wait_until(partial(is_under_way, process))
        process.kill()
        asked.append(id_)
        acknowledged += command.finished(process).out.split()

    all_final(queue)
    assert {each.job.id for each in queue.context.store.jobs.listing(limit=0)} <= set(asked)
    assert_sound(queue, ledger, acknowledged)


def test_leftovers_of_a_killed_pool_are_found_by_the_next_although_its_pids_were_recycled(queue: Queue, ledger: Path):
    """Processes that a stale note or a recycled pid names are not signalled."""
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as bystander:
        try:
            pool = queue.start()
            queue.enqueue(restless(ledger), "--id", "job", "--max-retries", "0")
            (worker,) = queue.context.store.workers.running_workers()
            note = Path(queue.context.run_dir.attempts, worker.id)
            wait_until(lambda: len(note.read_bytes().split()) == 3)
            pool.kill()
            started = system.start_time(bystander.pid)
            assert started is not None
            database = queue.context.store.database
            with database.transaction():
                database.query(f"UPDATE workers SET pid = {bystander.pid} WHERE id = '{worker.id}'")
                database.query(f"UPDATE pools SET pid = {bystander.pid}")
            seq, fence = note.read_bytes().split()[1:]
            with note.open("r+b") as file:
                file.write(b"%-10d %-20d %-10d\n" % (bystander.pid, int(seq), int(fence)))

            queue.start()

            wait_until(lambda: queue.outcomes("job")[:1] == ["lost"])
            queue.run("cancel", "job")
            queue.wait_for("job")
            queue.run("worker", "stop", "--now")
            assert bystander.poll() is None
            assert_sound(queue, ledger, ["job"])
        finally:
            bystander.kill()


def test_a_steward_whose_supervisor_is_killed_before_it_begins_ends(queue: Queue):
    queue.context.store.config()  # the store is there, so that nothing but the pool makes it
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.signal_at_fork", "0", "worker", "start"],
        env=queue.environment,
        cwd=queue.directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
    )

    # The end of its output, which the steward has inherited, is that of the steward too.
    assert done.returncode == -signal.SIGKILL
