"""A copy of a store is a store of its own: no command on the copy affects what runs for the original."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.queue import Queue
from tests.support.waiting import wait_until

pytestmark = pytest.mark.on_sqlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

JOB = "echo $$ >>pids; exec sleep 1000"


def by_backup(queue: Queue, to: Path) -> None:
    queue.run("backup", str(to))


def with_its_run_directory(queue: Queue, to: Path) -> None:
    queue.run("backup", str(to))
    # As `cp -r` and rsync do: the lock files are copied, but no process holds them.
    shutil.copytree(queue.path + ".run", f"{to}.run", ignore=shutil.ignore_patterns("bells"))


def pids(queue: Queue, least: int = 1) -> list[int]:
    file = queue.directory / "pids"
    wait_until(lambda: file.exists() and len(file.read_text().splitlines()) >= least)
    return [int(line) for line in file.read_text().split()]


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.fixture
def opened() -> Iterator[Callable[..., Queue]]:
    """Open another store, and end its pools with the test."""
    queues: list[Queue] = []

    def open_(directory: Path, store: Path) -> Queue:
        queues.append(Queue(directory, store=store))
        return queues[-1]

    yield open_
    for each in queues:
        each.close()


@pytest.mark.parametrize("copied", [by_backup, with_its_run_directory])
def test_a_doctor_and_a_pool_of_a_copy_leave_the_jobs_and_workers_of_the_original_alone(
    queue: Queue, tmp_path: Path, opened: Callable[..., Queue], copied: Callable[[Queue, Path], None]
):
    pool = queue.start(workers=2)
    for id_ in ("a", "b"):
        queue.enqueue(JOB, "--id", id_)
    running = pids(queue, 2)
    workers = {seen.info.pid for seen in queue.workers()}
    copied(queue, tmp_path / "copy.db")
    copy = opened(tmp_path, tmp_path / "copy.db")

    output = copy.run("doctor", code=1).stdout
    copy.run("doctor", "--fix")
    assert [copy.state(id_) for id_ in ("a", "b")] == ["pending", "pending"]
    copy.start(workers=2)
    again = pids(queue, 4)[2:]
    copy.run("doctor", "--fix")
    copy.run("worker", "stop", "--now")

    assert "this store is a copy" in output
    assert copy.outcomes("a") == ["lost", "released"]
    assert "of which this store is a copy" in copy.run("show", "a").stdout
    assert not any(map(lives, again)), "what the copy's own pool ran is ended with it"
    assert all(map(lives, running))
    assert {seen.info.pid for seen in queue.workers()} == workers
    assert [queue.outcomes(id_) for id_ in ("a", "b")] == [[None], [None]]
    assert "died" not in pool.log


def test_a_pool_of_a_copy_puts_back_what_the_original_runs(queue: Queue, tmp_path: Path, opened: Callable[..., Queue]):
    queue.start()
    queue.enqueue(JOB, "--id", "a")
    (running,) = pids(queue)
    by_backup(queue, tmp_path / "copy.db")
    copy = opened(tmp_path, tmp_path / "copy.db")

    copy.start()

    assert len(pids(queue, 2)) == 2
    assert copy.outcomes("a") == ["lost", None]
    assert lives(running)
    assert queue.outcomes("a") == [None]


def test_a_store_that_was_moved_is_the_same_store_and_its_old_processes_are_ended(
    queue: Queue, tmp_path: Path, opened: Callable[..., Queue]
):
    pool = queue.start()
    queue.enqueue(JOB, "--id", "a")
    (old,) = pids(queue)
    pool.kill()
    queue.context.close()
    assert lives(old)
    (tmp_path / "there").mkdir()
    for part in ("", "-wal", "-shm"):
        os.replace(queue.path + part, tmp_path / "there" / f"jobs.db{part}")

    moved = opened(tmp_path, tmp_path / "there" / "jobs.db")
    moved.start()

    wait_until(lambda: not lives(old))
    assert len(pids(queue, 2)) == 2
    assert moved.outcomes("a") == ["lost", None]


def test_a_backup_that_takes_the_place_of_its_original_ends_what_the_original_left(queue: Queue, tmp_path: Path):
    pool = queue.start()
    queue.enqueue(JOB, "--id", "a")
    (old,) = pids(queue)
    by_backup(queue, tmp_path / "copy.db")
    pool.kill()
    queue.context.close()
    for part in ("-wal", "-shm"):
        os.unlink(queue.path + part)
    os.replace(tmp_path / "copy.db", queue.path)

    queue.start()

    # Its lock in the run directory is held, and so belongs to this store, whichever file that is.
    wait_until(lambda: not lives(old))
    assert queue.outcomes("a") == ["lost", None]
