"""The commands on queues, as a user types them."""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.support.queue import Queue


def listed(queue: Queue) -> dict[str, dict[str, object]]:
    return {each.pop("name"): each for each in queue.json("queue", "list")}


def test_a_queue_is_listed_with_its_jobs_and_settings(queue: Queue):
    queue.enqueue("true", "--queue", "mail")
    queue.run("queue", "set", "video", "--limit", "2", "--weight", "3", "--timeout", "5m", "--priority", "-4")

    assert listed(queue)["video"] == {
        "state": "open", "running": 0, "limit": 2, "weight": 3, "waiting": 0, "held": 0, "ended": 0,
        "oldest_due_seconds": None, "pause": None,
        "throughput": {"window_seconds": 300, "enqueued": 0, "completed": 0, "failed": 0},
        "defaults": {"max_retries": None, "timeout_seconds": 300, "priority": -4},
    }  # fmt: skip
    mail = listed(queue)["mail"]
    assert (mail["waiting"], mail["limit"], mail["weight"]) == (1, None, 1)
    table = queue.run("queue", "list").stdout.splitlines()
    assert table[0].split() == [
        "QUEUE",
        "STATE",
        "RUNNING",
        "WAITING",
        "HELD",
        "OLDEST",
        "DUE",
        "DONE",
        "5M",
        "WEIGHT",
        "PAUSED",
    ]
    assert table[2].split() == ["video", "open", "0/2", "0", "0", "3"]


def test_a_pause_is_shown_with_who_when_and_why(queue: Queue):
    id_ = queue.enqueue("true", "--queue", "mail")

    assert queue.run("queue", "pause", "mail", "--reason", "the relay is down").stdout == "mail paused\n"

    pause = listed(queue)["mail"]["pause"]
    assert isinstance(pause, dict)
    assert (pause["reason"], pause["all"]) == ("the relay is down", False)
    assert "@" in pause["by"]
    assert "the relay is down" in queue.run("queue", "list").stdout
    (reason, *_) = queue.json("explain", id_)["reasons"]
    assert reason["code"] == "paused"
    assert "queue mail is paused by" in reason["text"]
    assert "queuectl queue resume mail" in reason["text"]
    assert "mail; 1 waiting job" in queue.run("status").stdout
    assert queue.json("status")["waiting"]["paused"] == 1
    assert "queue mail is paused" in queue.run("doctor", code=None).stdout
    assert "the relay is down" in queue.run("history").stdout


def test_a_pause_of_all_queues_leaves_pauses_by_name(queue: Queue):
    for name in ("mail", "video"):
        queue.enqueue("true", "--queue", name)
    queue.run("queue", "pause", "mail")

    assert queue.run("queue", "pause", "--all").stdout == "all queues paused\n"
    assert {name: each["state"] for name, each in listed(queue).items()} == {"mail": "paused", "video": "paused"}

    resumed = queue.run("queue", "resume", "--all")

    assert resumed.stdout == "all queues resumed\n"
    assert "still paused by name: mail" in resumed.stderr
    assert {name: each["state"] for name, each in listed(queue).items()} == {"mail": "paused", "video": "open"}


def test_a_queue_that_is_resumed_while_all_are_paused_stays_paused_and_says_so(queue: Queue):
    queue.run("queue", "pause", "mail", "--reason", "x")
    queue.run("queue", "pause", "--all")

    resumed = queue.run("queue", "resume", "mail")

    assert resumed.stdout == "mail paused\n"
    assert "all queues are paused by" in resumed.stderr
    assert "queuectl queue resume --all" in resumed.stderr


def test_a_change_to_what_is_so_already_is_noted_and_no_failure(queue: Queue):
    assert "queue mail is not paused" in queue.run("queue", "resume", "mail").stderr
    queue.run("queue", "pause", "mail", "--reason", "one")
    again = queue.run("queue", "pause", "mail")
    assert "queue mail is paused already" in again.stderr
    assert queue.json("queue", "pause", "mail", "--reason", "two")[0]["pause"]["reason"] == "two"
    events = [each["verb"] for each in queue.json("history")]
    assert events == ["queue_pause", "queue_pause"], "no event for what changed nothing"


def test_changes_of_queues_are_undone(queue: Queue):
    queue.run("queue", "set", "mail", "--limit", "2")
    queue.run("queue", "set", "mail", "--limit", "none", "--weight", "2")
    queue.run("queue", "pause", "mail", "--reason", "x")
    queue.run("queue", "resume", "mail")

    undone = queue.json("undo")
    assert (undone["verb"], undone["queues"], undone["ids"], undone["restored"]) == ("queue resume", ["mail"], [], 1)
    assert listed(queue)["mail"]["state"] == "paused"
    assert queue.run("undo").stdout == "queue pause of queue mail undone\n"
    queue.run("undo")
    assert listed(queue)["mail"]["limit"] == 2
    assert queue.run("undo", "--list").stdout.splitlines()[-1].split()[-10:-6] == ["queue", "set", "1", "queue"]
    queue.run("undo")
    assert listed(queue) == {}


