"""A damaged store: every process that meets the damage reports it in one line and exits with 5, and none crashes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import command
from tests.support.queue import Queue
from tests.support.waiting import wait_until

pytestmark = pytest.mark.on_sqlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.support.queue import Pool

READING = [("list", "--limit", "0"), ("status",), ("show", "1"), ("dlq", "list"), ("doctor", "--check")]
CHANGING = [("enqueue", "true"), ("cancel", "1"), ("worker", "start", "--drain")]
EMPTY_LOG = """
import sys
from queuectl import bootstrap
bootstrap.context(sys.argv[1]).store.database.query("PRAGMA wal_checkpoint(TRUNCATE)")
"""
SCRIBBLE = """
import os, sys

for name in sys.argv[1:]:
    with open(name, "r+b") as file:
        file.seek(4096)
        file.write(b"\\xa5" * max(0, os.stat(name).st_size - 4096))
"""


@pytest.fixture
def stored(queue: Queue) -> Path:
    """A store of a hundred pages, all of it in one file that no process has open."""
    queue.run("enqueue", "--lines", "--cwd", "/", "-f", "-", given="true\n" * 2000)
    subprocess.run([sys.executable, "-c", EMPTY_LOG, queue.path], check=True)
    for part in ("-wal", "-shm"):
        os.unlink(queue.path + part)
    return Path(queue.path)


def assert_reported(*words: str, path: Path, codes: set[int]) -> None:
    done = command.run(*words, env=command.environment(path))
    assert done.code in codes, f"{words}: exit code {done.code}: {done.err}"
    assert "Traceback" not in done.err
    assert "internal error" not in done.err
    if done.code == 5:
        assert done.err.splitlines()[-1].startswith("hint: ") or "error: " in done.err, done.err


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits_are_reported_or_harmless(stored: Path, seed: int):
    rng = random.Random(seed)
    data = bytearray(stored.read_bytes())
    for _ in range(3 ** (seed + 1)):
        # The header of the first page stays: it identifies the file as a store.
        data[rng.randrange(100, len(data))] ^= 1 << rng.randrange(8)
    stored.write_bytes(data)

    for words in (*READING, *CHANGING):
        assert_reported(*words, path=stored, codes={0, 1, 3, 4, 5})
    stored.unlink()


def test_a_value_that_no_version_ever_wrote_is_reported(stored: Path):
    stored.write_bytes(stored.read_bytes().replace(b"pending", b"pendant"))

    assert_reported("list", "--limit", "0", path=stored, codes={5})
    assert_reported("show", "1", path=stored, codes={5})
    stored.unlink()


@pytest.mark.parametrize("pages", [1, 2, 7])
def test_a_truncated_store_is_reported(stored: Path, pages: int):
    os.truncate(stored, 4096 * pages)

    for words in CHANGING:
        assert_reported(*words, path=stored, codes={5})
    assert_reported("list", "--limit", "0", path=stored, codes={5})
    stored.unlink()


def test_a_file_without_a_byte_becomes_a_store(tmp_path: Path):
    (tmp_path / "queue.db").touch(mode=0o600)
    env = command.environment(tmp_path / "queue.db")

    assert command.run("enqueue", "true", env=env).out == "1\n"
    assert command.run("worker", "start", "--drain", env=env).code == 0
    assert command.run("doctor", "--check", env=env).code == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("PRAGMA user_version = 999", "made by a newer queuectl"),
        ("PRAGMA application_id = 5", "another program's database"),
    ],
)
def test_a_pool_does_not_start_on_a_store_of_others(stored: Path, change: str, message: str):
    subprocess.run(
        [sys.executable, "-c", f"import sqlite3; sqlite3.connect({str(stored)!r}).execute({change!r})"], check=True
    )

    for words in (("worker", "start"), ("worker", "start", "--detach")):
        command.run(*words, env=command.environment(stored)).refused(5, message)
    stored.unlink()
    assert not [each for each in stored.parent.glob("queue.db.run/*/*") if each.parent.name != "bells"]


def damage(queue: Queue, *parts: str) -> None:
    """Overwrite all but the first page, in a process of its own: closing a file here would drop SQLite's locks."""
    queue.context.close()
    paths = [queue.path + part for part in parts or ("", "-wal")]
    subprocess.run([sys.executable, "-c", SCRIBBLE, *paths], check=True)


def assert_ended_by_damage(pool: Pool) -> None:
    """Assert that the pool has ended by itself, and has logged the reason once."""
    assert pool.wait(120) == 5
    assert "internal error" not in pool.log
    assert pool.log.count("the store is damaged: running jobs are ended") == 1, pool.log
    assert pool.log.count("error: ") == 1, pool.log
    assert "waiting for the store" not in pool.log, "damage does not pass"


@pytest.mark.parametrize("words", [("--drain",), ()])
def test_a_pool_whose_store_is_damaged_under_it_ends(queue: Queue, words: tuple[str, ...]):
    queue.run("enqueue", "--lines", "-f", "-", given="true\n" * 2000)
    pool = queue.start(*words)
    wait_until(lambda: "completed" in pool.log)

    damage(queue)

    assert_ended_by_damage(pool)
    Path(queue.path).unlink()


def test_an_idle_pool_whose_store_is_damaged_ends_with_its_next_poll(queue: Queue):
    queue.run("enqueue", "--lines", "-f", "-", "--delay", "1h", given="true\n" * 2000)
    pool = queue.start(workers=2)

    # No ring: the steward polls once a second.
    damage(queue)
    # A write by another process makes all of them read their cached pages again.
    queue.run("enqueue", "true", code=None)

    assert_ended_by_damage(pool)
    Path(queue.path).unlink()


@pytest.mark.parametrize("words", [("--drain",), (), ("--detach",)])
def test_a_pool_does_not_start_on_a_store_whose_due_jobs_are_damaged(stored: Path, words: tuple[str, ...]):
    data = stored.read_bytes()
    stored.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))

    done = command.run("worker", "start", *words, "--json", env=command.environment(stored))

    done.refused(5, "damaged")
    assert json.loads(done.out)["error"]["code"] == "store_unreadable"
    stored.unlink()


def test_a_job_that_runs_while_its_store_is_damaged_is_ended_with_its_pool(queue: Queue):
    queue.enqueue("echo $$ >pid; exec sleep 1000", "--id", "a")
    pool = queue.start()
    queue.busy_worker()
    wait_until(lambda: (queue.directory / "pid").exists() and (queue.directory / "pid").read_text())
    # A write by another process makes the worker read its cached pages again.
    queue.run("config", "set", "lease", "45")

    damage(queue)

    assert_ended_by_damage(pool)
    assert "this attempt of job a could not be recorded" in pool.log
    assert not Path(f"/proc/{(queue.directory / 'pid').read_text().strip()}").exists()
    Path(queue.path).unlink()
