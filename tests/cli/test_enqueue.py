"""Enqueue one job: what is asked for is what is stored."""

from __future__ import annotations

import json
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.operations.enqueue import in_shell
from tests.support import command
from tests.support.queue import Queue

words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def test_the_id_is_printed_alone_on_its_line(queue: Queue):
    assert queue.run("enqueue", '{"id": "job1", "command": "true"}').stdout == "job1\n"
    assert queue.run("enqueue", "true").stdout == "2\n"


def test_json_prints_the_record(queue: Queue):
    record = queue.json("enqueue", '{"id": "a", "command": "true", "timeout": "1h30m", "tags": ["x", "y", "x"]}')

    assert (record["id"], record["state"], record["timeout"], record["tags"]) == ("a", "pending", 5400, ["x", "y"])
    assert record["stdout"] == record["stderr"] == ""


def test_options_and_json_keys_are_equivalent(queue: Queue):
    keys = {
        "command": "echo hello",
        "queue": "mail",
        "priority": -5,
        "max_retries": 7,
        "timeout": 1.5,
        "run_at": "2030-01-01T00:00:00+01:00",
        "cwd": "/tmp",
        "env": {"A": "1", "B": "x=y"},
        "tags": ["red", "blue"],
    }
    options = [
        *("-q", "mail", "-p", "-5", "-r", "7", "--timeout", "1500ms", "--at", "2029-12-31T23:00:00Z", "--cwd", "/tmp"),
        *("-e", "A=1", "--env", "B=x=y", "--tag", "red", "--tag", "blue"),
    ]

    first = queue.json("enqueue", json.dumps(keys))
    second = queue.json("enqueue", "echo hello", *options)

    differing = {"id", "seq", "created_at", "updated_at"}
    assert {key for key in first if first[key] != second[key]} == differing
    assert first["env"] == {"A": "***", "B": "***"}
    assert first["run_at"] == "2029-12-31T23:00:00.000Z"


def test_options_may_stand_anywhere_before_the_dashes(queue: Queue):
    for line in (["-q", "mail", "true"], ["true", "-q", "mail"], ["-qmail", "true"], ["true", "--queue=mail"]):
        assert queue.json("enqueue", *line)["queue"] == "mail"
    record = json.loads(queue.run("--json", "enqueue", "-q", "mail", "--", "true", "--json", "-q").stdout)
    assert (record["queue"], record["command"]) == ("mail", "true --json -q")


def test_true_and_false_are_commands_although_they_are_json(queue: Queue):
    assert queue.json("enqueue", "true")["command"] == "true"
    assert queue.json("enqueue", "false")["command"] == "false"


def test_a_null_key_is_the_same_as_no_key(queue: Queue):
    record = queue.json("enqueue", '{"command": "true", "id": null, "queue": null, "timeout": null}')

    assert (record["id"], record["queue"], record["timeout"]) == ("1", "default", None)


def test_a_job_without_retries_of_its_own_has_those_configured(queue: Queue):
    queue.run("config", "set", "max_retries", "9")

    assert queue.json("enqueue", "true")["max_retries"] == 9


def test_a_job_remembers_the_directory_it_was_enqueued_in(queue: Queue):
    inside = queue.directory / "inside"
    inside.mkdir()

    ids = [
        command.run(*line, env=queue.environment, cwd=inside).out.strip()
        for line in (["enqueue", "true"], ["enqueue", '{"command": "true"}'], ["enqueue", "true", "--cwd", ".."])
    ]

    assert [queue.json("show", id_)["cwd"] for id_ in ids] == [str(inside), str(inside), str(queue.directory)]


def test_without_home_the_data_directory_comes_from_the_user_database(queue: Queue):
    env = command.environment("", HOME=None, QUEUECTL_DB=None, XDG_DATA_HOME=str(queue.directory))

    assert command.run("enqueue", "true", env=env).out == "1\n"

    assert (queue.directory / "queuectl" / "queue.db").exists()


def test_in_the_c_locale_commands_keep_their_letters(queue: Queue):
    env = command.environment(queue.path, LANG="C", LC_ALL="C")
    id_ = command.run("enqueue", "echo ü 日本 🎉", env=env).out.strip()

    assert queue.json("show", id_)["command"] == "echo ü 日本 🎉"
    assert "ü 日本 🎉" in command.run("list", env=env).out


def test_the_environment_of_the_caller_is_not_stored(queue: Queue):
    queue.environment["A_SECRET"] = "swordfish"
    queue.enqueue("true")
    queue.context.store.close()

    assert b"swordfish" not in b"".join(
        file.read_bytes() for file in queue.directory.iterdir() if file.name.startswith("queue.db") and file.is_file()
    )


@given(st.lists(words, min_size=1, max_size=5))
def test_words_after_dashes_reach_the_program_unchanged(argv: list[str]):
    program = ["/usr/bin/env", "printf", r"%s\000"]

    done = subprocess.run(["/bin/sh", "-c", in_shell([*program, *argv])], capture_output=True, check=True)

    assert done.stdout.decode().split("\0")[:-1] == argv


@pytest.mark.parametrize(
    "word", ["if", "A=B", "time", "{", "!", "[[", "~", "#", "*", "a\nb", "-x", "'", '"', "\\", "é"]
)
def test_the_first_word_is_a_program_and_never_shell(word: str):
    done = subprocess.run(["/bin/sh", "-c", "--", in_shell([word])], capture_output=True, text=True, check=False)

    # There is no such program, or (time) it wants arguments.
    assert done.returncode in {125, 127}, done
    assert word in done.stderr
