"""A full disk, a locked store, a lost doorbell: workers wait, say so once, and go on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.queue import Queue
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root: " + mounted.stderr.decode().strip())
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def cramped(small_disk: Path) -> Iterator[Queue]:
    """A queue on it."""
    queue = Queue(small_disk)
    yield queue
    (small_disk / "ballast").unlink(missing_ok=True)
    queue.close()


def fill(place: Path) -> None:
    """Leave no byte."""
    with (place / "ballast").open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def test_a_full_disk_stops_a_worker_only_until_it_is_freed(cramped: Queue, tmp_path: Path):
    pool = cramped.start()
    cramped.enqueue(f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo result", "--id", "job")
    cramped.busy_worker()

    fill(Path(cramped.directory))
    (tmp_path / "go").touch()
    wait_until(lambda: "waiting for the store" in pool.log)
    (Path(cramped.directory) / "ballast").unlink()

    assert cramped.wait_for("job") == "completed"
    assert cramped.json("show", "job")["stdout"] == "result\n"
    assert cramped.outcomes("job") == ["success"], "it ran once"
    wait_until(lambda: "the store is back" in pool.log)


def test_an_enqueue_on_a_full_disk_is_refused_whole(cramped: Queue):
    cramped.enqueue("true", "--id", "before")
    fill(Path(cramped.directory))

    done = cramped.run("enqueue", "--lines", "-f", "-", given="true\n" * 50_000, code=5)

    assert done.stderr.startswith("error: ")
    assert done.stdout == ""
    (Path(cramped.directory) / "ballast").unlink()
    assert cramped.json("status")["total"] == 1
    cramped.enqueue("true", "--id", "after")


def test_a_store_that_is_locked_for_long_stops_a_worker_only_until_it_is_released(queue: Queue):
    queue.run("config", "set", "busy_timeout", "0.3")
    pool = queue.start()
    queue.enqueue("true", "--id", "first")
    queue.wait_for("first")
    queue.enqueue("sleep 0.3", "--id", "job")
    queue.busy_worker()

    with queue.context.store.database.transaction():
        wait_until(lambda: "locked" in pool.log)

    assert queue.wait_for("job") == "completed"
    assert queue.outcomes("job") == ["success"]
    assert pool.log.count("waiting for the store") <= 2, "a worker and the steward say it once each"


def test_a_command_gives_up_on_a_lock_after_the_wait(queue: Queue):
    queue.environment["QUEUECTL_BUSY_TIMEOUT"] = "0.2"

    with queue.context.store.database.transaction():
        done = queue.run("enqueue", "true", code=5)

    assert "locked" in done.stderr
    assert queue.json("status")["total"] == 0


def test_without_its_doorbell_a_worker_looks_by_itself(queue: Queue):
    queue.start()
    for bell in Path(queue.context.place.bells).iterdir():
        bell.unlink()

    queue.enqueue("true", "--id", "job")

    assert queue.wait_for("job", seconds=5) == "completed"


def test_a_cancel_is_heard_without_a_doorbell(queue: Queue):
    queue.start()
    queue.enqueue("sleep 300", "--id", "job")
    queue.busy_worker()
    for bell in Path(queue.context.place.bells).iterdir():
        bell.unlink()

    queue.run("cancel", "job")

    assert queue.wait_for("job", seconds=5) == "cancelled"


def test_a_place_that_others_can_write_is_refused(queue: Queue):
    os.mkdir(queue.path + ".run", 0o777)
    os.chmod(queue.path + ".run", 0o777)

    done = queue.run("worker", "start", "--drain", code=5)

    assert "can be written by others" in done.stderr


def test_a_planted_symlink_is_refused(queue: Queue, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", queue.path + ".run")

    queue.run("worker", "start", "--drain", code=5)

    assert list((tmp_path / "elsewhere").iterdir()) == []
