"""The last connection checkpoints the log; a database without its log, or without all content, is not replaced."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from queuectl.store.sqlite.database import SqliteDatabase
from tests.support import command
from tests.support.queue import Queue
from tests.support.waiting import wait_until

pytestmark = pytest.mark.on_sqlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PAGE = 4096
WITH_A_LOG = """
import apsw, sys
apsw.Connection(sys.argv[1]).execute(sys.argv[2] + "; PRAGMA journal_mode = WAL").fetchall()
"""


def ids(path: Path) -> list[str]:
    done = command.run("list", "--limit", "0", "--json", env=command.environment(path))
    assert done.code == 0, done.err
    return [job["id"] for job in json.loads(done.out)]


def copied(queue: Queue) -> Path:
    """The database alone, without its log."""
    return Path(shutil.copy(queue.path, queue.directory / "copy.db"))


def enqueue(queue: Queue) -> None:
    queue.enqueue("true", "--id", "a")


def drain(queue: Queue) -> None:
    enqueue(queue)
    assert queue.drain().wait(60) == 0


def stop(queue: Queue) -> None:
    queue.start(workers=2)
    enqueue(queue)
    queue.wait_for("a")
    queue.context.close()
    # Nothing of the pool has the store open once this has returned.
    queue.run("worker", "stop")


def read_after_a_pool_was_killed(queue: Queue) -> None:
    pool = queue.start(workers=2)
    enqueue(queue)
    queue.wait_for("a")
    queue.context.close()
    pool.kill()
    queue.run("list")


@pytest.mark.parametrize("leave", [enqueue, drain, stop, read_after_a_pool_was_killed])
def test_a_copy_of_the_database_alone_is_whole_once_all_have_left(queue: Queue, leave: Callable[[Queue], None]):
    leave(queue)

    copy = copied(queue)

    assert ids(copy) == ["a"]
    assert command.run("doctor", "--check", "--fix", env=command.environment(copy)).code == 0


def test_a_pool_that_was_stopped_leaves_a_log_that_no_restored_database_could_take_for_its_own(queue: Queue):
    stop(queue)

    assert Path(f"{queue.path}-wal").stat().st_size == 0


def test_a_reader_does_not_checkpoint_again(queue: Queue):
    enqueue(queue)
    before = Path(queue.path).stat().st_mtime_ns, Path(f"{queue.path}-wal").stat().st_size

    queue.run("list")

    assert (Path(queue.path).stat().st_mtime_ns, Path(f"{queue.path}-wal").stat().st_size) == before


@pytest.mark.parametrize("seed", range(5))
def test_a_power_cut_that_keeps_any_part_of_what_was_folded_in_loses_no_job(queue: Queue, seed: int):
    queue.run("enqueue", "--lines", "-f", "-", given="true\n" * 300)
    queue.start().send(15)
    wait_until(lambda: not queue.workers())
    queue.run("worker", "stop")
    queue.context.close()
    before = Path(queue.path).read_bytes()
    acknowledged = [queue.enqueue("true") for _ in range(3)]
    after = Path(queue.path).read_bytes()
    assert after != before, "it was folded in"

    # Nothing was synced, so each page may have been written or not.
    rng = random.Random(seed)
    pages = [rng.choice((before, after))[at : at + PAGE] for at in range(0, len(after), PAGE)]
    Path(queue.path).write_bytes(b"".join(page or after[:PAGE] for page in pages))
    Path(f"{queue.path}-shm").unlink()

    assert set(acknowledged) <= set(ids(Path(queue.path)))
    assert queue.json("doctor", "--check")["ok"]


def test_a_database_whose_log_is_missing_is_refused_and_left_as_it_is(tmp_path: Path):
    path = tmp_path / "copy.db"
    subprocess.run([sys.executable, "-c", WITH_A_LOG, str(path), "SELECT 1"], check=True)
    path.chmod(0o600)
    for part in ("-wal", "-shm"):
        Path(f"{path}{part}").unlink(missing_ok=True)
    before = path.read_bytes()

    for words in (("list",), ("enqueue", "true"), ("worker", "start", "--drain"), ("list",)):
        command.run(*words, env=command.environment(path)).refused(5, "its log is missing")

    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["copy.db"]
    doctor = command.run("doctor", env=command.environment(path))
    assert doctor.code == 1
    assert "its log is missing" in doctor.out


@pytest.mark.parametrize("beside", ["-wal", ".run"])
def test_a_store_that_was_cut_to_nothing_is_refused_and_left_as_it_is(queue: Queue, beside: str):
    stop(queue)
    os.truncate(queue.path, 0)
    for part in ("-wal", "-shm"):
        if part != beside:
            os.unlink(queue.path + part)

    for words in (("list",), ("enqueue", "true"), ("worker", "start", "--drain"), ("worker", "start", "--detach")):
        command.run(*words, env=queue.environment).refused(5, "has lost its contents")

    assert Path(queue.path).stat().st_size == 0
    doctor = command.run("doctor", env=queue.environment)
    assert doctor.code == 1
    assert "has lost its contents" in doctor.out


def test_a_file_of_one_byte_is_refused_and_left_as_it_is(tmp_path: Path):
    path = tmp_path / "queue.db"
    path.write_bytes(b"x")

    for words in (("list",), ("enqueue", "true"), ("worker", "start", "--drain")):
        command.run(*words, env=command.environment(path)).refused(5, "is not a queuectl store")

    assert path.read_bytes() == b"x"


class LateCommit:
    """A connection at whose last setting before the close another process commits, and leaves."""

    def __init__(self, connection: Any, commit: Callable[[], object]) -> None:
        self._connection = connection
        self._commit = commit

    def __getattr__(self, name: str) -> Any:
        if name == "file_control":
            self._commit()
        return getattr(self._connection, name)


@pytest.mark.parametrize("late", [False, True], ids=["alone", "after another commit"])
def test_a_commit_that_comes_while_a_command_closes_makes_it_wait_for_the_disk(queue: Queue, late: bool):
    enqueue(queue)
    queue.context.close()
    database = SqliteDatabase(queue.path)
    with database.transaction():
        database.run("set_config", key="lease", value="45")
    if late:
        setattr(database, "_connection", LateCommit(database._connection, lambda: commit_and_leave(queue)))  # noqa: B010

    database.close()

    # Only where SQLite has waited for the disk may it cut the log off.
    assert (Path(f"{queue.path}-wal").stat().st_size == 0) == late


def commit_and_leave(queue: Queue) -> None:
    queue.run("config", "set", "lease", "50")
