"""Many jobs, clients and kills: the parts of the tests in which processes die."""

from __future__ import annotations

import json
import signal
import threading
import time
from functools import partial
from pathlib import Path

from queuectl.domain.attempt import MAX_LOSSES
from queuectl.domain.job import FINAL, JobState
from queuectl.runtime import system
from queuectl.selftest.ledger import note, read, witnessed
from tests.support import command
from tests.support.waiting import PATIENCE, wait_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.support.queue import Pool, Queue


def enqueue_many(queue: Queue, ledger: Path, number: int, work: str = "sleep 0.02", prefix: str = "job") -> list[str]:
    """Enqueue `number` witnessed jobs at once; return the acknowledged ids."""
    lines = [
        json.dumps({"id": f"{prefix}{each}", "command": witnessed(str(ledger), work), "max_retries": 5})
        for each in range(number)
    ]
    return queue.run("enqueue", "-f", "-", given="\n".join(lines)).stdout.split()


class Client(threading.Thread):
    """Enqueues one job after the other, each by its own command, and records the acknowledged ids."""

    def __init__(self, queue: Queue, ledger: Path, name: str, number: int, work: str = "sleep 0.02") -> None:
        super().__init__(name=name, daemon=True)
        self._environment = command.environment(queue.path)
        self._words = ("--max-retries", "5", witnessed(str(ledger), work))
        self._number = number
        self.acknowledged: list[str] = []

    def run(self) -> None:
        for each in range(self._number):
            done = command.run("enqueue", "--id", f"{self.name}-{each}", *self._words, env=self._environment)
            if done.code == 0:
                self.acknowledged.append(done.out.strip())

    def finish(self) -> list[str]:
        """Wait for the end; return the acknowledged ids, which must be all, as nothing has killed it."""
        self.join(PATIENCE)
        assert len(self.acknowledged) == self._number, f"{self.name} was refused"
        return self.acknowledged


def kill_workers(queue: Queue, rng: random.Random, *, least: int) -> None:
    """Kill busy workers, one after the other, until every job is final; at least `least` must be hit."""
    hit = 0
    while not is_over(queue):
        victims = _settled(queue)
        if not victims:
            time.sleep(0.01)
            continue
        id_, pid, started = rng.choice(victims)
        if system.send(pid, started, signal.SIGKILL):
            hit += 1
            wait_until(partial(_is_cleared_up, queue, id_))
    assert hit >= least, f"only {hit} were hit"


def _is_cleared_up(queue: Queue, worker: str) -> bool:
    return worker not in {each.id for each in queue.context.store.workers.running_workers()}


def _settled(queue: Queue) -> list[tuple[str, int, int]]:
    """Return busy workers older than a second: those that die younger are replaced more and more slowly."""
    now = queue.context.now()
    seen = [each.info for each in queue.workers()]
    return [
        (each.id, each.pid, each.pid_start)
        for each in seen
        if each.job and each.pid_start is not None and now - each.started_at > 1100
    ]


def steward_of(pool: Pool, queue: Queue) -> int:
    """Return the child of the supervisor that is not a worker."""
    children = Path(f"/proc/{pool.process.pid}/task/{pool.process.pid}/children")
    workers = {each.pid for each in queue.context.store.workers.running_workers()}

    def one() -> int | None:
        others = [pid for pid in map(int, children.read_text().split()) if pid not in workers]
        return others[0] if len(others) == 1 else None

    return wait_until(one)


def is_over(queue: Queue) -> bool:
    """Return whether every job is final."""
    return not sum(count for _, state, count in queue.context.store.counts() if state not in FINAL)


def all_final(queue: Queue, seconds: float = PATIENCE) -> None:
    """Wait until every job is completed, or dead after too many losses."""
    wait_until(lambda: is_over(queue), seconds)
    for each in queue.context.store.jobs.listing(limit=0):
        lost = each.job.state is JobState.DEAD and each.job.losses >= MAX_LOSSES
        assert lost or each.job.state is JobState.COMPLETED, f"{each.job.id} is {each.job.state.value}"


def began(ledger: Path, id_: str, attempt: int = 1) -> Callable[[], bool]:
    """Return a predicate that is true once an attempt has recorded its start."""
    return lambda: any(each.job == id_ and each.attempt == attempt for each in read(str(ledger)))


def alive(pid: int) -> bool:
    """Return whether a process is alive and not a zombie."""
    return system.start_time(pid) is not None


def pid_in(file: Path) -> int:
    """Wait for the pid that a job writes into `file`, and return it."""
    return int(wait_until(lambda: file.exists() and file.read_text().strip()))


def restless(ledger: Path) -> str:
    """Return an endless job that records again and again that it is alive."""
    return f"{note(str(ledger), 'start')}; while :; do {note(str(ledger), 'alive')}; sleep 0.05; done"


def once(ledger: Path, first: str, *, then: str = "true") -> str:
    """Return a witnessed job that does `first` in its first attempt, and `then` in all others."""
    return witnessed(str(ledger), f'if [ "$QUEUECTL_ATTEMPT" = 1 ]; then {first}; else {then}; fi')
