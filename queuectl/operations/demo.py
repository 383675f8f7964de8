"""A sample workload on a temporary store.

On a terminal the console opens over it, with workers that are busy for some minutes; elsewhere it runs to its end.
"""

from __future__ import annotations

import os
import shutil
import tempfile

from queuectl.domain.job import JobState, NewJob
from queuectl.domain.record import field, record
from queuectl.domain.text import can_draw
from queuectl.operations.document import Document
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.status import count
from queuectl.operations.workers import Start, run_pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobDetail, JobWithOutput
    from queuectl.operations.status import Status, StatusDocument

    class DemoDocument(TypedDict):
        """The store after the sample workload has run to its end."""

        status: StatusDocument
        """Its status."""
        dead: list[JobWithOutput]
        """Its dead jobs."""


WORKLOAD = (
    NewJob(id="hello", command="echo Hello from $QUEUECTL_JOB_ID"),
    NewJob(id="disk-usage", command="df -h . | tail -n 1", queue="reports", tags=("nightly",)),
    NewJob(id="checksum", command="head -c 5000000 /dev/zero | gzip -9 -c | cksum", queue="media"),
    NewJob(id="urgent", command="echo first in line", priority=10),
    NewJob(id="resize", command="for i in 1 2 3 4 5; do echo image $i of 5; sleep 0.2; done", queue="media"),
    NewJob(id="two-streams", command="echo to stdout; echo to stderr >&2"),
    NewJob(id="later", command="echo not before half a second had passed", delay_ms=500),
    NewJob(
        id="flaky",
        command='test "$QUEUECTL_ATTEMPT" -ge 3 || { echo "attempt $QUEUECTL_ATTEMPT: not yet" >&2; exit 1; }',
        max_retries=3,
    ),
    NewJob(id="too-slow", command="echo started; sleep 30", timeout_ms=400, max_retries=0),
    NewJob(id="webhook", command="echo 'connect to api.example: timed out' >&2; exit 28", queue="mail", max_retries=2),
    NewJob(id="typo", command="nonexistent-cmd --verbose", max_retries=1),
)
"""Jobs that succeed, one that succeeds at its third attempt, one that times out, and two that always fail."""
WORKERS = 3


LIVELY_MINUTES = 5
_EVERY_MS = 700
_STORY = (
    ("mail", "for n in 1 2 3; do echo sending to list-{n}, part $n; sleep 0.4; done"),
    ("media", "echo ffmpeg -i in{n}.mov; for p in 20 40 60 80 100; do echo $p %; sleep 0.7; done"),
    ("reports", "echo report of day {n}; sleep 0.6; echo {n}00 rows"),
    ("mail", "echo to hook {n}; sleep 0.8; echo 'curl: (28) Operation timed out after 3000{n} ms' >&2; exit 28"),
    ("default", "head -c 3000000 /dev/urandom | gzip -9 -c | cksum"),
    ("reports", "echo \"KeyError: 'row {n}' in sync.py\" >&2; exit $(({n} % 4 == 0))"),
)


@record
class Demo:
    """Parameters of `demo`."""

    headless: bool = field("do not open the console on a terminal", default=False)


@record
class Shown:
    """The status of the store and the dead jobs after the workload has run to its end."""

    status: Status
    dead: tuple[JobDetail, ...]

    def document(self) -> DemoDocument:
        """Return the JSON form."""
        return {"status": self.status.document(), "dead": [job.document() for job in self.dead]}


@record
class Watched(Document):
    """The result after the console over the sample store was closed."""

    exit_code: int
    """The exit code of the console."""


def demo(context: Context, params: Demo) -> Shown | Watched:
    """Run the workload on a store that is deleted afterwards."""
    directory = tempfile.mkdtemp(prefix="queuectl-demo-")
    try:
        stage = context.elsewhere(os.path.join(directory, "queue.db"))
        if not params.headless and all(map(os.isatty, (0, 1, 2))) and can_draw(os.environ.get("TERM")):
            return _watch(stage)
        return _run(context, stage)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _watch(stage: Context) -> Watched:
    """Open the console over a store whose workers are busy for some minutes."""
    from queuectl.operations.tui import Console, console
    from queuectl.operations.workers import Stop, start, stop

    stage.store.set_config("backoff_delay", "2", now=stage.now())
    lively = [
        NewJob(
            command=command.format(n=number),
            queue=queue,
            max_retries=2,
            priority=5 if number % 11 == 0 else 0,
            delay_ms=number * _EVERY_MS,
            tags=("demo",),
        )
        # The newest are due first: the console lists them on top, where changes are seen.
        for number in reversed(range(LIVELY_MINUTES * 60_000 // _EVERY_MS))
        for queue, command in (_STORY[number % len(_STORY)],)
    ]
    stage.store.jobs.enqueue([*WORKLOAD, *lively], max_retries=3, now=stage.now())
    start(stage, Start(count=WORKERS + 1, detach=True))
    try:
        return Watched(exit_code=console(stage, Console()).exit_code)
    finally:
        stop(stage, Stop(now=True))
        stage.close()


def _run(context: Context, stage: Context) -> Shown:
    """Run the workload to its end and return its outcome."""
    from queuectl.operations.job_record import detail

    try:
        context.say(f"{len(WORKLOAD)} jobs, {WORKERS} workers, a store of its own; what follows is the workers' log")
        stage.store.set_config("backoff_delay", "0.2", now=stage.now())
        stage.store.jobs.enqueue(WORKLOAD, max_retries=stage.settings.max_retries, now=stage.now())
        run_pool(stage, Start(count=WORKERS, drain=True))
        dead_ids = [each.job.id for each in stage.store.jobs.listing(limit=0, states=[JobState.DEAD])]
        return Shown(
            status=count(stage),
            dead=tuple(detail(stage, id_, history=False) for id_ in dead_ids),
        )
    finally:
        stage.close()


DEMO = Operation(
    name="demo",
    heading=Heading.OVERVIEW,
    see=("tui", "enqueue"),
    not_in_console="run it in a shell: queuectl demo",
    summary="Run a sample workload on a store of its own",
    params=Demo,
    run=demo,
    description="On a terminal the console opens over it. The store is deleted at the end.",
    examples=("demo", "demo --headless"),
)
