"""A store with rows in every table, and no worker."""

from __future__ import annotations

import random
from pathlib import Path

from queuectl import bootstrap
from queuectl.domain.attempt import NOTHING, Outcome, Output, Result
from queuectl.domain.clock import Clock
from queuectl.domain.filter import Filter
from queuectl.domain.job import NewJob
from queuectl.domain.queue_settings import Pause, QueueSettings
from queuectl.domain.record import replace
from queuectl.domain.schedule import Missed, Schedule, Timing
from queuectl.store.schedules import job_text
from queuectl.store.selection import PRIORITY
from tests.support.store_driver import BACKOFF, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.store.store import Store

ODD = "printf 'é 日本 👩‍👩‍👧'\n\t\\N \\. \\x1b %s {…} \x1b[31m"
"""Text with characters that could break a stream."""
BYTES = bytes(range(256)) * 8


def lived(directory: Path) -> str:
    """Create the store in `directory` and return its path. Its newest job is deleted, and can be restored."""
    path = str(directory / "queue.db")
    store = bootstrap.open_store(path, actor="alice@ops")
    store.events.command = "queuectl enqueue 'x'"
    _live(store)
    store.close()
    return path


def _live(store: Store) -> None:
    stage = Stage(store, "w", now=Clock().now() - 300_000)
    odd = NewJob(
        command=ODD,
        id="odd",
        env=(("TOKEN", "é\\"), ("EMPTY", "")),
        tags=("red", "日本"),
        cwd="/tmp/a\\b",
        timeout_ms=5,
    )
    store.jobs.enqueue([odd], max_retries=3, now=stage.now, snapshot='{"LANG": "C.UTF-8", "TZ": "\\udcff"}')
    _finish(stage, Output(head=BYTES, tail=BYTES, total=10**10))
    stage.enqueue(NewJob(command="true", id="twice", queue="mail", priority=-7))
    stage.run(Outcome.EXIT, err="not yet\n")
    stage.run(out="at last\n")
    stage.enqueue("a", "b", max_retries=0)
    stage.run(Outcome.EXIT, err="KeyError: 'x'\n")
    stage.run(Outcome.EXIT, err="KeyError: 'x'\n")
    stage.enqueue(NewJob(command="sleep 1", id="signalled", queue="mail"))
    stage.run(Outcome.SIGNAL, out="half\n")
    stage.enqueue("held", "cancelled", "done", NewJob(command="true", delay_ms=3_600_000, priority=3))
    store.jobs.cancel("cancelled", signal=15, now=stage.now)
    with store.undo.keeping("hold", now=stage.now):
        store.edits.hold(["held"], now=stage.now)
    with store.undo.keeping("priority", now=stage.now):
        list(store.select(Filter(id="held")).apply(PRIORITY, now=stage.now, detail="selected", priority=4))
    _finish(stage, NOTHING)
    stage.enqueue(NewJob(command="true", id="gone", priority=9))
    stage.run(out="some output\n", err="and more\n")
    store.set_config("max_retries", "7", now=stage.now)
    with store.undo.keeping("queue pause", now=stage.now):
        store.queues.change(["media"], _paused, verb="queue_pause", detail=ODD, now=stage.now)
    with store.undo.keeping("schedule add", now=stage.now):
        store.schedules.change(
            "nightly", lambda _: _nightly(stage.now), verb="schedule_add", snapshot="{}", now=stage.now
        )
    store.schedules.fire("nightly", max_retries=1, now=stage.now)
    store.views.save("dead ones", "state:dead queue:default", now=stage.now)
    store.claims().write_down("w", completed=5, failed=4)
    store.workers.stop_worker("w", now=stage.now)
    store.workers.stop_pool("pool", now=stage.now)
    with store.undo.keeping("delete", now=stage.now):
        store.jobs.delete(["gone"], now=stage.now)
    stage.check()


def _nightly(now: int) -> Schedule:
    return Schedule(
        name="nightly",
        timing=Timing(cron="0 3 * * *", zone="Europe/Berlin", since=now),
        job=job_text(NewJob(command=ODD, tags=("red",), env=(("A", "é"),))),
        created_at=now,
        created_by="é@日本",
        next_at=now - 120_000,
        missed=Missed.SKIP,
    )


def _paused(of: QueueSettings) -> QueueSettings:
    return replace(of, limit=3, pause=Pause(at=1, by="é@日本", reason=ODD))


def _finish(stage: Stage, stdout: Output) -> None:
    claim = stage.take()
    stage.now += 10
    result = Result(outcome=Outcome.SUCCESS, duration_ms=10, exit_code=0, signal=None, stdout=stdout, stderr=NOTHING)
    stage.store.claims().finish(claim, "w", result, backoff=BACKOFF, random=random.Random(1), now=stage.now)
