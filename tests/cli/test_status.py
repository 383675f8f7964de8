"""status through the command line: what jobs wait for, the queues, an empty store, and the watch."""

from __future__ import annotations

import json
import re

import pytest

from tests.support import command
from tests.support.queue import Queue
from tests.support.terminal import on_a_terminal
from tests.support.waiting import wait_until


def test_status_says_what_jobs_wait_for(queue: Queue):
    queue.run("config", "set", "backoff_delay", "600")
    queue.enqueue("exit 4", "--id", "fails")
    pool = queue.start()
    queue.wait_for("fails", "failed")
    queue.run("worker", "stop")
    pool.wait()
    queue.enqueue("true", "-q", "mail", "--needs", "gpu")
    queue.enqueue("true", "--delay", "3h")
    queue.enqueue("true", "--delay", "3h", "--needs", "gpu")
    queue.run("hold", queue.enqueue("true"))

    out, document = queue.run("status").stdout, queue.json("status")

    assert re.search(r"^pending +3  1 due, 2 scheduled$", out, re.MULTILINE)
    assert re.search(r"^failed +1  1 due for a retry later$", out, re.MULTILINE)
    assert re.search(r"^held +1  until they are released$", out, re.MULTILINE)
    assert re.search(r"^last 5 min  5 jobs enqueued; attempts: 0 succeeded, 1 failed$", out, re.MULTILINE)
    assert re.search(r"^QUEUE +WAITING +RUNNING +OLDEST DUE\ndefault +3 +0\nmail +1 +0 +\d+s ago$", out, re.MULTILINE)
    assert document["waiting"] == {"due": 1, "scheduled": 2, "retry": 1, "held": 1, "paused": 0, "more": False}
    assert list(document["oldest_due_seconds"]) == ["mail"]


def test_the_status_of_an_empty_store_says_how_to_begin(queue: Queue):
    queue.context.store.changed()

    done = queue.run("status")

    assert done.stderr == "no jobs; to begin: queuectl enqueue 'echo hello', then queuectl worker start\n"
    assert "pending" not in done.stdout
    assert done.stdout.startswith("jobs        none\n")


def test_a_watch_redraws_the_status_in_place_and_ends_with_0(queue: Queue):
    queue.enqueue("true")

    screen, code = on_a_terminal("status", "--watch", env=queue.environment, typed={"F\x1b[J": "\x03"})

    assert code == 0
    assert screen.count("pending") == 2
    frame = screen.split("\x1b[J")[1]
    assert f"\x1b[{frame.count(chr(10))}F\x1b[J" in screen
    assert "\x1b[?7h" in screen.rpartition("\x1b[J")[2]


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_watch_without_a_terminal_is_refused_with_the_way_for_programs(queue: Queue, more: tuple[str, ...]):
    queue.enqueue("true")

    done = command.run("status", "--watch", *more, env=queue.environment)

    done.refused(2, "--watch")
    assert "queuectl status --watch --json-lines" in done.err


@pytest.mark.on_sqlite
def test_a_watch_shows_a_store_that_is_made_meanwhile(queue: Queue):
    watching = queue.begin("status", "--watch", "--json-lines")
    lines = watching.stdout
    assert lines is not None
    try:
        assert json.loads(lines.readline())["jobs"]["pending"] == 0
        queue.enqueue("true")
        wait_until(lambda: json.loads(lines.readline())["jobs"]["pending"] == 1)
    finally:
        watching.kill()
        watching.communicate()
