"""A drain ends when no job is left to run, whatever ended the last job and however late that was noticed."""

from __future__ import annotations

import os
import random

from queuectl import bootstrap
from queuectl.runtime.assignment import Assignment
from queuectl.runtime.log import Log
from queuectl.runtime.store_access import StoreAccess
from queuectl.runtime.worker import Worker
from queuectl.store.claims import Claims
from tests.support.queue import Queue
from tests.support.waiting import wait_until


def test_a_last_job_that_is_cancelled_while_a_worker_falls_asleep_ends_the_drain(queue: Queue):
    queue.enqueue("true", "--id", "later", "--delay", "1h")

    worker = os.fork()
    if not worker:
        status = 1
        try:
            status = drain_while_the_last_job_is_cancelled(queue)
        finally:
            os._exit(status)

    statuses: list[int] = []

    def has_ended() -> bool:
        pid, status = os.waitpid(worker, os.WNOHANG)
        statuses.append(status)
        return pid == worker

    wait_until(has_ended)
    assert os.waitstatus_to_exitcode(statuses[-1]) == 0


def drain_while_the_last_job_is_cancelled(queue: Queue) -> int:
    """Run one worker of a drain. Right after its count, another connection cancels a job without a ring."""
    context = bootstrap.context(queue.path, environ=queue.environment)
    context.run_dir.make()
    other, count = context.open_store(actor="other"), Claims.left_to_run

    def count_then_cancel(claims: Claims) -> int:
        left = count(claims)
        if left:
            with other.database.transaction():
                other.database.rows("cancel_ready", id="later", now=context.now())
        return left

    setattr(Claims, "left_to_run", count_then_cancel)  # noqa: B010 - in this process alone
    assignment = Assignment(id="w1", pool="p1", queues=(), labels=(), drain=True, supervisor=os.getppid())
    store, log = context.open_store(actor="w1", durable=False), Log("w1")
    access = StoreAccess(
        assignment, store, context.run_dir, log=log, clock=context.clock, rng=random.Random(1), lease=3600
    )
    worker = Worker(assignment, access, context.run_dir, log=log, clock=context.clock, location=context.location)
    return 0 if worker.run() else 1
