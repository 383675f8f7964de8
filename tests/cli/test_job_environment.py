"""What a job runs in: the environment, the shell and the directory that it was enqueued with."""

from __future__ import annotations

import json
import os

import pytest

from tests.support import command
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def enqueue(queue: Queue, *words: str, given: bytes | None = None, cwd: Path | None = None, **env: str | None) -> str:
    """Enqueue with another environment than that of the worker, and return the id."""
    variables = command.environment(queue.path, **env)
    done = command.run("enqueue", *words, env=variables, given=given, cwd=cwd or queue.directory)
    assert done.code == 0, done.err
    return done.out.strip()


def printed(queue: Queue, id_: str) -> str:
    """Run all jobs and return what this one has printed."""
    queue.drain().wait()
    return str(queue.json("show", id_)["stdout"])


@pytest.mark.on_sqlite
def test_a_job_runs_with_the_path_and_the_virtual_environment_of_the_enqueue(queue: Queue):
    path = f"/own:{os.environ['PATH']}"

    id_ = enqueue(queue, 'echo "$PATH $VIRTUAL_ENV $FOO"', PATH=path, VIRTUAL_ENV="/venv", FOO="bar")

    assert printed(queue, id_) == f"{path} /venv \n"
    assert queue.json("show", id_)["captured_env"].items() >= {("PATH", "***"), ("VIRTUAL_ENV", "***")}


def test_language_and_time_zone_are_kept_on_every_store_and_a_path_in_a_file_only(queue: Queue):
    id_ = enqueue(queue, "true", TZ="Asia/Tokyo", LC_ALL="C.UTF-8", LANG=None)

    kept = queue.json("show", id_)["captured_env"]

    assert set(kept) - {"VIRTUAL_ENV", "PYENV_VERSION", "NVM_BIN"} == (
        {"TZ", "LC_ALL"} if queue.context.store.database.remote else {"PATH", "TZ", "LC_ALL"}
    )
    shown = queue.json("config", "get", "env_capture")
    assert (shown["value"] == "LANG LC_* TZ") == queue.context.store.database.remote
    assert shown["value"] == shown["default"]


def test_the_whole_environment_is_kept_but_for_secrets(queue: Queue):
    id_ = enqueue(queue, "-E", 'echo "$FOO$MY_TOKEN$http_proxy"', FOO="bar", MY_TOKEN="t", http_proxy="http://u:p@h:1")

    assert printed(queue, id_) == "bar\n"


def test_a_variable_is_handed_on_by_its_name_even_if_it_is_a_secret(queue: Queue):
    id_ = enqueue(queue, "--env", "MY_TOKEN", "-e", "A=1", 'echo "$MY_TOKEN$A"', MY_TOKEN="t")

    assert printed(queue, id_) == "t1\n"
    assert queue.json("show", id_)["env"] == {"MY_TOKEN": "***", "A": "***"}


def test_a_variable_that_is_not_set_cannot_be_handed_on(queue: Queue):
    done = queue.run("enqueue", "--env", "NO_SUCH_VARIABLE", "true", code=2)

    assert done.stderr.splitlines()[0] == "error: --env 'NO_SUCH_VARIABLE' is not set here"
    assert queue.json("list") == []


def test_a_variable_of_the_job_wins_over_the_enqueue_and_that_over_the_worker(queue: Queue):
    queue.environment |= {"TZ": "worker", "LC_TIME": "worker", "LANG": "worker"}
    id_ = enqueue(queue, "--env", "TZ=job", 'echo "$TZ $LC_TIME $LANG"', TZ="enqueue", LC_TIME="enqueue", LANG=None)

    assert printed(queue, id_) == "job enqueue worker\n"


def test_a_job_without_a_snapshot_runs_in_the_environment_of_its_worker(queue: Queue):
    queue.environment["TZ"] = "worker"
    first = enqueue(queue, "--no-env", "echo $TZ", TZ="enqueue")
    queue.run("config", "set", "env_capture", "none")
    second = enqueue(queue, "echo $TZ", TZ="enqueue")

    assert printed(queue, first) == printed(queue, second) == "worker\n"
    assert [queue.json("show", id_)["captured_env"] for id_ in (first, second)] == [{}, {}]
    queue.run("enqueue", "--no-env", "-E", "true", code=2)


