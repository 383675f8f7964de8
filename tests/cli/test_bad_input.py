"""Invalid input: one clear line, the documented exit code, and nothing is stored."""

from __future__ import annotations

import json
import os

import pytest

from tests.support import command
from tests.support.queue import Queue

pytestmark = pytest.mark.on_sqlite  # independent of the store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PERSIAN = "می\u200cخواهم"  # noqa: RUF001 - its letters are Persian
DEEP = '{"command":' + "[" * 100_000 + "]" * 100_000 + "}"

BAD_JOBS = {
    "invalid JSON": ('{"command": "true"', "not valid JSON"),
    "single quotes": ("{'command': 'true'}", "not valid JSON"),
    "an array": ('["true"]', "must be a JSON object, not an array"),
    "a string": ('"true"', "must be a JSON object, not a string"),
    "a number": ("17", "must be a JSON object, not a number"),
    "null": ("null", "must be a JSON object, not null"),
    "no command": ('{"id": "a"}', "no command"),
    "a null command": ('{"command": null}', "command must be a string, not null"),
    "an empty command": ('{"command": ""}', "command must not be empty"),
    "a blank command": ('{"command": " \\n\\t"}', "command must not be empty"),
    "a command that is no string": ('{"command": ["echo"]}', "command must be a string, not an array"),
    "an unknown key": ('{"command": "true", "retries": 1}', "unknown key 'retries'"),
    "a key written twice": ('{"command": "true", "command": "false"}', "'command' is given twice"),
    "an id that is no string": ('{"command": "true", "id": 7}', "id must be a string, not a number"),
    "an empty id": ('{"command": "true", "id": ""}', "id must not be empty"),
    "an id of 10,000 characters": (json.dumps({"command": "true", "id": "x" * 10_000}), "longer than 200 characters"),
    "an id with a newline": ('{"command": "true", "id": "a\\nb"}', "control characters"),
    "an id with an escape": ('{"command": "true", "id": "\\u001b[31m"}', "control characters"),
    "retries as text": ('{"command": "true", "max_retries": "2"}', "max_retries must be a whole number, not a string"),
    "retries as a fraction": ('{"command": "true", "max_retries": 1.5}', "whole number, not a fraction"),
    "retries as a boolean": ('{"command": "true", "max_retries": true}', "whole number, not a boolean"),
    "half a retry": ('{"command": "true", "max_retries": 1.5}', "max_retries must be a whole number"),
    "negative retries": ('{"command": "true", "max_retries": -1}', "max_retries must be from 0 to 1000"),
    "retries with a decimal point": (
        '{"command": "true", "max_retries": 3.0}',
        "max_retries must be a whole number, not 3.0",
    ),
    "absurd retries": ('{"command": "true", "max_retries": 1e99}', "max_retries must be a whole number"),
    "a number of 5,000 digits": ('{"command": "true", "priority": ' + "9" * 5000 + "}", ""),
    "an absurd priority": ('{"command": "true", "priority": 99999999999}', "priority must be from -1000 to 1000"),
    "a negative timeout": ('{"command": "true", "timeout": -5}', "timeout must be from a millisecond to ten years"),
    "no timeout at all": ('{"command": "true", "timeout": 0}', "timeout must be at least a millisecond"),
    "an absurd timeout": ('{"command": "true", "timeout": 1e300}', "timeout must be from a millisecond to ten years"),
    "a negative delay": ('{"command": "true", "delay": -1}', "delay must be from 0 seconds to ten years"),
    "a timeout in words": ('{"command": "true", "timeout": "soon"}', "timeout: 'soon' is not a duration"),
    "NaN": ('{"command": "true", "timeout": NaN}', "NaN is not a number"),
    "Infinity": ('{"command": "true", "timeout": Infinity}', "Infinity is not a number"),
    "minus Infinity": ('{"command": "true", "delay": -Infinity}', "-Infinity is not a number"),
    "a time without a zone": ('{"command": "true", "run_at": "2030-01-01T00:00:00"}', "has no time zone"),
    "a time and a delay": ('{"command": "true", "run_at": "2030-01-01T00:00:00Z", "delay": 1}', "not both"),
    "a relative directory": ('{"command": "true", "cwd": "here"}', "cwd must be an absolute path"),
    "an environment of numbers": ('{"command": "true", "env": {"A": 1}}', "env 'A' must be a string, not a number"),
    "a variable of ours": ('{"command": "true", "env": {"QUEUECTL_DB": "x"}}', "set by queuectl itself"),
    "a variable with an equals sign": (
        '{"command": "true", "env": {"A=B": "x"}}',
        "'A=B' is not a valid name of a variable",
    ),
    "a variable with a NUL": ('{"command": "true", "env": {"A": "x\\u0000"}}', "the value of env 'A' has a NUL in it"),
    "tags as text": ('{"command": "true", "tags": "a b"}', "tags must be an array"),
    "a tag with a blank": ('{"command": "true", "tags": ["a b"]}', "must not contain white space"),
    "needs of numbers": ('{"command": "true", "needs": [1]}', "label must be a string, not a number"),
    "needs as an object": ('{"command": "true", "needs": {"gpu": 1}}', "needs must be an array of labels or one label"),
    "needs of two words": ('{"command": "true", "needs": "gpu big"}', "label 'gpu big' must not contain white space"),
    "an empty label": ('{"command": "true", "needs": [""]}', "label must not be empty"),
    "too many needs": (
        json.dumps({"command": "true", "needs": [f"l{n}" for n in range(200)]}),
        "needs are longer than",
    ),
    "a NUL": ('{"command": "echo \\u0000"}', "NUL character"),
    "a lone surrogate": ('{"command": "echo \\ud800"}', "not valid Unicode"),
    "a lone surrogate in an id": ('{"command": "true", "id": "\\udc00"}', "id must not contain lone surrogates"),
    "an id that turns the text around": ('{"command": "true", "id": "a\\u202eb"}', "bidirectional controls (U+202E)"),
    "a queue with a mark of direction": ('{"command": "true", "queue": "a\\u200f"}', "bidirectional controls (U+200F)"),
    "an id with a soft hyphen": ('{"command": "true", "id": "a\\u00adb"}', "id must not contain U+00AD"),
    "an invisible id": ('{"command": "true", "id": "\\u200d"}', "only invisible characters"),
    "nothing": ("{}", "no command"),
}

