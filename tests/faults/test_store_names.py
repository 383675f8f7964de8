"""A store has one name: a second name would get a log of its own, so both names are refused."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from queuectl.runtime.locks import read_beat
from tests.support import command
from tests.support.disk import bound
from tests.support.queue import Queue
from tests.support.waiting import wait_until

pytestmark = pytest.mark.on_sqlite

EVERY = [("enqueue", "true"), ("list",), ("worker", "start", "--drain"), ("worker", "start", "--detach")]


def everything_in(directory: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(directory.rglob("*")) if file.is_file()}


def stored(queue: Queue) -> Path:
    queue.enqueue("true", "--id", "a")
    queue.context.close()
    return Path(queue.path)


@pytest.mark.parametrize("part", ["", "-wal", "-shm"])
def test_a_store_with_a_hard_link_is_refused_by_either_name_before_anything_is_written(queue: Queue, part: str):
    path = stored(queue)
    other = queue.directory / f"other.db{part}"
    os.link(f"{path}{part}", other)
    before = everything_in(queue.directory)

    for name in (path, other) if not part else (path,):
        for words in EVERY:
            command.run(*words, env=command.environment(name)).refused(5, "2 names (hard links)")

    assert everything_in(queue.directory) == before
    doctor = command.run("doctor", env=command.environment(path))
    assert doctor.code == 1
    assert "2 names (hard links)" in doctor.out
    other.unlink()
    assert queue.json("list")[0]["id"] == "a"


def test_a_store_that_is_bound_to_a_second_name_is_refused_there_before_anything_is_written(queue: Queue):
    path = stored(queue)
    with bound(path, queue.directory / "bound.db") as other:
        for words in EVERY:
            command.run(*words, env=command.environment(other)).refused(5, "is a mount point")
        doctor = command.run("doctor", env=command.environment(other))
        assert queue.json("list")[0]["id"] == "a"

    assert doctor.code == 1
    assert "is a mount point" in doctor.out
    assert [each.name for each in queue.directory.glob("bound.db*") if each.is_file()] == ["bound.db"]


def test_a_log_that_is_a_symbolic_link_is_refused(queue: Queue):
    path = stored(queue)
    os.rename(f"{path}-wal", queue.directory / "elsewhere")
    os.symlink(queue.directory / "elsewhere", f"{path}-wal")

    for words in EVERY:
        command.run(*words, env=command.environment(path)).refused(5, "-wal is not a file")


def test_a_link_that_is_made_under_live_workers_stops_all_writing_until_it_is_gone(queue: Queue):
    pool = queue.start(workers=2)
    queue.enqueue("while ! test -e go; do sleep 0.05; done; echo done", "--id", "a")
    queue.wait_for("a", "processing")
    other = queue.directory / "other.db"

    os.link(queue.path, other)

    for name in (queue.path, other):
        command.run("enqueue", "true", env=command.environment(name)).refused(5, "2 names (hard links)")
    (queue.directory / "go").touch()
    # The idle worker, the steward, and the worker that has a result to record: each logs it once.
    wait_until(lambda: pool.log.count("waiting for the store") == 3)
    assert queue.state("a") == "processing"

    other.unlink()

    assert queue.wait_for("a") == "completed"
    assert queue.outcomes("a") == ["success"]
    wait_until(lambda: pool.log.count("the store is back") == 2)
    assert pool.log.count("waiting for the store") == 3
    assert not list(queue.directory.glob("other.db*"))


def test_a_result_waits_for_the_store_through_an_ordinary_stop(queue: Queue):
    pool = queue.start()
    (worker,) = queue.workers()
    queue.enqueue("while ! test -e go; do sleep 0.05; done", "--id", "a")
    queue.wait_for("a", "processing")
    other = queue.directory / "other.db"

    os.link(queue.path, other)
    pool.send(signal.SIGTERM)
    wait_until(lambda: "stopping: waiting for 1 worker" in pool.log)
    (queue.directory / "go").touch()
    wait_until(lambda: f"{worker.info.id} waiting for the store" in pool.log)
    # It shows life after each try.
    lock = os.path.join(queue.context.run_dir.workers, worker.info.id)
    before = read_beat(lock) or 0
    wait_until(lambda: (read_beat(lock) or 0) >= before + 4 or "is not recorded" in pool.log)
    other.unlink()

    assert pool.wait() == 0
    assert "is not recorded" not in pool.log
    assert queue.outcomes("a") == ["success"]