def test_settings_choose_what_is_kept_and_what_a_worker_withholds(queue: Queue):
    queue.environment |= {"AWS_PROFILE": "worker", "FOO_A": "worker"}
    queue.run("config", "set", "env_capture", "FOO_*  BAR")
    queue.run("config", "set", "capture_deny", "*_B")
    queue.run("config", "set", "worker_env_deny", "AWS_*")
    assert queue.run("config", "get", "env_capture").stdout == "FOO_* BAR\n"

    id_ = enqueue(queue, 'echo "$FOO_A $FOO_B $BAR $AWS_PROFILE"', FOO_A="1", FOO_B="2", BAR="3")

    assert printed(queue, id_) == "1  3 \n"


def test_jobs_of_a_file_share_one_snapshot(queue: Queue):
    lines = b"".join(b"echo %d $TZ\n" % number for number in range(20))

    ids = enqueue(queue, "--lines", "-f", "-", given=lines, TZ="UTC").split()

    assert printed(queue, ids[7]) == "7 UTC\n"
    assert queue.context.store.database.query("SELECT count(*) FROM environments") == [(1,)]


def test_captured_values_appear_nowhere(queue: Queue):
    secret = "captured-value-of-a-test"
    id_ = enqueue(queue, "-E", "true", TZ=secret, FOO=secret)
    pool = queue.drain()
    pool.wait()
    queue.run("edit", id_, "--retry")

    for words in (("show", id_), ("show", id_, "--json"), ("list", "--json"), ("history",), ("explain", id_)):
        done = queue.run(*words, code=None)
        assert secret not in done.stdout + done.stderr, words
    assert secret not in pool.log
    shown = queue.run("show", id_).stdout
    assert "TZ=***" in next(line for line in shown.splitlines() if line.startswith("captured"))


def test_a_recorded_command_line_has_no_value_of_a_variable_behind_a_switch(queue: Queue):
    enqueue(queue, "-EeKEY=hunter2", "true")
    enqueue(queue, "-Ee", "KEY=hunter2", "true")

    history = queue.run("history").stdout
    assert "hunter2" not in history
    assert "KEY=***" in history


def test_retry_keeps_the_snapshot_and_edit_takes_a_new_one(queue: Queue):
    id_ = enqueue(queue, "echo $TZ", TZ="first")
    assert printed(queue, id_) == "first\n"
    queue.run("retry", id_)
    assert printed(queue, id_) == "first\n"

    words = ("edit", id_, "--env-from-here", "--retry")
    assert command.run(*words, env=command.environment(queue.path, TZ="second")).code == 0
    assert printed(queue, id_) == "second\n"

    queue.run("edit", id_, "--shell", "bash", "--retry")
    assert queue.json("show", id_)["shell"] == "bash"
    assert printed(queue, id_) == "second\n"
    queue.run("edit", id_, "--shell", "none")
    assert queue.json("show", id_)["shell"] is None


def test_a_job_runs_in_the_shell_that_it_names_else_in_that_of_the_setting(queue: Queue):
    ids = [
        queue.enqueue("echo ${BASH_VERSION:+bash}", *words)
        for words in ((), ("--shell", "bash"), ("--shell", "/bin/sh"))
    ]
    ids.append(
        queue.run("enqueue", json.dumps({"command": "echo ${BASH_VERSION:+bash}", "shell": "bash"})).stdout.strip()
    )
    queue.run("config", "set", "shell", "bash")

    assert [printed(queue, id_) for id_ in ids] == ["bash\n", "bash\n", "\n", "bash\n"]


@pytest.mark.parametrize("shell", ["", "bash -e", "./bash", "a\nb"])
def test_a_shell_is_one_name_or_an_absolute_path(queue: Queue, shell: str):
    for words in (("enqueue", "--shell", shell, "true"), ("config", "set", "shell", shell)):
        assert "shell" in queue.run(*words, code=2).stderr
    assert queue.json("list") == []


def test_a_shell_that_is_not_there_is_an_error_of_the_job(queue: Queue):
    id_ = queue.enqueue("true", "--shell", "nosuchshell", "-r", "0")
    queue.drain().wait()

    record = queue.json("show", id_)
    assert (record["state"], record["outcome"]) == ("dead", "spawn_error")
    assert record["error"] == "cannot start: there is no shell 'nosuchshell' in the PATH of the job"


def test_a_script_from_standard_input_runs_under_its_interpreter(queue: Queue):
    script = b"#!/usr/bin/env python3\nimport os, sys\nprint(len(sys.argv), os.getcwd())\n\n"

    id_ = enqueue(queue, "-", given=script)

    assert queue.json("show", id_)["command"] == script.decode().rstrip()
    assert printed(queue, id_) == f"1 {queue.directory}\n"
    assert os.listdir(queue.context.run_dir.live) == []