def test_a_change_that_was_changed_since_is_not_undone(queue: Queue):
    queue.run("queue", "set", "mail", "--limit", "2")
    (first,) = [each["undo"] for each in queue.json("undo", "--list")]
    queue.run("queue", "set", "mail", "--limit", "3")

    refused = queue.run("undo", str(first), code=4).stderr

    assert "queue mail changed since" in refused
    assert listed(queue)["mail"]["limit"] == 3


def test_settings_are_deleted_unless_jobs_wait_or_run(queue: Queue):
    queue.run("queue", "set", "mail", "--limit", "2")
    id_ = queue.enqueue("true", "--queue", "mail")

    assert "queue mail has jobs that wait or run: 1" in queue.run("queue", "delete", "mail", code=4).stderr

    queue.run("cancel", id_)
    assert queue.run("queue", "delete", "mail").stdout == "settings of mail deleted\n"
    assert listed(queue)["mail"]["limit"] is None
    assert "queue mail has no settings" in queue.run("queue", "delete", "mail", code=3).stderr


def test_the_settings_of_a_paused_queue_are_not_deleted(queue: Queue):
    queue.run("queue", "pause", "mail")

    assert "queue mail is paused" in queue.run("queue", "delete", "mail", code=4).stderr


def test_a_job_that_a_full_queue_keeps_waiting_is_explained(queue: Queue):
    queue.run("queue", "set", "mail", "--limit", "1")
    running = queue.enqueue("sleep 600", "--queue", "mail", "--id", "first")
    waiting = queue.enqueue("true", "--queue", "mail")
    queue.start(workers=2)
    queue.wait_for(running, "processing")

    (reason, *_) = queue.json("explain", waiting)["reasons"]

    assert reason["code"] == "full"
    assert "queue mail is full: 1 of 1 jobs run (first)" in reason["text"]
    assert listed(queue)["mail"]["state"] == "full"
    queue.run("cancel", running)
    assert queue.wait_for(waiting) == "completed"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("set", "mail", "--limit", "0"), "limit must be at least 1"),
        (("set", "mail", "--limit", "many"), "--limit must be a whole number or none, not 'many'"),
        (("set", "mail", "--weight", "0"), "weight must be from 1 to 1000"),
        (("set", "mail", "--timeout", "soon"), "timeout: "),
        (("set", "mail", "--max-retries", "-1"), "max_retries must be from 0 to 1000"),
        (("set", "mail", "--priority", "1001"), "priority must be from -1000 to 1000"),
        (("set", "mail"), "nothing to set"),
        (("set", "a\tb", "--limit", "1"), "queue must not contain"),
        (("pause",), "NAME is missing"),
        (("pause", "mail", "--all"), "give names or --all, not both"),
        (("pause", "mail", "--reason", " "), "the reason must have 1 to 200 printable characters"),
        (("pause", "mail", "--reason", "x" * 201), "the reason must have 1 to 200 printable characters"),
        (("resume", "--all", "mail"), "give names or --all, not both"),
    ],
)
@pytest.mark.on_sqlite
def test_bad_input_gets_one_line_and_changes_nothing(queue: Queue, words: tuple[str, ...], error: str):
    queue.enqueue("true")

    refused = queue.run("queue", *words, code=2)

    assert refused.stderr.startswith(f"error: {error}"), refused.stderr
    assert list(listed(queue)) == ["default"]


@pytest.mark.on_sqlite
def test_a_pause_of_a_queue_without_jobs_is_noted_as_it_may_be_a_typing_mistake(queue: Queue):
    assert "note: queue mial has no jobs" in queue.run("queue", "pause", "mial").stderr


def test_jobs_get_the_defaults_of_their_queue_unless_they_have_their_own(queue: Queue):
    queue.run("queue", "set", "mail", "--max-retries", "9", "--priority", "5")
    default = queue.json("show", queue.enqueue("true", "--queue", "mail"))
    own = queue.json("show", queue.enqueue("true", "--queue", "mail", "--priority", "0", "--max-retries", "1"))

    assert (default["max_retries"], default["priority"]) == (9, 5)
    assert (own["max_retries"], own["priority"]) == (1, 0)


def test_the_time_limit_of_a_queue_ends_an_attempt(queue: Queue):
    queue.run("queue", "set", "mail", "--timeout", "200ms")
    id_ = queue.enqueue("sleep 600", "--queue", "mail", "--max-retries", "0")
    queue.drain().wait()

    assert queue.outcomes(id_) == ["timeout"]
