"""Pools of real workers on queues that are limited, weighted or paused."""

from __future__ import annotations

from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.support.queue import Queue

COUNTED = "mkdir here.$QUEUECTL_JOB_ID; ls -d here.* | wc -l >> most; sleep 0.02; rmdir here.$QUEUECTL_JOB_ID"
"""Notes how many jobs with this command run, itself included."""


def enqueue(queue: Queue, name: str, *commands: str) -> list[str]:
    lines = "".join(f"{command}\n" for command in commands)
    return queue.run("enqueue", "--queue", name, "--lines", "--file", "-", given=lines).stdout.split()


def test_many_workers_never_run_more_jobs_of_a_queue_than_its_limit(queue: Queue):
    queue.run("queue", "set", "video", "--limit", "2")
    enqueue(queue, "video", *[COUNTED] * 30)
    enqueue(queue, "mail", *["true"] * 10)

    assert queue.drain(workers=6).wait() == 0

    seen = [int(line) for line in (queue.directory / "most").read_text().split()]
    assert len(seen) == 30
    assert max(seen) <= 2
    (video,) = [each for each in queue.json("queue", "list") if each["name"] == "video"]
    assert (video["running"], video["ended"], video["limit"]) == (0, 30, 2)


def test_workers_of_two_limited_queues_do_not_wait_for_each_other(queue: Queue):
    for name in ("mail", "video"):
        queue.run("queue", "set", name, "--limit", "50")
        enqueue(queue, name, *["true"] * 100)

    pool = queue.drain(workers=4)

    assert pool.wait() == 0
    assert "locked" not in pool.log
    assert "waiting for the store" not in pool.log


def test_a_pause_holds_a_running_pool_until_the_queue_is_resumed(queue: Queue):
    queue.start(workers=2)
    queue.run("queue", "pause", "mail", "--reason", "the relay is down")
    (kept,) = enqueue(queue, "mail", "true")
    (other,) = enqueue(queue, "video", "true")
    assert queue.wait_for(other) == "completed"
    assert queue.state(kept) == "pending"

    queue.run("queue", "resume", "mail")

    assert queue.wait_for(kept) == "completed"


def test_a_higher_limit_starts_waiting_jobs_at_once(queue: Queue):
    queue.run("queue", "set", "video", "--limit", "1")
    queue.start(workers=2)
    ids = enqueue(queue, "video", "sleep 600", "sleep 600")

    def states() -> list[str]:
        return sorted(queue.state(id_) for id_ in ids)

    wait_until(lambda: "processing" in states())
    assert states() == ["pending", "processing"]

    queue.run("queue", "set", "video", "--limit", "2")

    wait_until(lambda: states() == ["processing"] * 2)
    queue.run("cancel", *ids)


def test_a_drain_leaves_jobs_of_paused_queues_and_names_them(queue: Queue):
    queue.run("queue", "pause", "mail")
    (left,) = enqueue(queue, "mail", "true")
    (done,) = enqueue(queue, "video", "true")

    pool = queue.drain()

    assert pool.wait() == 0
    assert queue.state(left) == "pending"
    assert queue.state(done) == "completed"
    assert "queue mail is paused by " in pool.log
    assert "jobs are left in paused queues: mail (1)" in pool.log


def test_a_drain_ends_when_the_queue_of_its_last_jobs_is_paused(queue: Queue):
    (running,) = enqueue(queue, "mail", "until [ -e go ]; do sleep 0.02; done")
    enqueue(queue, "mail", "true")
    pool = queue.drain()
    queue.wait_for(running, "processing")

    queue.run("queue", "pause", "mail")
    (queue.directory / "go").touch()

    assert pool.wait() == 0
    assert queue.state(running) == "completed"


def test_a_pause_survives_the_end_of_all_processes(queue: Queue):
    pool = queue.start()
    queue.run("queue", "pause", "--all", "--reason", "maintenance")
    pool.kill()
    (kept,) = enqueue(queue, "mail", "true")
    queue.start()
    wait_until(lambda: "maintenance" in queue.run("explain", kept).stdout)

    queue.run("queue", "resume", "--all")

    assert queue.wait_for(kept) == "completed"
