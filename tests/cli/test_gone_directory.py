"""A shell whose directory has been removed: no job is stored that would run in another one."""

from __future__ import annotations

import subprocess

import pytest

from tests.support import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.queue import Queue

GONE = "the current directory is gone"
FORMS = {
    "a command": (("enqueue", "true"), None),
    "an argv": (("enqueue", "--", "true"), None),
    "an object": (("enqueue", '{"command": "true"}'), None),
    "an object without a directory": (("enqueue", '{"command": "true", "cwd": null}'), None),
    "this directory": (("enqueue", "-C", ".", "true"), None),
    "a relative directory": (("enqueue", "--cwd", "tmp", "true"), None),
    "JSON Lines": (("enqueue", "-f", "-"), b'{"command": "true", "cwd": "/"}\n{"command": "true"}\n'),
    "JSON Lines and a relative directory": (("enqueue", "-C", "tmp", "-f", "-"), b'{"command": "true"}\n'),
    "lines": (("enqueue", "--lines", "-f", "-"), b"true\n"),
}


def run_in_a_gone_directory(
    tmp_path: Path, *words: str, env: dict[str, str], given: bytes | None = None
) -> command.Done:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'rmdir "$PWD"; exec "$@"'
    started = command.start(
        *words, env=env, cwd=gone, program=("sh", "-c", script, "sh", *command.MODULE), stdin=subprocess.PIPE
    )
    return command.finished(started, given or b"")


@pytest.mark.parametrize("form", FORMS)
def test_a_job_without_a_directory_of_its_own_is_refused_where_the_current_one_is_gone(
    queue: Queue, tmp_path: Path, form: str
) -> None:
    words, given = FORMS[form]
    run_in_a_gone_directory(tmp_path, *words, env=queue.environment, given=given).refused(2, GONE, "--cwd")
    assert queue.json("list") == []


def test_a_job_that_names_its_directory_is_stored_wherever_the_shell_is(queue: Queue, tmp_path: Path) -> None:
    for words, given in (
        (("enqueue", "--cwd", "/", "true"), None),
        (("enqueue", '{"command": "true", "cwd": "/"}'), None),
        (("enqueue", "-f", "-"), b'{"command": "true", "cwd": "/"}\n'),
        (("enqueue", "-C", "/", "--lines", "-f", "-"), b"true\n"),
    ):
        assert run_in_a_gone_directory(tmp_path, *words, env=queue.environment, given=given).code == 0
    assert [job["cwd"] for job in queue.json("list")] == ["/"] * 4


def test_an_edit_to_a_relative_directory_is_refused_where_the_current_one_is_gone(queue: Queue, tmp_path: Path) -> None:
    id_ = queue.enqueue("true")
    run_in_a_gone_directory(tmp_path, "edit", id_, "--cwd", "x", env=queue.environment).refused(2, GONE)
    assert queue.json("show", id_)["cwd"] == str(queue.directory)


def test_a_relative_store_cannot_be_found_where_the_current_directory_is_gone(tmp_path: Path) -> None:
    for words in (("list",), ("enqueue", "-C", "/", "true"), ("doctor",)):
        done = run_in_a_gone_directory(tmp_path, "--db", "rel.db", *words, env=command.environment(""))
        done.refused(5, "rel.db", GONE)


@pytest.mark.on_sqlite
def test_a_backup_to_a_relative_file_is_refused_where_the_current_directory_is_gone(
    queue: Queue, tmp_path: Path
) -> None:
    queue.enqueue("true")
    run_in_a_gone_directory(tmp_path, "backup", "copy.db", env=queue.environment).refused(2, "copy.db")
