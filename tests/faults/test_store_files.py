"""The store's files are deleted or replaced under live workers: no process writes to a file that is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from queuectl.selftest.leak_check import processes_of
from queuectl.selftest.ledger import read, witnessed
from tests.support.queue import Queue
from tests.support.soundness import assert_sound
from tests.support.stress import all_final, began, enqueue_many, once
from tests.support.waiting import wait_until

pytestmark = pytest.mark.on_sqlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.support.queue import Pool


def delete(queue: Queue, *parts: str) -> None:
    for part in parts:
        os.unlink(queue.path + part)


def assert_left(pool: Pool, queue: Queue) -> None:
    """Assert that the pool has ended by itself and ended its jobs, and has logged the reason."""
    assert pool.wait(30) == 5
    assert pool.log.count("running jobs are ended") == 1, pool.log
    assert pool.log.count("error: ") == 1, pool.log
    assert "deleted or replaced" in pool.log.splitlines()[-2], pool.log
    assert not processes_of(os.path.realpath(queue.path))


@pytest.mark.parametrize("parts", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_a_log_that_is_deleted_under_workers_loses_no_job(queue: Queue, ledger: Path, parts: tuple[str, ...]):
    acknowledged = enqueue_many(queue, ledger, 40)
    pool = queue.start(workers=2)
    queue.enqueue(once(ledger, "sleep 300"), "--id", "long", "--priority", "5")
    wait_until(began(ledger, "long"))
    wait_until(lambda: len(read(str(ledger))) > 12)
    queue.context.close()

    delete(queue, *parts)

    # It waits until the workers have exited: they save what is in the log.
    acknowledged.append(queue.enqueue(witnessed(str(ledger), "true"), "--id", "after"))
    assert_left(pool, queue)
    queue.start(workers=2)
    all_final(queue)
    assert_sound(queue, ledger, [*acknowledged, "long"])
    assert queue.outcomes("long") == ["lost", "success"]


def test_a_store_that_is_deleted_under_workers_is_not_mixed_up_with_the_next(
    queue: Queue, ledger: Path, tmp_path: Path
):
    enqueue_many(queue, ledger, 40, prefix="old")
    pool = queue.start(workers=2)
    queue.enqueue("echo of the old; sleep 300", "--id", "long", "--priority", "5")
    queue.busy_worker()
    queue.context.close()

    delete(queue, "")

    acknowledged = enqueue_many(queue, tmp_path / "new ledger", 40, prefix="new")
    assert_left(pool, queue)
    queue.start(workers=2)
    all_final(queue)
    assert_sound(queue, tmp_path / "new ledger", acknowledged)
    assert queue.json("status")["total"] == 40
    assert "of the old" not in queue.run("logs", acknowledged[0]).stdout


def test_a_store_that_is_replaced_under_workers_is_not_mixed_up_with_the_other(queue: Queue, ledger: Path):
    queue.enqueue("true", "--id", "of-the-copy", "--queue", "elsewhere")
    queue.run("backup", str(queue.directory / "copy.db"))
    enqueue_many(queue, ledger, 40)
    pool = queue.start(workers=2)
    wait_until(lambda: len(read(str(ledger))) > 12)
    queue.context.close()

    os.replace(queue.directory / "copy.db", queue.path)

    assert_left(pool, queue)
    assert [job["id"] for job in queue.json("list")] == ["of-the-copy"]
    assert Path(queue.path + "-wal.old").stat().st_size > 0, "the log of the other store is kept"
    assert queue.json("doctor", "--check")["checks"][-1]["ok"]
    queue.start()
    assert queue.wait_for("of-the-copy") == "completed"


def test_a_worker_without_a_job_notices_too(queue: Queue):
    pool = queue.start()
    queue.context.close()

    delete(queue, "", "-wal", "-shm")

    assert_left(pool, queue)
    assert not Path(queue.path).exists(), "no process has created a new one"


def test_the_log_of_a_store_that_is_gone_is_kept_and_not_read(queue: Queue):
    queue.enqueue("true", "--id", "old")
    queue.context.close()
    delete(queue, "")

    assert queue.enqueue("true", "--id", "new") == "new"

    assert [job["id"] for job in queue.json("list")] == ["new"]
    assert Path(queue.path + "-wal.old").stat().st_size > 0


def test_a_command_does_not_begin_a_new_log_beside_one_that_is_used(queue: Queue):
    queue.environment["QUEUECTL_BUSY_TIMEOUT"] = "0.2"
    queue.enqueue("true", "--id", "job")
    used = queue.context.store
    delete(queue, "-wal")

    done = queue.run("enqueue", "true", code=5)

    assert f"has been deleted while it was in use, by process {os.getpid()}" in done.stderr
    assert not Path(queue.path + "-wal").exists()
    assert [each.job.id for each in used.jobs.listing(limit=0)] == ["job"]
