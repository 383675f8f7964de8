"""Simulated workers of one host: `URL HOST WORKERS JOB_MS SECONDS`, from the end of its input on.

Each worker is a thread with a connection of its own. It asks the store for what a real one asks (runtime/worker.py), as
often and in the same order: claims, results, the statistics every two seconds, its lease, and a look every five when it
is idle. In the place of a process it sleeps. What it learned goes to standard output as one JSON object.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from typing import TYPE_CHECKING

from queuectl import bootstrap
from queuectl.config import settings_from
from queuectl.domain.attempt import Outcome, Output, Result
from queuectl.domain.worker import PoolInfo, WorkerInfo

if TYPE_CHECKING:
    from queuectl.store.rows import Claim
    from queuectl.store.store import Store

SETTINGS = settings_from({})
PRINTED = Output(head=b"simulated\n", tail=b"", total=10)
WRITE_DOWN_EVERY = 2.0
LOOK_EVERY = 5.0
RENEWALS = 6


class Simulated:
    """One worker."""

    def __init__(self, store: Store, name: str, *, job_seconds: float) -> None:
        self._store = store
        self._name = name
        self._claims = store.claims()
        self._job_seconds = job_seconds
        self._lease_ms = round(SETTINGS.lease * 1000)
        self._renew_at = time.monotonic() + random.random() * SETTINGS.lease / RENEWALS
        self._write_at = time.monotonic() + random.random() * WRITE_DOWN_EVERY
        self._unwritten = 0
        self.done = 0
        self.took: list[float] = []
        """Seconds of each message that took a job."""

    def work(self, until: float) -> None:
        """Until this moment of the monotonic clock; a job that runs then is finished."""
        claim: Claim | None = None
        while claim is not None or time.monotonic() < until:
            if claim is None:
                claim = self._look(until)
                continue
            time.sleep(self._job_seconds)
            result = Result(
                outcome=Outcome.SUCCESS, duration_ms=round(self._job_seconds * 1000), exit_code=0, stdout=PRINTED
            )
            if time.monotonic() < until:
                asked = time.perf_counter()
                exchanged = self._claims.exchange(
                    [(claim, result)], self._name, backoff=SETTINGS.backoff, random=random.Random(1), now=_now()
                )
                claim = next(iter(exchanged.claims), None)
                if claim is not None:
                    self.took.append(time.perf_counter() - asked)
            else:
                self._claims.finish(
                    claim, self._name, result, backoff=SETTINGS.backoff, random=random.Random(1), now=_now()
                )
                claim = None
            self.done += 1
            self._unwritten += 1
            self._chores(claim)
        self._write_down()

    def _look(self, until: float) -> Claim | None:
        """Ask for a job; without one, wait as an idle worker does."""
        self._chores(None)
        self._store.config()
        claim = self._claims.claim(self._name, now=_now())
        if claim is not None:
            return claim
        self._write_down()
        self._claims.next_due()
        self._store.changed()
        until = min(until, time.monotonic() + LOOK_EVERY)
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(1.0, left))
            self._chores(None)
        return None

    def _chores(self, claim: Claim | None) -> None:
        now = time.monotonic()
        if now >= self._renew_at:
            self._renew_at = now + SETTINGS.lease / RENEWALS
            self._store.leases.renew(self._name, claim, lease_ms=self._lease_ms)
        if now >= self._write_at:
            self._write_at = now + WRITE_DOWN_EVERY
            self._write_down()
            self._store.config()

    def _write_down(self) -> None:
        if self._unwritten:
            self._claims.write_down(self._name, completed=self._unwritten)
            self._unwritten = 0


def _now() -> int:
    return time.time_ns() // 1_000_000


def main(url: str, host: str, workers: int, job_ms: int, seconds: float) -> None:
    """Simulate the workers of one host."""
    crew = []
    for number in range(workers):
        store = bootstrap.open_store(url, actor=host, durable=False)
        if number == 0:
            pool = PoolInfo(id=host, host=os.uname().nodename, pid=os.getpid(), queues=(), size=workers)
            store.workers.add_pool(pool, now=_now())
        name = f"{host}-{number}"
        info = WorkerInfo(id=name, pool=host, host=os.uname().nodename, boot_id=host, pid=os.getpid(), pid_start=number)
        store.workers.add_worker(info, now=_now())
        crew.append(Simulated(store, name, job_seconds=job_ms / 1000))
    print("ready", flush=True)
    sys.stdin.read()
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=each.work, args=(until,)) for each in crew]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"done": sum(each.done for each in crew), "took": [took for each in crew for took in each.took]}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
