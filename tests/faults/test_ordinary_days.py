"""Ordinary work for longer than any timeout of the runtime: healthy workers are not disturbed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from queuectl.runtime.liveness import WorkerState
from tests.support.queue import Queue
from tests.support.stress import alive, began, restless
from tests.support.waiting import wait_until

LEASE = 3.0
LONG = 120.0
"""Seconds that a wait may take on a loaded machine."""


def enqueue_short_jobs(queue: Queue, number: int) -> list[str]:
    lines = [json.dumps({"id": f"short{each}", "command": "sleep 0.3"}) for each in range(number)]
    return queue.run("enqueue", "-f", "-", given="\n".join(lines)).stdout.split()


def test_workers_that_go_from_one_short_job_to_the_next_show_life(queue: Queue):
    queue.run("config", "set", "lease", str(LEASE))
    pool = queue.start(workers=2)
    before = {seen.info.id for seen in queue.workers()}
    ids = enqueue_short_jobs(queue, 30)

    for id_ in ids:
        assert queue.wait_for(id_, seconds=LONG) == "completed"
        assert not [seen.info.id for seen in queue.workers() if seen.state is WorkerState.STALE]

    assert [queue.outcomes(id_) for id_ in ids] == [["success"]] * len(ids)
    assert {seen.info.id for seen in queue.workers()} == before
    assert "killed worker" not in pool.log


def test_workers_with_short_jobs_leave_when_their_supervisor_is_gone(queue: Queue):
    pool = queue.start(workers=2)
    ids = enqueue_short_jobs(queue, 200)
    wait_until(lambda: queue.state(ids[0]) == "completed", LONG)

    os.kill(pool.process.pid, signal.SIGKILL)

    wait_until(lambda: not queue.workers(), LONG)
    states = [queue.state(id_) for id_ in ids]
    assert "pending" in states, "they have worked on without a supervisor"
    assert "processing" not in states


def test_an_interrupted_job_keeps_its_place_before_those_that_wait(queue: Queue, tmp_path: Path):
    gate, order = tmp_path / "gate", tmp_path / "order"
    order.touch()
    queue.start()
    queue.enqueue(f"echo first >> {order}; [ -e {gate} ] || sleep 300", "--id", "first")
    queue.enqueue(f"echo second >> {order}", "--id", "second")
    due = queue.context.store.jobs.get("first").job.run_at
    wait_until(lambda: order.read_text() == "first\n", LONG)
    # The worker that replaces a killed one may claim before the killed one is recovered.
    queue.run("hold", "second")

    os.kill(queue.busy_worker(), signal.SIGKILL)
    wait_until(lambda: order.read_text() == "first\nfirst\n", LONG)
    queue.run("release", "second")
    queue.run("worker", "stop", "--now")

    assert queue.outcomes("first") == ["lost", "released"]
    assert queue.context.store.jobs.get("first").job.run_at == due
    gate.touch()
    queue.start()
    assert queue.wait_for("second", seconds=LONG) == "completed"
    assert order.read_text().split() == ["first", "first", "first", "second"]


def test_a_stop_now_outlives_the_supervisor_that_should_pass_it_on(queue: Queue, ledger: Path):
    pool = queue.start()
    queue.enqueue(restless(ledger), "--id", "job")
    wait_until(began(ledger, "job"), LONG)
    (worker,) = [seen.info.pid for seen in queue.workers()]
    pool.send(signal.SIGSTOP)  # so that the order reaches it too late

    queue.run("worker", "stop", "--now", "--timeout", "0.1", code=124)
    pool.send(signal.SIGKILL)

    wait_until(lambda: not alive(worker), LONG)
    assert queue.outcomes("job") == ["released"]
    assert queue.state("job") == "pending"
