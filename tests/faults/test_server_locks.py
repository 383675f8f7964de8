"""Jobs that another session of the server has locked for minutes, as `SELECT … FOR UPDATE` in psql does."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager

import psycopg
import pytest

from queuectl.selftest.ledger import witnessed
from tests.support.hosts import Hosts, outlasts
from tests.support.soundness import assert_sound
from tests.support.stress import began
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.queue import Queue


@pytest.fixture
def hosts(tmp_path: Path, database: str) -> Iterator[Hosts]:
    made = Hosts(tmp_path, database)
    yield made
    made.close()


@contextmanager
def locked(url: str, *ids: str) -> Iterator[int]:
    """Lock these jobs; yield the pid of the server process that holds the locks."""
    with psycopg.connect(url, application_name="psql") as keeping:
        keeping.execute("SELECT 1 FROM queuectl.jobs WHERE id = ANY (%s) FOR UPDATE", [list(ids)])
        yield keeping.info.backend_pid


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (("cancel", "other", "job"), "pending"),
        (("hold", "other", "job"), "pending"),
        (("priority", "other", "job", "5"), "pending"),
        (("edit", "job", "--queue", "q"), "pending"),
        (("release", "other", "job"), "held"),
        (("retry", "other", "job"), "cancelled"),
        (("delete", "other", "job"), "cancelled"),
        (("undo",), "cancelled"),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_a_command_on_a_locked_job_names_it_and_changes_nothing(
    hosts: Hosts, database: str, words: tuple[str, ...], state: str
):
    queue = hosts.host("one")
    for id_ in ("job", "other"):
        queue.enqueue("true", "--id", id_, "--delay", "1h")
    if state != "pending":
        queue.run({"held": "hold", "cancelled": "cancel"}[state], "job", "other")
    queue.environment["QUEUECTL_BUSY_TIMEOUT"] = "1"
    before = queue.json("list")

    with locked(database, "job") as pid:
        refused = queue.run(*words, code=5)
        looked = queue.json("list")

    assert f"job job is locked by another session of the server (server process {pid}, psql)" in refused.stderr
    assert f"pg_terminate_backend({pid})" in refused.stderr
    assert looked == queue.json("list")
    if words[0] != "cancel":  # which cancels what it can, one job after the other
        assert looked == before


def test_reads_wait_for_no_lock(hosts: Hosts, database: str):
    queue = hosts.host("one")
    queue.enqueue("true", "--id", "job")

    with locked(database, "job"):
        assert [job["id"] for job in queue.json("list")] == ["job"]
        assert queue.json("show", "job")["state"] == "pending"
        assert queue.json("status")["jobs"]["pending"] == 1
        queue.enqueue("true", "--id", "another")


def test_a_result_of_a_job_that_is_locked_is_kept_and_the_lease_renewed(hosts: Hosts, database: str, ledger: Path):
    queue = hosts.host("one")
    queue.run("config", "set", "lease", "5")
    pool = queue.start(workers=1)
    gate = queue.directory / "gate"
    queue.enqueue(witnessed(str(ledger), f"while [ ! -e {gate} ]; do sleep 0.02; done"), "--id", "job")
    wait_until(began(ledger, "job"))

    with locked(database, "job") as pid:
        gate.touch()
        wait_until(lambda: f"job job is locked by another session of the server (server process {pid}" in pool.log)
        # A worker that does not renew its lease is written off by then.
        wait_until(outlasts(7))
        assert queue.outcomes("job") == [None]

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["success"]
    assert "written off as dead" not in pool.log
    assert_sound(queue, ledger, ["job"])


def test_a_dead_worker_whose_job_is_locked_keeps_no_other_from_being_recovered(
    hosts: Hosts, database: str, ledger: Path
):
    queue = hosts.host("one")
    pool = queue.start(workers=2)
    gate = queue.directory / "gate"
    for id_ in ("locked", "free"):
        queue.enqueue(witnessed(str(ledger), f"while [ ! -e {gate} ]; do sleep 0.02; done"), "--id", id_)
        wait_until(began(ledger, id_))

    with locked(database, "locked"):
        for worker in running(queue):
            os.kill(worker, signal.SIGKILL)
        gate.touch()
        assert queue.wait_for("free") == "completed"
        wait_until(lambda: "cannot be reaped yet: job locked is locked" in pool.log)
        assert queue.state("locked") == "processing"

    assert queue.wait_for("locked") == "completed"
    assert pool.log.count("cannot be reaped yet") == 1


def running(queue: Queue) -> list[int]:
    """Return the pids of the workers."""
    return [worker.pid for worker in queue.context.store.workers.running_workers()]