BAD_WORDS = {
    "no job": ((), "JOB is missing"),
    "an empty command": (("",), "command must not be empty"),
    "several words": (("echo", "hello"), "unexpected argument 'hello'"),
    "a job and words": (("true", "--", "false"), "not both"),
    "nothing behind the dashes": (("--",), "there is no word after --"),
    "an unknown option": (("true", "--qeue", "mail"), "unknown option '--qeue'"),
    "an option without its value": (("true", "--queue"), "--queue needs a value"),
    "a priority in words": (("true", "--priority", "high"), "--priority must be a whole number"),
    "an absurd priority": (("true", "-p", "100000"), "priority must be from -1000 to 1000"),
    "an endless number": (("true", "-p", "9" * 6000), "--priority is too large a number"),
    "a time in words": (("true", "--at", "tomorrow"), "--at: 'tomorrow' has no time of day"),
    "a delay in words": (("true", "--delay", "soon"), "--delay: 'soon' is not a duration"),
    "too many retries": (("true", "--max-retries", "2000"), "--max-retries must be from 0 to 1000"),
    "a tag of two words": (("true", "--tag", "a b"), "--tag: tag 'a b' must not contain white space"),
    "a time and a delay": (("true", "--at", "2030-01-01T00:00:00Z", "--delay", "1"), "not both"),
    "a variable without a value": (("true", "--env", "A"), "--env 'A' is not set here"),
    "a key that is given twice": (('{"command": "true", "queue": "a"}', "--queue", "b"), "queue is given twice"),
    "lines without a file": (("--lines", "true"), "--lines needs --file"),
    "a file and a job": (("-f", "jobs", "true"), "come from the file"),
    "a file that is not there": (("-f", "nowhere"), "nowhere cannot be read: No such file"),
    "a file that is a directory": (("-f", "/"), "cannot be read"),
    "an unknown command": (("--help-me",), "unknown option"),
}


