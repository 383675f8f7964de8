"""A worker or a pool that ends in order is not taken for one that died, whenever a steward looks."""

from __future__ import annotations

import os
import random

import pytest

from queuectl.domain.worker import PoolInfo, WorkerInfo
from queuectl.runtime import host
from queuectl.runtime.log import Log
from queuectl.runtime.reaper import Reaper
from queuectl.store.fleet import Fleet
from tests.support.queue import Queue

NO_PROCESS = 2**22 + 1
"""A pid above the highest."""


def test_what_leaves_while_a_steward_looks_is_not_reported_as_dead(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    context, here = queue.context, os.uname().nodename
    store, place = context.store, context.place
    place.make()
    store.fleet.add_pool(PoolInfo(id="p", host=here, pid=NO_PROCESS, queues=(), size=1), now=context.now())
    gone = WorkerInfo(id="w", pool="p", host=here, boot_id=host.boot_id(), pid=NO_PROCESS, pid_start=1)
    store.fleet.add_worker(gone, now=context.now())
    if store.database.remote:
        # There, a worker without a lock is another host's.
        for path in (os.path.join(place.workers, "w"), os.path.join(place.pools, "p")):
            with open(path, "w"):
                pass
    # The steward reads who is there; then both record their ends and are gone.
    workers, pools = store.fleet.running_workers(), store.fleet.running_pools()
    assert store.fleet.stop_worker("w", now=context.now())
    assert store.fleet.stop_pool("p", now=context.now())
    monkeypatch.setattr(Fleet, "running_workers", lambda *_: workers)
    monkeypatch.setattr(Fleet, "running_pools", lambda *_: pools)

    reaper = Reaper(store, place, log=Log("p"), clock=context.clock, chance=random.Random(1))

    assert reaper.reap(context.settings) == 0
    assert capfd.readouterr().err == ""
    assert "worker_died" not in {event.verb for event in store.journal.events(limit=100)}
