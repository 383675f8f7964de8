"""A running job, as its store and live files show it; the test decides what it prints and when it ends."""

from __future__ import annotations

import os
import random
from pathlib import Path

from queuectl import bootstrap
from queuectl.domain.attempt import Outcome, Result
from queuectl.domain.backoff import Backoff
from queuectl.domain.job import NewJob
from queuectl.domain.worker import PoolInfo, WorkerInfo
from queuectl.runtime import locks
from queuectl.runtime.live import Live
from queuectl.runtime.output import Capture
from tests.support.seed import NOW, StoppedClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class LiveJob:
    """The job, and its worker."""

    def __init__(self, directory: Path, command: str = "make", **fields: Any) -> None:
        self.path = str(directory / "queue.db")
        self.clock = StoppedClock()
        self.context = bootstrap.context(self.path, clock=self.clock)
        self._worker = bootstrap.context(self.path, clock=self.clock)
        self._worker.run_dir.make()
        (self.id,) = self._worker.store.jobs.enqueue([NewJob(command=command, **fields)], max_retries=3, now=NOW)
        self._out, self._err = Capture(), Capture()

    def register_worker(self) -> None:
        """Register this process as the job's worker, and as its supervisor, both alive."""
        pid, here = os.getpid(), os.uname().nodename
        self._worker.store.workers.add_pool(PoolInfo(id="p1", host=here, pid=pid, queues=(), size=1), now=NOW)
        self._worker.store.workers.add_worker(
            WorkerInfo(id="w1", pool="p1", host=here, boot_id="", pid=pid, pid_start=None), now=NOW
        )
        locks.hold(os.path.join(self._worker.run_dir.pools, "p1"))
        locks.hold(os.path.join(self._worker.run_dir.workers, "w1"))

    def begin(self) -> None:
        claim = self._worker.store.claims().claim("w1", now=self.clock.now())
        assert claim is not None
        self._claim = claim
        self._live = Live(self._worker.run_dir.live, claim.seq, claim.fence)
        self._out, self._err = Capture(), Capture()

    def print(self, data: bytes, *, err: bool = False) -> None:
        capture = self._err if err else self._out
        reading, writing = os.pipe()
        try:
            for start in range(0, len(data), 65_536):
                os.write(writing, data[start : start + 65_536])
                left = len(data[start : start + 65_536])
                while left:
                    left -= capture.read(reading)
        finally:
            os.close(reading)
            os.close(writing)
        self._live.write(self._out, self._err)

    def end(self, outcome: Outcome = Outcome.SUCCESS) -> None:
        result = Result(
            outcome=outcome, duration_ms=1500, exit_code=0 if outcome is Outcome.SUCCESS else 1,
            stdout=self._out.take(), stderr=self._err.take(),
        )  # fmt: skip
        self._worker.store.claims().finish(
            self._claim,
            "w1",
            result,
            backoff=Backoff(delay=1.0, base=1.0, maximum=1.0),
            random=random.Random(1),
            now=self.clock.now(),
        )
        self._live.discard()
