"""A worker or a pool that ends in order is not reported as dead, whenever a steward polls."""

from __future__ import annotations

import os
import random

import pytest

from queuectl.domain.worker import PoolInfo, WorkerInfo
from queuectl.runtime import locks, system
from queuectl.runtime.doorbell import bell_of_worker
from queuectl.runtime.log import Log
from queuectl.runtime.reaper import Reaper
from queuectl.store.workers import Workers
from tests.support.queue import Queue

NO_PROCESS = 2**22 + 1
"""A pid above the highest."""


def test_a_process_that_exits_during_a_poll_is_not_reported_as_dead(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    context, here = queue.context, os.uname().nodename
    store, run_dir = context.store, context.run_dir
    run_dir.make()
    store.workers.add_pool(PoolInfo(id="p", host=here, pid=NO_PROCESS, queues=(), size=1), now=context.now())
    gone = WorkerInfo(id="w", pool="p", host=here, boot_id=system.boot_id(), pid=NO_PROCESS, pid_start=1)
    store.workers.add_worker(gone, now=context.now())
    if store.database.remote:
        # There, a worker without a lock is another host's.
        for path in (os.path.join(run_dir.workers, "w"), os.path.join(run_dir.pools, "p")):
            with open(path, "w"):
                pass
    # The steward lists the running workers and pools; then both record their ends and exit.
    workers, pools = store.workers.running_workers(), store.workers.running_pools()
    assert store.workers.stop_worker("w", now=context.now())
    assert store.workers.stop_pool("p", now=context.now())
    monkeypatch.setattr(Workers, "running_workers", lambda *_: workers)
    monkeypatch.setattr(Workers, "running_pools", lambda *_: pools)

    reaper = Reaper(store, run_dir, log=Log("p"), clock=context.clock, rng=random.Random(1))

    assert reaper.reap(context.settings) == 0
    assert capfd.readouterr().err == ""
    assert "worker_died" not in {event.verb for event in store.events.events(limit=100)}


def test_files_of_a_worker_that_was_killed_before_it_recorded_its_start_are_removed(queue: Queue):
    context = queue.context
    run_dir = context.run_dir
    run_dir.make()
    left = [
        os.path.join(run_dir.workers, "wkilled"),
        os.path.join(run_dir.attempts, "wkilled"),
        os.path.join(run_dir.bells, bell_of_worker("wkilled")),
    ]
    starting = [os.path.join(run_dir.workers, name) for name in ("wyoung", "wlocked")]
    for path in (*left, *starting):
        with open(path, "w"):
            pass
    for path in (*left, starting[1]):
        os.utime(path, (1, 1))
    lock = locks.hold(starting[1])

    Reaper(context.store, run_dir, log=Log("p"), clock=context.clock, rng=random.Random(1)).reap(context.settings)

    assert [path for path in (*left, *starting) if os.path.exists(path)] == starting
    os.close(lock)
