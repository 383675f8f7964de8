"""A cancel in any phase of a job: it does not run again, and the record is correct."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from queuectl.selftest.ledger import note, read, witnessed
from tests.support.queue import Queue
from tests.support.soundness import assert_sound
from tests.support.stress import began, is_over
from tests.support.waiting import PATIENCE, wait_until


def restless(ledger: Path, first: str = ":") -> str:
    return witnessed(str(ledger), f"{first}; while :; do {note(str(ledger), 'alive')}; sleep 0.05; done")


def test_a_job_that_waits_never_starts(queue: Queue, ledger: Path):
    queue.enqueue(witnessed(str(ledger), "true"), "--id", "job")

    queue.run("cancel", "job")
    assert queue.drain().wait() == 0

    assert (queue.state("job"), queue.outcomes("job")) == ("cancelled", [])
    assert read(str(ledger)) == []
    assert_sound(queue, ledger, ["job"])


def test_jobs_that_are_cancelled_while_they_are_claimed_run_at_most_once(queue: Queue, ledger: Path):
    """Ten times a worker claims a job at the moment at which it is cancelled."""
    queue.start(workers=2)
    ids = [f"job{number}" for number in range(10)]
    for number, id_ in enumerate(ids):
        # The job may be pending, claimed, running or over.
        work = "true" if number % 3 == 0 else "sleep 60"
        canceller = threading.Thread(target=queue.run, args=("cancel", id_), kwargs={"code": None})
        queue.enqueue(witnessed(str(ledger), work), "--id", id_)
        canceller.start()
        canceller.join(PATIENCE)

    wait_until(lambda: is_over(queue))
    for id_ in ids:
        assert (queue.state(id_), queue.outcomes(id_)) in (
            ("cancelled", []),
            ("cancelled", ["cancelled"]),
            ("completed", ["success"]),
        )
    assert_sound(queue, ledger, ids)


def test_a_running_job_is_ended_with_all_that_it_started(queue: Queue, ledger: Path):
    queue.start()
    child = f"while :; do {note(str(ledger), 'alive')}; sleep 0.02; done"
    queue.enqueue(restless(ledger, f"({child}) & ({child}) & true"), "--id", "job")
    wait_until(began(ledger, "job"))

    queue.run("cancel", "job")

    assert queue.wait_for("job") == "cancelled"
    assert queue.outcomes("job") == ["cancelled"]
    assert_sound(queue, ledger, ["job"])


def test_a_job_in_the_grace_of_its_timeout_is_cancelled_and_not_tried_again(queue: Queue, ledger: Path):
    queue.run("config", "set", "kill_grace", "600")
    queue.start()
    queue.enqueue(restless(ledger, "trap 'touch signalled' TERM"), "--id", "job", "--timeout", "0.3")
    wait_until((queue.directory / "signalled").exists)

    queue.run("cancel", "job", "--signal", "INT")

    assert queue.wait_for("job") == "cancelled"
    assert queue.outcomes("job") == ["cancelled"]
    assert_sound(queue, ledger, ["job"])


def test_a_second_cancel_in_the_grace_of_the_first_changes_nothing_and_kill_ends_it(queue: Queue, ledger: Path):
    queue.run("config", "set", "kill_grace", "60")
    queue.start()
    queue.enqueue(restless(ledger, "trap 'touch signalled' TERM"), "--id", "job")
    wait_until(began(ledger, "job"))

    queue.run("cancel", "job")
    wait_until((queue.directory / "signalled").exists)
    queue.run("cancel", "job")
    assert queue.outcomes("job") == [None]
    queue.run("cancel", "job", "--signal", "KILL")

    assert queue.wait_for("job") == "cancelled"
    assert queue.outcomes("job") == ["cancelled"]
    assert_sound(queue, ledger, ["job"])


def test_a_cancelled_job_whose_worker_is_killed_in_the_grace_does_not_run_again(queue: Queue, ledger: Path):
    queue.run("config", "set", "kill_grace", "60")
    queue.start()
    queue.enqueue(restless(ledger, "trap 'touch signalled' TERM"), "--id", "job")
    wait_until(began(ledger, "job"))
    queue.run("cancel", "job")
    wait_until((queue.directory / "signalled").exists)

    os.kill(queue.busy_worker(), signal.SIGKILL)

    assert queue.wait_for("job") == "cancelled"
    assert queue.outcomes("job") == ["lost"]
    assert_sound(queue, ledger, ["job"])


def test_a_cancel_while_no_worker_lives_is_carried_out_by_recovery(queue: Queue, ledger: Path):
    pool = queue.start()
    queue.enqueue(restless(ledger), "--id", "job")
    wait_until(began(ledger, "job"))
    pool.kill()

    queue.run("cancel", "job")
    queue.start()

    assert queue.wait_for("job") == "cancelled"
    assert queue.outcomes("job") == ["lost"]
    assert_sound(queue, ledger, ["job"])


def test_a_job_that_waits_for_its_retry_is_not_tried_again(queue: Queue, ledger: Path):
    queue.run("config", "set", "backoff_delay", "60")
    queue.start()
    queue.enqueue(witnessed(str(ledger), "false"), "--id", "job")
    queue.wait_for("job", "failed")

    queue.run("cancel", "job")
    queue.run("worker", "stop")
    queue.run("config", "set", "backoff_delay", "0")
    assert queue.drain().wait() == 0

    assert (queue.state("job"), queue.outcomes("job")) == ("cancelled", ["exit"])
    assert_sound(queue, ledger, ["job"])


@pytest.mark.parametrize(("work", "state"), [("true", "completed"), ("false", "dead")])
def test_a_job_that_is_over_stays_what_it_is(queue: Queue, ledger: Path, work: str, state: str):
    queue.start()
    queue.enqueue(witnessed(str(ledger), work), "--id", "job", "--max-retries", "0")
    queue.wait_for("job")

    refused = queue.run("cancel", "job", code=4)

    assert refused.stderr.startswith("error: ")
    assert queue.state("job") == state
    assert_sound(queue, ledger, ["job"])
