"""A sample workload, to see what queuectl does before trusting it with anything."""

from __future__ import annotations

import os
import shutil
import tempfile

from queuectl.domain.job import JobState, NewJob
from queuectl.domain.record import record
from queuectl.operations.operation import Operation
from queuectl.operations.overview import StatusParams, status
from queuectl.operations.workers import Start, run_pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.operations.context import Context
    from queuectl.operations.overview import Status
    from queuectl.operations.records import JobDetail

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
"""Some that go well, one that goes well at the third attempt, one that runs out of time, two that never will."""
WORKERS = 3


@record
class Demo:
    """Nothing to say."""


@record
class Shown:
    """How the workload ended."""

    status: Status
    dead: tuple[JobDetail, ...]

    def document(self) -> dict[str, Any]:
        """The JSON form."""
        return {"status": self.status.document(), "dead": [job.document() for job in self.dead]}


def demo(context: Context, _params: Demo) -> Shown:
    """Run the workload to its end on a store that goes away afterwards."""
    from queuectl.operations.records import detail

    directory = tempfile.mkdtemp(prefix="queuectl-demo-")
    try:
        stage = context.elsewhere(os.path.join(directory, "queue.db"))
        context.say(f"{len(WORKLOAD)} jobs, {WORKERS} workers, a store of its own; what follows is the workers' log")
        stage.store.set_config("backoff_delay", "0.2", now=stage.now())
        stage.store.jobs.enqueue(WORKLOAD, max_retries=stage.settings.max_retries, now=stage.now())
        run_pool(stage, Start(count=WORKERS, drain=True))
        dead_ids = [each.job.id for each in stage.store.jobs.listing(limit=0, states=[JobState.DEAD])]
        shown = Shown(
            status=status(stage, StatusParams()),
            dead=tuple(detail(stage, id_, history=False) for id_ in dead_ids),
        )
        stage.close()
        return shown
    finally:
        shutil.rmtree(directory, ignore_errors=True)


DEMO = Operation(
    name="demo",
    summary="Run a sample workload on a store of its own",
    params=Demo,
    run=demo,
    examples=("demo",),
)
