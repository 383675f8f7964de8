"""Leaks of a finished attempt are found."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest

from queuectl.domain.attempt import Outcome, Result
from queuectl.domain.job import NewJob
from queuectl.runtime import locks
from queuectl.runtime.process import cookie
from queuectl.selftest.leak_check import end_all, files_of_pools, left_in, outlived, processes_of
from tests.support.queue import Queue
from tests.support.waiting import wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.domain.attempt import Attempt

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what a process was started with")
MARK = cookie("wabc", 1, 1, "1f.2e")


@pytest.fixture
def orphan(queue: Queue) -> Iterator[subprocess.Popen[bytes]]:
    """A process with the cookie of the first attempt of job 1."""
    environment = os.environ | {"QUEUECTL_DB": queue.path, "QUEUECTL_RUN": MARK}
    process = subprocess.Popen(["sleep", "1000"], env=environment)
    wait_until(lambda: process.pid in processes_of(queue.path))
    yield process
    process.kill()
    process.wait()


def test_a_process_that_outlived_its_attempt_is_found_and_ended(queue: Queue, orphan: subprocess.Popen[bytes]):
    store = queue.context.store
    store.jobs.enqueue([NewJob(command="true")], max_retries=0, now=0)
    claim = store.claims().claim("wabc", now=1)
    assert claim is not None
    assert outlived(store, queue.path) == {}, "its attempt has not ended"
    result = Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0)
    backoff = queue.context.settings.backoff
    store.claims().finish(claim, "wabc", result, backoff=backoff, random=random.Random(1), now=5)

    assert outlived(store, queue.path) == {
        MARK: f"process {orphan.pid} outlived its attempt {MARK}, which ended as success"
    }

    end_all(queue.path)

    assert processes_of(queue.path) == {}


def test_a_process_that_ends_with_its_attempt_has_not_outlived_it(
    queue: Queue, orphan: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
):
    store = queue.context.store
    store.jobs.enqueue([NewJob(command="true")], max_retries=0, now=0)
    claim = store.claims().claim("wabc", now=1)
    assert claim is not None
    attempts = store.jobs.attempts

    def end_meanwhile(seq: int) -> list[Attempt]:
        end_all(queue.path)
        result = Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0)
        backoff = queue.context.settings.backoff
        store.claims().finish(claim, "wabc", result, backoff=backoff, random=random.Random(1), now=5)
        return attempts(seq)

    monkeypatch.setattr(store.jobs, "attempts", end_meanwhile)

    assert outlived(store, queue.path) == {}
    assert orphan.pid not in processes_of(queue.path)


def test_processes_of_another_store_are_ignored(queue: Queue, orphan: subprocess.Popen[bytes]):
    assert orphan.pid not in processes_of(queue.path + "2")


def test_leftover_files_and_locks_are_listed(queue: Queue):
    run_dir = queue.context.run_dir
    run_dir.make()
    assert list(left_in(run_dir)) == []
    held = locks.hold(os.path.join(run_dir.attempts, "wabc"))
    for name in (os.path.join(run_dir.live, "1-1.out"), os.path.join(run_dir.workers, "wabc")):
        with open(name, "w"):
            pass

    assert list(left_in(run_dir)) == [
        "the lock of an attempt was left: wabc, and is still held",
        "the live output of an attempt was left: 1-1.out",
        "the lock of a worker was left: wabc",
    ]
    os.close(held)


def test_leftover_files_of_pools_are_listed(queue: Queue):
    run_dir = queue.context.run_dir
    run_dir.make()
    for name in ("any", "q-00000001"):
        os.mkfifo(os.path.join(run_dir.bells, name))
    assert list(files_of_pools(run_dir)) == [], "the bells of queues stay"
    os.mkfifo(os.path.join(run_dir.bells, "w-wabc"))
    with open(os.path.join(run_dir.pools, "pabc"), "w"):
        pass

    assert list(files_of_pools(run_dir)) == [
        "the lock of a pool was left: pabc",
        "the bell of a process was left: w-wabc",
    ]
