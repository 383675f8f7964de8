"""A worker of this host whose lease has expired is written off only if it beats: it ends its own job in time then."""

from __future__ import annotations

import os
import random
from contextlib import closing

import pytest

from queuectl.domain.job import JobState, NewJob
from queuectl.domain.worker import PoolInfo, WorkerInfo
from queuectl.runtime import locks, system
from queuectl.runtime.log import Log
from queuectl.runtime.reaper import Reaper
from tests.support.queue import Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Silent:
    """A worker of this host that holds its lock and a job, and whose lease has expired."""

    def __init__(self, queue: Queue) -> None:
        context, here = queue.context, os.uname().nodename
        store, run_dir = context.store, context.run_dir
        run_dir.make()
        store.workers.add_pool(PoolInfo(id="p", host=here, pid=os.getpid(), queues=(), size=1), now=context.now())
        self.lock = locks.hold(os.path.join(run_dir.workers, "w"))
        self.heartbeat = locks.Heartbeat(self.lock)
        # Without a start time it cannot be signalled: it is this process.
        info = WorkerInfo(id="w", pool="p", host=here, boot_id=system.boot_id(), pid=os.getpid(), pid_start=None)
        store.workers.add_worker(info, now=context.now())
        store.jobs.enqueue([NewJob(command="true", id="job")], max_retries=3, now=context.now())
        assert store.claims().claim("w", now=context.now()) is not None
        store.database.query("UPDATE workers SET lease_until = queuectl.clock() - 1 RETURNING id")
        self._queue = queue
        self._reaper = Reaper(store, run_dir, log=Log("p"), clock=context.clock, rng=random.Random(1))

    def state_after_poll(self) -> JobState:
        store = self._queue.context.store
        store.database.query("DELETE FROM chores RETURNING name")  # which steward sweeps, and when
        self._reaper.reap(self._queue.context.settings)
        return store.jobs.get("job").job.state


@pytest.fixture
def worker(tmp_path: Path, database: str) -> Iterator[Silent]:
    with closing(Queue(tmp_path, store=database)) as queue:
        silent = Silent(queue)
        yield silent
        os.close(silent.lock)


def test_a_worker_that_does_not_beat_is_not_written_off_beside_its_processes(worker: Silent):
    assert [worker.state_after_poll() for _ in range(3)] == [JobState.PROCESSING] * 3


def test_a_worker_that_beats_is_written_off(worker: Silent):
    worker.heartbeat.beat()
    assert worker.state_after_poll() is JobState.PROCESSING, "a steward that has just begun has seen no beat yet"
    worker.heartbeat.beat()
    assert worker.state_after_poll() is JobState.PENDING