@pytest.mark.parametrize("what", BAD_JOBS)
def test_a_bad_job_is_refused_in_one_line(queue: Queue, what: str):
    job, message = BAD_JOBS[what]

    command.run("enqueue", job, env=queue.environment).refused(2, message)

    assert queue.json("status")["total"] == 0


@pytest.mark.parametrize("what", BAD_WORDS)
def test_bad_words_are_refused_in_one_line(queue: Queue, what: str):
    words, message = BAD_WORDS[what]

    command.run("enqueue", *words, env=queue.environment, cwd=queue.directory).refused(2, message)

    assert queue.json("status")["total"] == 0


def test_a_job_nested_too_deeply_is_refused(queue: Queue):
    (queue.directory / "jobs").write_text(DEEP)

    command.run("enqueue", "-f", "jobs", env=queue.environment, cwd=queue.directory).refused(
        2, "line 1: ", "too deeply"
    )


def test_a_command_beyond_4_mib_is_refused_and_one_below_is_not(queue: Queue):
    (queue.directory / "long").write_text("true #" + "x" * (4 << 20))
    (queue.directory / "short").write_text("true #" + "x" * ((4 << 20) - 6))

    command.run("enqueue", "--lines", "-f", "long", env=queue.environment, cwd=queue.directory).refused(2, "4 MiB")
    queue.run("enqueue", "--lines", "-f", "short")

    assert queue.json("status")["total"] == 1


def test_a_command_of_invalid_utf8_is_refused(queue: Queue):
    process = command.start("enqueue", b"echo \xff", env=queue.environment)  # type: ignore[arg-type]  # bytes, as a shell may send them

    command.finished(process).refused(2, "not valid Unicode")


@pytest.mark.parametrize(
    "words",
    [
        "show",
        "logs",
        "wait",
        "retry",
        "explain",
        "history",
        "dlq retry",
        "list --search",
        "worker stop --host",
        "backup",
    ],
)
def test_invalid_utf8_is_refused_with_the_name_of_the_argument(queue: Queue, words: str):
    process = command.start(*words.split(), b"\xff", env=queue.environment)  # type: ignore[arg-type]  # as above

    name = "--" if "--" in words else "FILE" if words == "backup" else "ID"
    command.finished(process).refused(2, name, "is not valid Unicode text")


def test_a_file_of_jobs_may_have_a_name_of_invalid_utf8(queue: Queue):
    name = os.fsencode(queue.directory) + b"/\xff"
    with open(name, "w") as file:
        file.write("true\n")

    process = command.start("enqueue", "--lines", "-f", name, env=queue.environment)  # type: ignore[arg-type]  # as above

    assert command.finished(process).code == 0
    assert queue.json("status")["total"] == 1


@pytest.mark.parametrize(
    "location",
    ["postgresq://u:secret@h/d", "mysql://secret", "sqlite:///secret", "postgres:/secret", "POSTGRESQL://secret"],
)
def test_a_mistyped_url_creates_no_file(queue: Queue, location: str):
    before = sorted(queue.directory.rglob("*"))

    done = command.run("--db", location, "enqueue", "true", env=queue.environment, cwd=queue.directory)

    done.refused(2, "a store cannot be named", location.partition(":")[0])
    assert "secret" not in done.err
    assert sorted(queue.directory.rglob("*")) == before


@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_store_whose_name_has_control_characters_is_refused(queue: Queue, how: str):
    for name in ("q.db\r", "a\nb.db", "\x1b[31m.db", "postgresql://u:secret@h/d\r"):
        env = queue.environment | ({"QUEUECTL_DB": name} if how == "variable" else {})
        words = ("--db", name) if how == "option" else ()
        for verb in (("list",), ("enqueue", "true")):
            done = command.run(*words, *verb, env=env, cwd=queue.directory)
            done.refused(2, "must not contain control characters")
            assert "secret" not in done.err
    assert not any(os.scandir(queue.directory))
    queue.enqueue("true")
    command.run("backup", "copy.db\r", env=queue.environment, cwd=queue.directory).refused(2, "control characters")


