"""Verbs on jobs that options select, through the command line."""

from __future__ import annotations

import json

import pytest

from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal


@pytest.fixture
def batch(queue: Queue) -> Queue:
    """Twelve waiting jobs: eight in the queue mail, three in video, one of them tagged `red`, one in `a,b`."""
    lines: list[dict[str, object]] = [{"command": f"true {n}", "queue": "mail"} for n in range(8)]
    lines += [{"command": "true", "queue": "video"}, {"command": "true", "queue": "video"}]
    lines += [{"command": "true", "queue": "video", "tags": ["red"]}, {"command": "true", "queue": "a,b"}]
    queue.run("enqueue", "-f", "-", given="".join(json.dumps(line) + "\n" for line in lines))
    return queue


def states(queue: Queue) -> set[str]:
    return {job["state"] for job in queue.json("list", "--limit", "0")}


def test_a_verb_says_in_one_line_what_it_did_to_a_selection(batch: Queue):
    assert batch.run("hold", "--queue", "mail").stdout == "8 jobs held (mail 8)\n"
    assert batch.run("hold", "--queue", "mail,video").stdout == "3 jobs held (video 3); 8 were already\n"
    assert batch.run("retry", "--all").stdout == "0 jobs retried; 12 skipped, as their state does not allow it\n"
    assert batch.run("cancel", "--filter", "!tag:red", "--queue", "video").stdout == "2 jobs cancelled (video 2)\n"
    assert batch.run("release", "--all").stdout.startswith("9 jobs released (mail 8, video 1)")
    assert batch.run("priority", "9", "--tag", "red").stdout == "1 job given another priority (video 1)\n"
    assert batch.run("delete", "--state", "cancelled").stdout == "2 jobs deleted (video 2)\n"


def test_a_selection_is_undone_as_one_action(batch: Queue):
    document = batch.json("cancel", "--all")

    assert document == {
        "action": "cancel",
        "matched": 12,
        "changed": 12,
        "unchanged": 0,
        "skipped": 0,
        "queues": {"mail": 8, "video": 3, "a,b": 1},
        "undo": 1,
    }
    assert [(row["verb"], row["detail"]) for row in batch.json("history")][1:] == [("cancel", "12 jobs: all jobs")]
    assert batch.run("undo").stdout == "cancel of 12 jobs undone\n"
    assert states(batch) == {"pending"}


def test_a_dry_run_changes_nothing(batch: Queue):
    answer = batch.run("cancel", "--queue", "video", "--dry-run")

    assert (answer.stdout, answer.stderr) == ("3 jobs would be cancelled (video 3)\n", "")
    assert batch.run("cancel", "9", "--dry-run").stdout == "1 job would be cancelled\n"
    assert batch.run("cancel", "--queue", "video", "--dry-run", "--print-ids").stdout == "9\n10\n11\n"
    assert states(batch) == {"pending"}
    assert batch.json("undo", "--list") == []


def test_the_ids_of_a_selection_can_be_piped_into_another_verb(batch: Queue):
    ids = batch.run("list", "--queue", "video", "--ids").stdout.split()

    assert ids == ["9", "10", "11"]
    assert batch.run("hold", "--queue", "video", "--print-ids").stdout.split() == ids
    assert batch.json("release", "--queue", "video", "--print-ids")["ids"] == ids
    assert [job["id"] for job in batch.json("cancel", *ids)["jobs"]] == ids


def test_a_queue_whose_name_has_a_comma_is_selected_by_a_filter(batch: Queue):
    assert batch.run("list", "--ids", "--filter", 'queue:"a,b"').stdout == "12\n"
    assert batch.run("list", "--ids", "--queue", "a,b").stdout == ""
    assert batch.run("list", "--ids", "--queue", "video,a,,b").stdout.split() == ["9", "10", "11", "12"]


