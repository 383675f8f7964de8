"""A store that does not exist yet: reads treat it as empty and create nothing; a missing directory is never created."""

from __future__ import annotations

import os

import pytest

from tests.support import command
from tests.support.command import environment
from tests.support.queue import Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EMPTY = [
    ("list",),
    ("history",),
    ("worker", "list"),
    ("worker", "stop"),
    ("dlq", "list"),
    ("dlq", "list", "--by-error"),
    ("view", "list"),
    ("undo", "--list"),
]
"""Commands that print nothing for an empty store."""
NUMBERS = [("status",), ("config", "list"), ("config", "get", "lease"), ("doctor",)]
"""Commands that print something for an empty store too."""
OF_A_JOB = [
    ("show", "a"),
    ("logs", "a"),
    ("logs", "--follow", "a"),
    ("wait", "a"),
    ("explain", "a"),
    ("cancel", "a"),
    ("edit", "a", "--priority", "1"),
    ("dlq", "retry", "a"),
    ("undo",),
]
CREATING = [("enqueue", "true"), ("config", "set", "lease", "40"), ("view", "save", "x", "state:dead")]


@pytest.fixture
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    """A queue on a store that does not exist: there is no file, and an empty database."""
    if request.param == "sqlite":
        made = Queue(tmp_path)
        yield made
        made.close()
        return
    server = request.getfixturevalue("server")
    url = server.create(empty=True)
    made = Queue(tmp_path, store=url)
    yield made
    made.close()
    server.drop(url)


def holds_nothing(queue: Queue) -> bool:
    """Return whether neither a file nor a schema was created."""
    if "://" not in queue.path:
        return not any(os.scandir(queue.directory))
    import psycopg

    with psycopg.connect(queue.path) as server:
        return server.execute("SELECT to_regnamespace('queuectl') IS NULL").fetchone() == (True,)


def test_a_read_prints_an_empty_result_and_one_line_that_there_is_no_store(queue: Queue) -> None:
    line = f"there is no store at {queue.context.location} yet: queuectl enqueue creates it"
    for words in EMPTY:
        done = queue.run(*words)
        assert (done.stdout, done.stderr.splitlines()) == ("", [line]), words
    assert holds_nothing(queue)


def test_a_command_that_counts_prints_zeros_and_creates_nothing(queue: Queue) -> None:
    for words in NUMBERS:
        done = queue.run(*words)
        assert done.stdout, words
        assert len(done.stderr.splitlines()) == 1, words
    assert holds_nothing(queue)


def test_a_read_with_json_prints_the_empty_document(queue: Queue) -> None:
    assert queue.json("list") == []
    assert queue.json("status")["total"] == 0
    assert holds_nothing(queue)


def test_a_job_in_a_store_that_does_not_exist_is_not_found(queue: Queue) -> None:
    line = f"hint: there is no store at {queue.context.location} yet: queuectl enqueue creates it"
    for words in OF_A_JOB:
        lines = queue.run(*words, code=3).stderr.splitlines()
        assert lines[0].startswith("error: "), words
        assert lines[1:] == [line], words
    assert holds_nothing(queue)


@pytest.mark.parametrize("words", CREATING, ids=" ".join)
def test_commands_that_write_create_the_store(queue: Queue, words: tuple[str, ...]) -> None:
    assert "no store" not in queue.run(*words).stderr
    assert "no store" not in queue.run("status").stderr


@pytest.mark.on_sqlite
def test_a_store_that_does_not_exist_cannot_be_backed_up(queue: Queue) -> None:
    queue.run("backup", "copy.db", code=3)
    assert holds_nothing(queue)


@pytest.mark.on_sqlite
def test_an_empty_file_is_left_empty_by_a_read_and_filled_by_an_enqueue(queue: Queue) -> None:
    (queue.directory / "queue.db").touch()
    assert "there is no store" in queue.run("list").stderr
    assert os.stat(queue.path).st_size == 0
    queue.run("enqueue", "true")
    assert os.stat(queue.path).st_size > 0


@pytest.mark.parametrize("words", [("list",), ("enqueue", "true"), ("config", "set", "lease", "40")], ids=" ".join)
@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_directory_that_does_not_exist_is_refused_and_not_created(
    tmp_path: Path, words: tuple[str, ...], how: str
) -> None:
    path = tmp_path / "no" / "such" / "queue.db"
    named = ("--db", str(path)) if how == "option" else ()
    done = command.run(*named, *words, env=environment(path if how == "variable" else tmp_path / "other.db"))
    done.refused(5, str(path.parent), "does not exist")
    assert not any(os.scandir(tmp_path))


def test_the_users_own_data_directory_is_created_by_a_write_and_not_by_a_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    env = environment("", QUEUECTL_DB=None, XDG_DATA_HOME=str(data))
    done = command.run("list", env=env)
    assert (done.code, done.out) == (0, "")
    assert not data.exists()
    assert command.run("enqueue", "true", env=env).code == 0
    assert (data / "queuectl" / "queue.db").exists()
