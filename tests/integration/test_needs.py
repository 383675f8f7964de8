"""Jobs that need labels, with real workers."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.support.queue import Queue
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path)
    yield made
    made.close()


def test_a_job_waits_until_a_worker_with_its_label_starts(queue: Queue):
    queue.enqueue("true", "--needs", "gpu", "--id", "train")
    queue.start()
    # The worker without labels has checked all jobs once this one has run.
    queue.enqueue("true", "--id", "plain")
    assert queue.wait_for("plain") == "completed"
    assert queue.state("train") == "pending"

    queue.start("--label", "gpu")

    assert queue.wait_for("train") == "completed"
    labelled = [each for each in queue.json("worker", "list") if each["labels"] == ["gpu"]]
    assert queue.json("show", "train")["worker"] in {each["id"] for each in labelled}


def test_a_worker_that_waits_runs_what_needs_its_labels(queue: Queue):
    queue.start("--label", "gpu", "--label", "big")
    queue.enqueue("true", "--id", "first")
    assert queue.wait_for("first") == "completed"

    queue.enqueue("true", "--needs", "gpu", "--needs", "big", "--id", "both")
    lines = "".join(json.dumps({"id": f"line{n}", "command": "true", "needs": "gpu"}) + "\n" for n in range(3))
    queue.run("enqueue", "--file", "-", given=lines)

    for id_ in ("both", "line0", "line1", "line2"):
        assert queue.wait_for(id_) == "completed"


def test_a_labelled_worker_runs_plain_jobs_too_and_the_most_urgent_first(queue: Queue):
    queue.enqueue("echo plain >> order", "--id", "plain", "--priority", "1")
    queue.enqueue("echo low >> order", "--id", "low", "--needs", "gpu")
    queue.enqueue("echo high >> order", "--id", "high", "--needs", "gpu", "--priority", "2")
    queue.enqueue("echo other >> order", "--id", "other", "--needs", "big", "--priority", "9")

    pool = queue.drain("--label", "gpu")

    assert pool.wait(60) == 0
    assert (queue.directory / "order").read_text().split() == ["high", "plain", "low"]
    assert queue.state("other") == "pending"


def test_a_drain_ends_although_jobs_wait_and_run_that_need_another_worker(queue: Queue):
    queue.enqueue("true", "--needs", "big", "--id", "waits")
    queue.enqueue("while ! test -e go; do sleep 0.05; done", "--needs", "gpu", "--id", "runs")
    queue.start("--label", "gpu")
    queue.wait_for("runs", "processing")
    queue.enqueue("true", "--id", "plain")

    pool = queue.drain()

    assert pool.wait(60) == 0
    assert queue.state("plain") == "completed"
    assert (queue.state("waits"), queue.state("runs")) == ("pending", "processing")
    (queue.directory / "go").touch()
    assert queue.wait_for("runs") == "completed"


def test_a_drain_runs_the_retries_of_what_its_workers_can_serve(queue: Queue):
    queue.run("config", "set", "backoff_delay", "0.1")
    queue.enqueue("test -e tried || { touch tried; exit 1; }", "--needs", "gpu", "--id", "flaky")

    assert queue.drain("--label", "gpu").wait(60) == 0

    assert queue.outcomes("flaky") == ["exit", "success"]


def test_a_detached_pool_has_the_labels_that_it_was_started_with(queue: Queue):
    queue.run("worker", "start", "--detach", "--label", "gpu", "--label", "big")

    wait_until(lambda: [each["labels"] for each in queue.json("worker", "list")] == [["gpu", "big"]])
    queue.enqueue("true", "--needs", "big", "--id", "a")
    assert queue.wait_for("a") == "completed"


def test_a_job_whose_worker_is_killed_goes_to_another_with_its_label(queue: Queue):
    queue.start()
    queue.start("--label", "gpu", workers=2)
    queue.enqueue("test -e again || { touch again; sleep 600; }", "--needs", "gpu", "--id", "train")
    wait_until((queue.directory / "again").exists)
    labelled = {each["id"] for each in queue.json("worker", "list") if each["labels"]}

    os.kill(queue.busy_worker(), signal.SIGKILL)

    assert queue.wait_for("train") == "completed"
    assert queue.outcomes("train") == ["lost", "success"]
    everyone = labelled | {each["id"] for each in queue.json("worker", "list") if each["labels"]}
    assert {each["worker"] for each in queue.json("show", "train")["history"]} <= everyone
