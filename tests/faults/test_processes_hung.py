"""Processes of a pool that are stopped, and continue after they were given up."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from queuectl.selftest.ledger import note, read, witnessed
from tests.support.queue import Queue
from tests.support.soundness import assert_sound
from tests.support.stress import all_final, began, enqueue_many, once, steward_of
from tests.support.waiting import wait_until

LEASE = 3.0


def until(moment: float) -> None:
    wait_until(lambda: time.monotonic() >= moment)


def endless_until(gate: Path, ledger: Path) -> str:
    """Return a command that writes `alive` lines until the gate exists."""
    return witnessed(str(ledger), f"while [ ! -e {gate} ]; do {note(str(ledger), 'alive')}; sleep 0.05; done")


def test_a_worker_that_continues_before_its_lease_expires_keeps_its_job(queue: Queue, ledger: Path, tmp_path: Path):
    queue.run("config", "set", "lease", str(LEASE))
    queue.start()
    queue.enqueue(endless_until(tmp_path / "gate", ledger), "--id", "job")
    worker = queue.busy_worker()
    wait_until(began(ledger, "job"))

    os.kill(worker, signal.SIGSTOP)
    until(time.monotonic() + LEASE / 4)
    os.kill(worker, signal.SIGCONT)
    (tmp_path / "gate").touch()

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["success"]
    assert_sound(queue, ledger, ["job"])


def test_workers_that_continue_around_the_moment_they_are_killed_run_nothing_twice(
    queue: Queue, ledger: Path, tmp_path: Path
):
    queue.run("config", "set", "lease", str(LEASE))
    number = 5
    queue.start(workers=number)
    ids = [f"job{each}" for each in range(number)]
    for id_ in ids:
        queue.enqueue(endless_until(tmp_path / "gate", ledger), "--id", id_)
        wait_until(began(ledger, id_))
    workers = [seen.info.pid for seen in queue.workers()]

    stopped = time.monotonic()
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    for turn, pid in enumerate(workers):
        # The steward polls once a second: it kills them between three and four and a half seconds from now.
        until(stopped + LEASE + turn * 0.35)
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            continue
    (tmp_path / "gate").touch()

    all_final(queue)
    for id_ in ids:
        assert queue.outcomes(id_) in (["success"], ["lost", "success"])
    assert_sound(queue, ledger, ids)


def test_a_stopped_steward_only_delays_recovery(queue: Queue, ledger: Path):
    pool = queue.start(workers=2)
    queue.enqueue(once(ledger, "sleep 300"), "--id", "job")
    wait_until(began(ledger, "job"))
    steward = steward_of(pool, queue)

    os.kill(steward, signal.SIGSTOP)
    os.kill(queue.busy_worker(), signal.SIGKILL)
    acknowledged = enqueue_many(queue, ledger, 10, "true", prefix="other")
    for id_ in acknowledged:
        assert queue.wait_for(id_) == "completed"
    assert queue.outcomes("job") == [None]
    os.kill(steward, signal.SIGCONT)

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["lost", "success"]
    assert_sound(queue, ledger, ["job", *acknowledged])


def test_a_stopped_supervisor_delays_no_job_and_catches_up(queue: Queue, ledger: Path):
    pool = queue.start(workers=2)
    queue.enqueue(once(ledger, "sleep 300"), "--id", "job")
    wait_until(began(ledger, "job"))

    pool.send(signal.SIGSTOP)
    os.kill(queue.busy_worker(), signal.SIGKILL)
    acknowledged = enqueue_many(queue, ledger, 10, "true", prefix="other")
    for id_ in [*acknowledged, "job"]:
        assert queue.wait_for(id_) == "completed"
    assert queue.run("worker", "stop", "--timeout", "0.3", code=124).stderr.startswith("error: ")
    pool.send(signal.SIGCONT)

    assert pool.wait() == 0
    assert queue.outcomes("job") == ["lost", "success"]
    assert_sound(queue, ledger, ["job", *acknowledged])


def test_a_pool_that_is_stopped_as_a_whole_is_taken_over_by_another(queue: Queue, ledger: Path):
    """As when a machine is suspended, but for one pool alone. Its jobs are stopped too, and are ended with it."""
    queue.run("config", "set", "lease", str(LEASE))
    pool = queue.start()
    queue.enqueue(once(ledger, f"while :; do {note(str(ledger), 'alive')}; sleep 0.05; done"), "--id", "job")
    wait_until(began(ledger, "job"))
    worker, steward = queue.busy_worker(), steward_of(pool, queue)

    for pid in (pool.process.pid, steward, worker):
        os.kill(pid, signal.SIGSTOP)
    queue.start()

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["lost", "success"]
    for pid in (steward, pool.process.pid):
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: len(queue.workers()) == 2)
    assert len({each.attempt for each in read(str(ledger))}) == 2
    assert_sound(queue, ledger, ["job"])


def switches(pid: int) -> int:
    """Return how often a process has gone to sleep by itself: that grows with each of its polls."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("voluntary"))


def test_a_steward_that_was_stopped_with_its_workers_does_not_kill_them(queue: Queue, ledger: Path, tmp_path: Path):
    lease = 4 * LEASE  # far more than the silence that the steward counts while workers are still stopped
    queue.run("config", "set", "lease", str(lease))
    pool = queue.start(workers=2)
    queue.enqueue(endless_until(tmp_path / "gate", ledger), "--id", "job")
    wait_until(began(ledger, "job"))
    before = {seen.info.id for seen in queue.workers()}
    workers, steward = [seen.info.pid for seen in queue.workers()], steward_of(pool, queue)

    for pid in (pool.process.pid, *workers, steward):
        os.kill(pid, signal.SIGSTOP)
    until(time.monotonic() + lease * 1.1)
    os.kill(steward, signal.SIGCONT)
    seen = switches(steward)
    wait_until(lambda: switches(steward) >= seen + 3)
    for pid in (*workers, pool.process.pid):
        os.kill(pid, signal.SIGCONT)
    (tmp_path / "gate").touch()

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["success"]
    assert {seen.info.id for seen in queue.workers()} == before
    assert_sound(queue, ledger, ["job"])