def test_a_script_from_standard_input_is_never_json(queue: Queue):
    id_ = enqueue(queue, "-", given=b'{"command": "true"}')

    assert queue.json("show", id_)["command"] == '{"command": "true"}'


@pytest.mark.parametrize(("given", "why"), [(b"", "no script"), (b" \n\n", "no script"), (b"\xff", "not valid UTF-8")])
def test_a_script_that_is_empty_or_no_text_is_refused(queue: Queue, given: bytes, why: str):
    done = queue.run("enqueue", "-", given=given, code=2)

    assert why in done.stderr
    assert queue.json("list") == []


def test_standard_input_is_read_for_one_purpose(queue: Queue):
    done = queue.run("enqueue", "-", "-f", "-", given="echo a\n", code=2)

    assert "jobs and their ids come from the file" in done.stderr


def test_the_script_of_a_killed_worker_is_removed(queue: Queue):
    pool = queue.start()
    id_ = queue.enqueue(f"#!/bin/sh\n[ -e {queue.directory}/again ] && exit; touch {queue.directory}/again; sleep 600")
    wait_until((queue.directory / "again").exists)
    assert len([name for name in os.listdir(queue.context.run_dir.live) if name.endswith(".script")]) == 1

    pool.kill()
    queue.drain().wait()

    assert queue.outcomes(id_) == ["lost", "success"]
    assert os.listdir(queue.context.run_dir.live) == []


@pytest.mark.parametrize("job", ["{ echo a; echo b; }", " {\n echo a\necho b\n}", "{\techo a;echo b; }"])
def test_a_brace_with_a_blank_behind_it_begins_a_group_of_commands(queue: Queue, job: str):
    assert printed(queue, queue.enqueue(job)) == "a\nb\n"


@pytest.mark.parametrize("job", ["{echo a; }", "{", "{ }", '{ "command": true', "{\n}", "{'command': 'a'}"])
def test_any_other_brace_begins_an_object(queue: Queue, job: str):
    queue.run("enqueue", job, code=2)

    assert queue.json("list") == []


@pytest.mark.parametrize("job", ['{ "command": "echo a" }', '\n{\n  "command": "echo a"\n}\n'])
def test_an_object_may_have_blanks(queue: Queue, job: str):
    assert printed(queue, queue.run("enqueue", job).stdout.strip()) == "a\n"


def test_a_group_of_commands_is_a_line_of_a_file_of_commands(queue: Queue):
    id_ = queue.run("enqueue", "--lines", "-f", "-", given="{ echo a; echo b; }\n").stdout.strip()

    assert printed(queue, id_) == "a\nb\n"


def test_an_empty_file_of_jobs_is_reported(queue: Queue):
    assert queue.run("enqueue", "-f", "-").stderr == "no jobs in standard input\n"


def test_a_directory_is_kept_as_the_shell_entered_it(queue: Queue):
    (queue.directory / "release" / "sub").mkdir(parents=True)
    current = queue.directory / "current"
    current.symlink_to(queue.directory / "release")

    here = enqueue(queue, 'echo "$PWD"; pwd', cwd=current, PWD=str(current))
    below = enqueue(queue, "--cwd", "sub", "pwd", cwd=current, PWD=str(current))
    wrong = enqueue(queue, "pwd -P", cwd=current, PWD="/tmp")
    dotted = enqueue(queue, "pwd -P", cwd=current, PWD=f"{current}/../current")

    assert printed(queue, here) == f"{current}\n{current}\n"
    assert printed(queue, below) == f"{current}/sub\n"
    assert queue.json("show", wrong)["cwd"] == queue.json("show", dotted)["cwd"] == os.path.realpath(current)


def test_a_directory_that_does_not_exist_is_noted_on_a_terminal(queue: Queue):
    env = command.environment(queue.path)

    screen, code = on_a_terminal("enqueue", "--cwd", "/no/such/directory", "true", env=env)
    assert (screen, code) == ("note: the directory /no/such/directory does not exist here\n1\n", 0)

    screen, code = on_a_terminal("enqueue", "--cwd", "/", "true", env=env)
    assert (screen, code) == ("2\n", 0)
    assert queue.run("enqueue", "--cwd", "/no/such/directory", "true").stderr == ""