@pytest.mark.parametrize("name", ['"q.db"', "'q.db'", "$NAME.db"])
def test_a_new_store_with_an_unexpanded_name_is_reported_once(queue: Queue, name: str):
    def run(*words: str) -> command.Done:
        return command.run("--db", name, *words, env=queue.environment, cwd=queue.directory)

    assert name in run("list").err
    assert not any(os.scandir(queue.directory))
    first = run("enqueue", "true")
    assert (first.code, first.out) == (0, "1\n")
    assert first.err == f"the new store is called {name}: no shell has removed its quotes or replaced its $\n"
    assert run("enqueue", "true").err == ""


@pytest.mark.parametrize("path", ["$HOME/q.db", '"{}/q.db"'])
def test_a_missing_directory_with_an_unexpanded_name_is_reported(queue: Queue, path: str):
    named = path.format(queue.directory)
    done = command.run("--db", named, "enqueue", "true", env=queue.environment, cwd=queue.directory)
    done.refused(5, "does not exist")
    assert "a quote or a $" in done.err
    assert not any(os.scandir(queue.directory))


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_names_may_hold_the_joiners_of_persian_and_emoji(queue: Queue, locale: str):
    env = queue.environment | {"LC_ALL": locale}
    for id_ in (PERSIAN, "👩\u200d🔧"):
        done = command.run("enqueue", json.dumps({"id": id_, "command": "true"}), "--tag", id_, "-q", id_, env=env)
        assert (done.code, done.err) == (0, "")
        assert json.loads(command.run("show", id_, "--json", env=env).out)["tags"] == [id_]
        assert queue.run("view", "save", id_, f"tag:{id_}").returncode == 0
    assert PERSIAN in queue.run("list").stdout


@pytest.mark.parametrize("id_", ["../x", "'; DROP TABLE jobs;--", "/etc/passwd", ".", "a b", "100%", "$(reboot)", "-n"])
def test_a_strange_id_is_an_id_like_any_other(queue: Queue, id_: str):
    def say(*words: str) -> Any:
        return json.loads(queue.run("--json", *words).stdout)

    queue.run("enqueue", json.dumps({"id": id_, "command": "true"}))

    assert say("show", "--", id_)["id"] == id_
    assert [job["id"] for job in say("list", f"--search={id_}")] == [id_]
    assert say("cancel", "--", id_)["jobs"][0]["state"] == "cancelled"
    deleted = say("delete", "--", id_)
    assert (deleted["changed"], deleted["ids"]) == (1, [id_])
    assert queue.json("status")["total"] == 0
    assert not [name for name in queue.directory.rglob("*") if name.name in {"x", "passwd"}]


def test_an_id_that_is_taken_is_refused_and_the_first_job_stays(queue: Queue):
    queue.run("enqueue", '{"id": "a", "command": "echo first"}')

    command.run("enqueue", '{"id": "a", "command": "echo second"}', env=queue.environment).refused(
        4, "a already exists"
    )

    assert queue.json("show", "a")["command"] == "echo first"


def test_of_twenty_concurrent_enqueues_of_one_id_exactly_one_succeeds(queue: Queue):
    jobs = [json.dumps({"id": "one", "command": f"echo {number}"}) for number in range(20)]

    processes = [command.start("enqueue", job, env=queue.environment) for job in jobs]
    codes = sorted(command.finished(process).code for process in processes)

    assert codes == [0] + [4] * 19
    assert queue.json("status")["total"] == 1


def test_with_json_the_error_is_a_document_too(queue: Queue):
    done = command.run("enqueue", "{", "--json", env=queue.environment)

    assert json.loads(done.out)["error"]["code"] == "usage"
    done.refused(2, "not valid JSON")