def test_what_is_done_already_is_no_error(batch: Queue):
    for verb in ("hold", "hold", "release", "release", "cancel", "cancel"):
        batch.run(verb, "1", "2")

    assert batch.json("cancel", "1", "3")["unchanged"] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cancel"], "no job is named"),
        (["cancel", "1", "--queue", "mail"], "job IDs and options that select jobs cannot be combined"),
        (["cancel", "--all", "--queue", "mail"], "--all selects every job"),
        (["hold", "--queue", ""], "--queue is empty"),
        (["hold", "--filter", " "], "--filter is empty"),
        (["hold", "--filter", "stat:dead"], "unknown key 'stat' in the filter"),
        (["hold", "--filter", "x" * 10_000], "a filter must have at most 1,000 characters"),
        (["hold", "--tag", "a", "--filter", "tag:b"], "two conditions on the tag exclude each other: a and b"),
        (
            ["hold", "--state", "dead", "--filter", "state:held"],
            "two conditions on the state exclude each other: dead and held",
        ),
        (["hold", "--exit", "300"], "exit:300 is not an exit code"),
        (["wait"], "no job is named"),
        (["hold", "--filter", "queue:,"], "queue: needs a value"),
        (["hold", "--filter", '""'], "the text in quotes is empty"),
        (["hold", "--exit", ",,"], "exit:, is not an exit code"),
        (["hold", "--exit", "1 exit:2"], "exit:1 exit:2 is not an exit code"),
        (["hold", "--search", "x" * 10_000], "--search must have at most 1,000 characters"),
    ],
)
@pytest.mark.on_sqlite
def test_an_invalid_selector_is_refused_in_one_line(batch: Queue, words: list[str], message: str):
    answer = batch.run(*words, code=2)

    assert answer.stderr.splitlines()[0] == f"error: {message}"
    assert len(answer.stderr.splitlines()) == 2
    assert states(batch) == {"pending"}


@pytest.mark.on_sqlite
def test_names_that_match_nothing_are_an_error_and_a_selector_is_not(batch: Queue):
    batch.run("hold", "--view", "missing", code=3)
    batch.run("hold", "--error", "ffff", code=3)
    batch.run("hold", "missing", "1", code=3)

    assert batch.run("hold", "--queue", "missing").stdout == "0 jobs held\n"
    assert states(batch) == {"pending"}


@pytest.mark.on_sqlite
def test_a_saved_view_selects_jobs(batch: Queue):
    batch.run("view", "save", "videos", "queue:video", "sort:duration")

    assert batch.run("hold", "--view", "videos", "--filter", "!tag:red").stdout == "2 jobs held (video 2)\n"
    batch.run("view", "save", "all of them", "sort:oldest")
    refused = batch.run("cancel", "--view", "all of them", code=2)
    assert refused.stderr.splitlines()[0] == "error: these options select every job"


@pytest.mark.on_sqlite
def test_a_person_is_asked_before_more_than_ten_jobs_are_changed(batch: Queue):
    env = batch.environment | {"TERM": "xterm"}
    asked = "Cancel 12 jobs (12 pending; in 3 queues)? This can be undone for 10 minutes. [y/N] "

    screen, code = on_a_terminal("cancel", "--all", env=env, typed={asked: "n\n"})
    assert (code, "not confirmed, so nothing was done" in screen) == (4, True), screen
    assert states(batch) == {"pending"}
    screen, code = on_a_terminal("cancel", "--queue", "mail", env=env)
    assert (code, "[y/N]" in screen) == (0, False), screen
    assert batch.json("status")["jobs"]["cancelled"] == 8


@pytest.mark.on_sqlite
def test_a_script_must_confirm_an_action_on_more_than_a_thousand_jobs(queue: Queue):
    queue.run("enqueue", "--lines", "-f", "-", given="true\n" * 1001)

    refused = queue.run("cancel", "--all", code=2)

    assert refused.stderr.splitlines() == [
        "error: cancel of 1,001 jobs must be confirmed",
        "hint: --yes confirms it; --dry-run only prints what would be changed",
    ]
    assert queue.run("cancel", "--all", "--yes").stdout == "1,001 jobs cancelled (default 1,001)\n"


def test_tags_are_compared_exactly(queue: Queue):
    for id_, tags in (("a", ("Nightly",)), ("b", ("nightly", "x%y")), ("c", ())):
        queue.enqueue("true", "--id", id_, *(word for tag in tags for word in ("--tag", tag)), "--delay", "1h")

    def ids(*words: str) -> str:
        return queue.run("list", *words, "--ids").stdout

    assert ids("--tag", "nightly") == "b\n"
    assert ids("--tag", "NIGHTLY") == ""
    assert ids("--tag", "night") == ""
    assert ids("--tag", "x%y") == "b\n"
    assert ids("--tag", "%") == ""
    assert ids("--filter", "tag:Nightly") == "a\n"
    assert ids("--filter", "!tag:nightly") == "a\nc\n"
