"""Jobs that need labels, and workers that have them, through the command line."""

from __future__ import annotations

import json

from tests.support import command
from tests.support.queue import Queue
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def needs(queue: Queue, id_: str) -> Any:
    return queue.json("show", id_)["needs"]


def test_needs_are_given_by_an_option_an_array_or_a_word(queue: Queue):
    queue.enqueue("true", "--id", "option", "--needs", "gpu", "--needs", "big", "--needs", "gpu")
    queue.run("enqueue", '{"id": "array", "command": "true", "needs": ["gpu", "big"]}')
    queue.run("enqueue", '{"id": "word", "command": "true", "needs": "gpu"}')
    queue.run("enqueue", '{"id": "none", "command": "true", "needs": []}')

    found = {each["id"]: each["needs"] for each in queue.json("list")}
    assert found == {"option": ["big", "gpu"], "array": ["big", "gpu"], "word": ["gpu"], "none": []}
    assert "needs     big gpu\n" in queue.run("show", "array").stdout
    assert "\nneeds" not in queue.run("show", "none").stdout
    done = queue.run("enqueue", '{"command": "true", "needs": "gpu"}', "--needs", "big", code=2)
    assert "needs is given twice" in done.stderr


def test_in_a_file_the_option_sets_needs_that_a_line_leaves_out(queue: Queue):
    lines = [{"id": "a", "command": "true", "needs": "big"}, {"id": "b", "command": "true"}]

    queue.run("enqueue", "-f", "-", "--needs", "gpu", given="".join(json.dumps(line) + "\n" for line in lines))
    queue.run("enqueue", "-f", "-", "--lines", "--needs", "gpu", given="true\n")
    done = queue.run("enqueue", "-f", "-", given='{"command": "true", "needs": ["a b"]}', code=2)

    assert (needs(queue, "a"), needs(queue, "b"), needs(queue, "3")) == (["big"], ["gpu"], ["gpu"])
    assert "line 1: label 'a b' must not contain white space" in done.stderr


def test_needs_are_edited_and_removed_and_the_edit_is_undone(queue: Queue):
    queue.enqueue("true", "--id", "a", "--needs", "gpu")

    assert queue.run("edit", "a", "--needs", "big", "--needs", "fast").stdout.startswith("a pending (needs changed)\n")
    assert needs(queue, "a") == ["big", "fast"]
    assert queue.json("history", "a")[0]["detail"] == "needs"
    queue.run("edit", "a", '{"needs": null}')
    assert needs(queue, "a") == []
    queue.run("undo")
    assert needs(queue, "a") == ["big", "fast"]


def test_a_label_follows_the_rules_of_a_tag(queue: Queue):
    for word, complaint in (("a b", "must not contain white space"), ("", "must not be empty"), ("x" * 201, "longer")):
        done = command.run("worker", "start", "--label", word, env=queue.environment)
        done.refused(2, complaint)
        command.run("enqueue", "true", "--needs", word, env=queue.environment).refused(2, complaint)


def test_worker_list_has_labels_if_a_worker_has_any(queue: Queue):
    queue.start()
    assert "LABELS" not in queue.run("worker", "list").stdout
    assert [each["labels"] for each in queue.json("worker", "list")] == [[]]

    queue.start("--label", "gpu", "--label", "big", "--label", "gpu")

    table = queue.run("worker", "list").stdout.splitlines()
    assert "LABELS" in table[0]
    assert sum("gpu big" in line for line in table) == 1
    assert sorted(each["labels"] for each in queue.json("worker", "list")) == [[], ["gpu", "big"]]


def test_explain_names_the_command_that_starts_a_worker_with_the_label(queue: Queue):
    queue.enqueue("true", "--id", "train", "--needs", "gpu", "--needs", "two$words")
    start = "queuectl worker start --label gpu --label 'two$words'"
    assert f"no workers are running; start some: {start}\n" in queue.run("explain", "train").stdout

    queue.start("--label", "gpu")

    assert (
        f"it needs gpu and two$words, which the one worker of its queue does not have; start one that has: {start}\n"
        in (queue.run("explain", "train").stdout)
    )
    reasons = queue.json("explain", "train")["reasons"]
    assert [(each["code"], each["n"]) for each in reasons] == [("needs", 1)]
    queue.start(workers=2)
    assert "which none of the 3 workers of its queue has;" in queue.run("explain", "train").stdout


def test_explain_names_a_busy_worker_with_the_label(queue: Queue):
    queue.start()
    queue.start("--label", "gpu")
    queue.enqueue("while ! test -e go; do sleep 0.05; done", "--id", "long", "--needs", "gpu")
    queue.wait_for("long", "processing")
    for id_ in ("first", "second"):
        queue.enqueue("true", "--id", id_, "--needs", "gpu")

    reasons = {each["code"]: each for each in queue.json("explain", "second")["reasons"]}

    assert set(reasons) == {"all_busy", "behind"}
    assert reasons["all_busy"]["text"] == "the one worker that could run it is busy"
    assert reasons["behind"]["n"] == 1
    (queue.directory / "go").touch()
    wait_until(lambda: queue.state("second") == "completed")


def test_status_counts_jobs_that_wait_for_a_label(queue: Queue):
    queue.enqueue("true", "--needs", "gpu")

    status = queue.json("status")

    assert (status["jobs"]["pending"], status["total"]) == (1, 1)
    assert status["oldest_due"] is not None
