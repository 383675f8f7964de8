"""A store that cannot be used: one clear line, exit code 5, and its files are not changed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support import command
from tests.support.command import UNPRIVILEGED_UID, as_user, environment, run, skip_unless_others_can_run_it
from tests.support.disk import fill, make_read_only, small_disk
from tests.support.queue import Queue

pytestmark = pytest.mark.on_sqlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY = [("enqueue", "true"), ("list",), ("status",), ("show", "a"), ("config", "get", "lease"), ("dlq", "list")]


def as_other_user(*words: str, store: Path) -> command.Done:
    """Run a command as another, unprivileged user; needs root."""
    skip_unless_others_can_run_it()
    process = subprocess.Popen(
        [*as_user(UNPRIVILEGED_UID), *words],
        env=environment(store),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    return command.finished(process)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory that every user can write: pytest's own is closed to others."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)


def everything_in(directory: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(directory.rglob("*")) if file.is_file()}


@pytest.mark.parametrize("words", EVERY)
def test_a_directory_is_not_a_store(tmp_path: Path, words: tuple[str, ...]):
    (tmp_path / "dir").mkdir()

    run(*words, env=environment(tmp_path / "dir")).refused(5, "is not a file")

    assert list(tmp_path.rglob("*")) == [tmp_path / "dir"]


@pytest.mark.parametrize("words", EVERY)
@pytest.mark.parametrize("text", [b"hello\n", b"SQLite format 3", b"\0" * 4096, b"SQLite format 3\0" + b"\xff" * 4080])
def test_a_foreign_file_is_refused_and_unchanged(tmp_path: Path, words: tuple[str, ...], text: bytes):
    (tmp_path / "file").write_bytes(text)

    run(*words, env=environment(tmp_path / "file")).refused(5, "file")

    assert everything_in(tmp_path) == {str(tmp_path / "file"): text}


@pytest.mark.parametrize("words", EVERY)
def test_a_database_of_another_program_is_refused_and_unchanged(tmp_path: Path, words: tuple[str, ...]):
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("CREATE TABLE jobs (seq INTEGER PRIMARY KEY, id TEXT, state TEXT)")
    database.close()
    before = everything_in(tmp_path)

    run(*words, env=environment(tmp_path / "other.db")).refused(5, "another program's database")

    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("words", EVERY)
def test_a_store_of_a_newer_version_is_refused_and_unchanged(queue: Queue, words: tuple[str, ...]):
    queue.enqueue("true")
    queue.context.close()
    with sqlite3.connect(queue.path) as database:
        database.execute("PRAGMA user_version = 999")
    database.close()
    before = everything_in(queue.directory)

    run(*words, env=queue.environment).refused(5, "made by a newer queuectl")

    after = everything_in(queue.directory)
    assert after.pop(queue.path + "-wal", b"") == b""
    after.pop(queue.path + "-shm", None)
    assert after == before
    with sqlite3.connect(queue.path) as database:
        database.execute("PRAGMA user_version = 1")
    database.close()


def test_a_damaged_store_is_an_error_and_the_doctor_names_the_cure(queue: Queue):
    queue.run("enqueue", "--lines", "-f", "-", given="true\n" * 2000)
    queue.context.close()
    with sqlite3.connect(queue.path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    with open(queue.path, "r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xa5" * 4096 * 40)

    run("list", "--limit", "0", env=queue.environment).refused(5, "damaged")

    done = run("doctor", "--json", env=queue.environment)
    assert done.code == 1
    assert any("from a backup" in (check["cure"] or "") for check in json.loads(done.out)["checks"])
    os.unlink(queue.path)


def test_a_locked_store_is_an_error_after_the_busy_timeout(queue: Queue):
    queue.enqueue("true", "--id", "before")
    env = queue.environment | {"QUEUECTL_BUSY_TIMEOUT": "0.2"}

    with queue.context.store.database.transaction():
        for words in (
            ("enqueue", "true"),
            ("cancel", "before"),
            ("config", "set", "lease", "9"),
            ("dlq", "retry", "--all"),
            ("prune", "--state", "dead", "--older-than", "0"),
        ):
            run(*words, env=env).refused(5, "locked by another process")
        assert run("list", env=env).code == 0, "reading needs no lock"

    assert queue.json("status")["jobs"]["pending"] == 1
    assert queue.json("config", "get", "lease")["origin"] == "default"


def test_an_invalid_variable_is_an_error(queue: Queue):
    env = queue.environment | {"QUEUECTL_BUSY_TIMEOUT": "soon"}

    run("list", env=env).refused(2, "QUEUECTL_BUSY_TIMEOUT", "cannot be 'soon'")


def test_a_directory_that_cannot_be_created_is_an_error(tmp_path: Path):
    (tmp_path / "file").touch()

    run("enqueue", "true", env=environment(tmp_path / "file" / "queue.db")).refused(5, "Not a directory")


def test_a_file_name_that_is_too_long_is_an_error(tmp_path: Path):
    run("enqueue", "true", env=environment(tmp_path / ("x" * 300))).refused(5, "File name too long")


def test_an_enqueue_on_a_full_disk_stores_nothing(tmp_path: Path):
    with small_disk(tmp_path / "disk", "2m") as disk:
        env = environment(disk / "queue.db")
        assert run("enqueue", "true", "--id", "before", env=env).code == 0
        fill(disk)

        for words in (("enqueue", "true"), ("enqueue", "--lines", "-f", "-")):
            run(*words, env=env, given=b"true\n" * 20_000).refused(5, "queue.db")
        (disk / "ballast").unlink()

        assert [job["id"] for job in json.loads(run("list", "--json", env=env).out)] == ["before"]
        assert run("enqueue", "true", env=env).code == 0
        assert json.loads(run("doctor", "--check", "--json", env=env).out)["checks"][-1]["ok"]


def test_a_new_store_on_a_full_disk_is_an_error_and_created_once_there_is_space(tmp_path: Path):
    with small_disk(tmp_path / "disk", "1m") as disk:
        env = environment(disk / "queue.db")
        fill(disk)

        run("enqueue", "true", env=env).refused(5)
        (disk / "ballast").unlink()

        assert run("enqueue", "true", env=env).out == "1\n"


def test_a_backup_to_a_full_disk_leaves_nothing_behind(queue: Queue, tmp_path: Path):
    queue.run("enqueue", "--lines", "-f", "-", given="true\n" * 5000)
    with small_disk(tmp_path / "disk", "200k") as disk:
        run("backup", str(disk / "copy.db"), env=queue.environment).refused(5, "no space left")

        assert list(disk.iterdir()) == []


def test_a_read_only_disk_is_an_error(tmp_path: Path):
    with small_disk(tmp_path / "disk", "4m") as disk:
        env = environment(disk / "queue.db")
        assert run("enqueue", "true", env=env).code == 0
        make_read_only(disk)

        run("enqueue", "true", env=env).refused(5, "queue.db")


def test_a_store_of_another_user_is_an_error(shared: Path):
    env = environment(shared / "queue.db")
    assert run("enqueue", "true", env=env).code == 0

    for words in EVERY:
        as_other_user(*words, store=shared / "queue.db").refused(5, "cannot be used")

    assert json.loads(run("status", "--json", env=env).out)["total"] == 1


def test_a_read_only_store_is_an_error(shared: Path):
    assert as_other_user("enqueue", "true", store=shared / "queue.db").out == "1\n"
    for file in shared.glob("queue.db*"):
        if file.is_file():
            os.chmod(file, 0o400)
    os.chmod(shared, 0o555)

    as_other_user("enqueue", "true", store=shared / "queue.db").refused(5, "cannot be used")


def test_root_refuses_the_store_of_another_user(shared: Path):
    assert as_other_user("enqueue", "true", store=shared / "queue.db").out == "1\n"

    run("list", env=environment(shared / "queue.db")).refused(5, "belongs to another user")


def test_a_symbolic_link_to_a_store_is_resolved(queue: Queue):
    queue.enqueue("true")
    os.symlink(queue.path, queue.directory / "link.db")

    env = environment(queue.directory / "link.db")

    assert json.loads(run("status", "--json", env=env).out)["total"] == 1
    assert not (queue.directory / "link.db-wal").exists()
