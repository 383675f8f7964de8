"""A locked store, a lost doorbell: workers wait, log it once, and continue."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.queue import Queue
from tests.support.waiting import wait_until


def test_a_store_that_is_locked_for_long_stops_a_worker_only_until_it_is_released(queue: Queue, tmp_path: Path):
    queue.run("config", "set", "busy_timeout", "0.3")
    pool = queue.start()
    queue.enqueue("true", "--id", "first")
    queue.wait_for("first")
    queue.enqueue(f"until [ -e {tmp_path}/gate ]; do sleep 0.05; done", "--id", "job")
    queue.busy_worker()

    with queue.locked():
        (tmp_path / "gate").touch()
        wait_until(lambda: "locked" in pool.log)

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["success"]
    assert pool.log.count("waiting for the store") <= 2, "a worker and the steward say it once each"


def test_a_command_gives_up_on_a_lock_after_the_wait(queue: Queue):
    queue.environment["QUEUECTL_BUSY_TIMEOUT"] = "0.2"

    with queue.locked():
        done = queue.run("enqueue", "true", code=5)

    assert "locked" in done.stderr
    assert queue.json("status")["total"] == 0


def test_without_its_doorbell_a_worker_polls_the_store(queue: Queue):
    queue.start()
    for bell in Path(queue.context.run_dir.bells).iterdir():
        bell.unlink()

    queue.enqueue("true", "--id", "job")

    assert queue.wait_for("job") == "completed"


def test_a_cancel_takes_effect_without_a_doorbell(queue: Queue):
    queue.start()
    queue.enqueue("sleep 300", "--id", "job")
    queue.busy_worker()
    for bell in Path(queue.context.run_dir.bells).iterdir():
        bell.unlink()

    queue.run("cancel", "job")

    assert queue.wait_for("job") == "cancelled"


def test_a_run_directory_that_others_can_write_is_refused(queue: Queue):
    os.makedirs(queue.context.run_dir.root)
    os.chmod(queue.context.run_dir.root, 0o777)

    done = queue.run("worker", "start", "--drain", code=5)

    assert "can be written by others" in done.stderr


def test_a_planted_symlink_is_refused(queue: Queue, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    run_dir = Path(queue.context.run_dir.root)
    run_dir.parent.mkdir(parents=True, exist_ok=True)
    run_dir.symlink_to(tmp_path / "elsewhere")

    queue.run("worker", "start", "--drain", code=5)

    assert list((tmp_path / "elsewhere").iterdir()) == []
