"""`@last` and `@failed` in place of an ID, and the commands that take the last job where none is named."""

from __future__ import annotations

import json

import pytest

from queuectl.domain.job import NewJob
from tests.support import command
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal


@pytest.fixture
def mine(queue: Queue) -> Queue:
    """A store with three jobs of this user, the second of which is dead, and a newer one of another user."""
    queue.enqueue("echo one", "--id", "one")
    queue.enqueue("echo two >&2; exit 3", "--id", "two", "-r", "0")
    queue.drain().wait()
    queue.enqueue("echo three", "--id", "three", "--delay", "1h")
    _enqueue_as(queue, "zoe@elsewhere", "hers")
    return queue


def _enqueue_as(queue: Queue, actor: str, *ids: str) -> None:
    store = queue.context.open_store(actor=actor)
    store.jobs.enqueue([NewJob(command="true", id=each, run_at=2**42) for each in ids], max_retries=3, now=1)
    store.close()


def test_commands_that_read_take_the_newest_job_of_this_user_by_a_name(mine: Queue):
    assert mine.json("show", "@last")["id"] == "three"
    assert mine.json("show", "@failed")["id"] == "two"
    assert mine.json("dlq", "show", "@failed")["id"] == "two"
    assert mine.run("logs", "@failed").stdout == "two\n"
    assert mine.json("explain", "@last")["id"] == "three"
    assert mine.run("wait", "@failed", "--exit-code", code=3).stdout == ""
    mine.run("hold", "three")
    assert [event["verb"] for event in mine.json("history", "@last")] == ["hold"]
    assert mine.run("show", "@last").stderr == "", "a script knows what it named"


def test_a_job_shows_who_enqueued_it(mine: Queue):
    assert mine.json("show", "hers")["enqueued_by"] == "zoe@elsewhere"
    assert mine.json("show", "one")["enqueued_by"] == mine.context.actor
    assert "by zoe@elsewhere" in mine.run("show", "hers").stdout
    mine.run("cancel", "hers")
    mine.run("delete", "hers")
    mine.run("undo")
    assert mine.json("show", "hers")["enqueued_by"] == "zoe@elsewhere"


def test_a_name_without_a_job_is_not_found(queue: Queue):
    _enqueue_as(queue, "zoe@elsewhere", "hers")
    for name, words in (("@last", "has enqueued no job"), ("@failed", "has enqueued no job that is failed or dead")):
        done = queue.run("show", name, code=3)
        assert done.stderr.startswith(f"error: {name}: ")
        assert words in done.stderr
        assert f"hint: {name} is the newest" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("cancel", "@last"),
        ("cancel", "@last", "--dry-run"),
        ("hold", "one", "@last"),
        ("release", "@last"),
        ("retry", "@last"),
        ("delete", "@last"),
        ("priority", "@last", "3"),
        ("edit", "@last", "--priority", "3"),
        ("dlq", "retry", "@last"),
    ],
)
def test_a_verb_refuses_a_name_and_prints_the_id_to_type(mine: Queue, words: tuple[str, ...]):
    before = mine.json("list")

    done = mine.run(*words, code=2)

    verb = " ".join(words[: words.index("retry") + 1]) if words[0] == "dlq" else words[0]
    assert done.stderr == (
        f"error: @last is for commands that read; {verb} takes the ID of the job\n"
        f"hint: it stands for job three now (echo three): queuectl {verb} three\n"
    )
    assert mine.json("list") == before


def test_a_job_that_is_called_like_a_name_comes_first_everywhere(mine: Queue):
    _enqueue_as(mine, mine.context.actor, "@last", "@other")
    mine.enqueue("echo four", "--id", "four", "--delay", "1h")

    assert mine.json("show", "@last")["id"] == "@last"
    assert mine.run("cancel", "@last", "@other").stdout == "@last cancelled\n@other cancelled\n"
    mine.run("delete", "@last")
    assert mine.json("show", "@last")["id"] == "four"


@pytest.mark.parametrize(
    ("words", "given", "message"),
    [
        (("enqueue", "--id", "@x", "true"), "", "--id must not begin with @"),
        (("enqueue", '{"id": "@last", "command": "true"}'), "", "id must not begin with @"),
        (("enqueue", "-f", "-"), '{"command": "true"}\n{"id": "@x", "command": "true"}\n', "line 2: id must not begin"),
    ],
)
def test_no_new_job_has_an_id_that_begins_with_an_at_sign(
    queue: Queue, words: tuple[str, ...], given: str, message: str
):
    done = queue.run(*words, given=given, code=2)

    assert message in done.stderr
    assert "names such as @last stand for a job" in done.stderr
    assert queue.json("list") == []


@pytest.mark.parametrize("words", [("show",), ("explain",)])
def test_off_a_terminal_an_id_must_be_named(mine: Queue, words: tuple[str, ...]):
    command.run(*words, env=mine.environment).refused(2, "ID is missing")
    command.run("wait", env=mine.environment).refused(2, "no job is named")


def test_on_a_terminal_the_last_job_is_taken_and_named(mine: Queue):
    mine.run("cancel", "three")
    env = mine.environment | {"TERM": "xterm"}

    for words, shows in (
        (("show",), "echo three"),
        (("explain",), "it was cancelled"),
        (("wait",), "job three is cancelled"),
    ):
        screen, _ = on_a_terminal(*words, env=env)
        assert "job three: echo three" in screen, words
        assert shows in screen, words
    screen, code = on_a_terminal("show", "@failed", env=env)
    assert (code, "job two: echo two >&2; exit 3" in screen) == (0, True)


def test_the_name_of_this_user_counts_on_a_file_and_the_host_too_on_a_server(queue: Queue):
    user = queue.context.actor.partition("@")[0]
    _enqueue_as(queue, f"{user}@before", "old")
    _enqueue_as(queue, f"{user}2@before", "hers")

    if queue.context.store.database.remote:
        assert queue.run("show", "@last", code=3).stdout == ""
    else:
        assert queue.json("show", "@last")["id"] == "old"


def test_names_are_completed_where_a_command_reads(mine: Queue):
    def choices(*words: str) -> dict[str, str]:
        document = json.loads(mine.run("--json", "completion", "zsh", "--", *words).stdout)
        return {each["text"]: each["about"] for each in document["choices"]}

    assert choices("show", "@") == {"@last": "job three: echo three", "@failed": "job two: echo two >&2; exit 3"}
    assert list(choices("wait", "@last", "@")) == ["@failed"]
    assert choices("cancel", "@") == {}
