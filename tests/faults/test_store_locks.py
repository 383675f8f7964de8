"""A process holds the store's lock, or an old state of it: others wait, no worker is killed, the log shrinks again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from queuectl.selftest.ledger import read, witnessed
from tests.support.queue import Queue
from tests.support.soundness import assert_sound
from tests.support.stress import all_final, began, enqueue_many
from tests.support.waiting import wait_until

pytestmark = pytest.mark.on_sqlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LEASE = 3.0
"""The shortest lease allowed."""
WRITE_LOCK = 120
"""The byte of the -shm that a writer locks: part of SQLite's file format."""


def holds_the_write_lock(pid: int, queue: Queue) -> bool:
    inode = str(os.stat(queue.path + "-shm").st_ino)
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if "->" in fields or fields[4] != str(pid) or fields[5].rpartition(":")[2] != inode:
            continue
        if fields[3] == "WRITE" and int(fields[6]) <= WRITE_LOCK <= int(fields[7]):
            return True
    return False


def stop_a_writer(queue: Queue) -> int:
    """Stop a worker in the middle of a write transaction; return its pid."""
    rng = random.Random(5)

    def stopped() -> int | None:
        pid = rng.choice(queue.context.store.workers.running_workers()).pid
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        if holds_the_write_lock(pid, queue):
            return pid
        os.kill(pid, signal.SIGCONT)
        return None

    return wait_until(stopped)


def test_a_worker_that_is_stopped_within_a_transaction_is_killed_and_the_others_go_on(queue: Queue, ledger: Path):
    queue.run("config", "set", "lease", str(LEASE))
    acknowledged = enqueue_many(queue, ledger, 300, "head -c 1000000 /dev/zero")
    pool = queue.start(workers=3)

    stopped = stop_a_writer(queue)

    wait_until(lambda: "killed worker" in pool.log)
    all_final(queue)
    assert f"(pid {stopped}): no sign of life" in pool.log
    assert pool.log.count("killed worker") == 1, "those who waited for the lock have shown life"
    assert_sound(queue, ledger, acknowledged)


HOLDER = """
import sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process_writes(queue: Queue) -> Iterator[None]:
    """Run another process that holds the write lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, queue.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield
        finally:
            process.stdin.close()


def test_a_lock_that_is_held_for_longer_than_every_timeout_kills_no_worker(queue: Queue, ledger: Path):
    queue.environment["QUEUECTL_BUSY_TIMEOUT"] = "0.3"
    queue.run("config", "set", "lease", str(LEASE))
    acknowledged = enqueue_many(queue, ledger, 30, "sleep 0.2")
    pool = queue.start(workers=2)
    wait_until(lambda: len(read(str(ledger))) > 6)

    with another_process_writes(queue):
        over = time.monotonic() + LEASE * 2
        wait_until(lambda: time.monotonic() > over)
        queue.run("enqueue", "true", code=5)

    all_final(queue)
    assert_sound(queue, ledger, acknowledged)
    assert "killed worker" not in pool.log
    assert "died" not in pool.log
    assert pool.log.count("waiting for the store") <= 3, "each of them says it once"
    assert max(entry.attempt for entry in read(str(ledger))) == 1


def test_a_job_that_ends_while_the_store_is_locked_and_whose_worker_is_killed_runs_again(
    queue: Queue, ledger: Path, tmp_path: Path
):
    queue.run("config", "set", "busy_timeout", "0.3")
    pool = queue.start()
    queue.enqueue(witnessed(str(ledger), f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"), "--id", "job")
    wait_until(began(ledger, "job"))
    worker = queue.busy_worker()

    with another_process_writes(queue):
        (tmp_path / "go").touch()
        wait_until(lambda: "waiting for the store" in pool.log)
        os.kill(worker, signal.SIGKILL)

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["lost", "success"]
    assert_sound(queue, ledger, ["job"])


def test_the_log_shrinks_once_no_process_reads_an_old_state(queue: Queue, ledger: Path):
    work = "head -c 300000 /dev/zero"
    log = Path(queue.path + "-wal")
    acknowledged = enqueue_many(queue, ledger, 5, work, prefix="before")
    queue.start(workers=2)
    all_final(queue)
    # With the driver of this process's other connection: a second SQLite library would drop the locks of the first.
    reader = apsw.Connection(queue.path)
    reader.execute("BEGIN").fetchall()
    assert reader.execute("SELECT count(*) FROM jobs").get == 5

    acknowledged += enqueue_many(queue, ledger, 120, work, prefix="beside")
    all_final(queue)
    assert log.stat().st_size > 15_000_000, "the reader keeps it from being truncated"
    reader.execute("ROLLBACK").fetchall()
    reader.close()

    wait_until(lambda: log.stat().st_size <= 11_000_000)
    assert_sound(queue, ledger, acknowledged)
