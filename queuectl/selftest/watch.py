"""What is seen of the processes and files of a soak while it goes on.

Signs of life, descriptors, memory, sizes, and what outlives its attempt.
"""

from __future__ import annotations

import os
import time

from queuectl.domain.record import record
from queuectl.runtime import system
from queuectl.runtime.run_dir import SUBDIRS, age_ms
from queuectl.selftest.leak_check import outlived
from queuectl.store.sqlite.files import log_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuectl.selftest.pace import Span
    from queuectl.selftest.sandbox import Sandbox
    from queuectl.store.store import Store

_LOOK_EVERY = 0.5
SUPERVISOR, STEWARD = "supervisor", "steward"


@record
class Usage:
    """What one process holds; None where it cannot be measured."""

    descriptors: int | None
    memory: int | None
    """Bytes of its own: what is mapped from files is left out."""


@record
class Rest:
    """How things are while nothing is to do."""

    at: int
    processes: Mapping[str, Usage]
    """By what each is: `worker ID`, or `supervisor` and `steward` with their pids."""
    files: int
    """In the run directory."""
    clients: int | None
    """Connections to the server; None for a file."""


class Watch:
    """Looks, and remembers."""

    def __init__(self, ground: Sandbox, store: Store) -> None:
        """Watch the pools of `ground`."""
        self._ground = ground
        self._store = store
        self._look_at = 0.0
        self.silences: dict[str, Span] = {}
        """The longest time for which each worker has shown no sign of life, by this machine's wall clock."""
        self.rests: list[Rest] = []
        self.longest_log = 0
        """Bytes of the write-ahead log, at its longest."""
        self.outlived: dict[str, str] = {}
        """A sentence for each attempt of which something lived on. What lives at the end, the ground ends unseen."""

    def look(self) -> None:
        """Look at what changes quickly, not more often than twice a second."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_EVERY
        workers = self._ground.run_dir.workers
        for worker in os.listdir(workers):
            silent = age_ms(os.path.join(workers, worker))
            start, end = self.silences.get(worker, (0, 0))
            if silent is not None and silent > end - start:
                now = time.time_ns() // 1_000_000
                self.silences[worker] = (now - silent, now)
        self.longest_log = max(self.longest_log, log_size(self._ground.location))
        self._look_for_outlived()

    def rest(self) -> None:
        """Look at everything, while nothing is to do."""
        self._look_for_outlived()
        # Loaded here: the driver of a server is needed for a server only.
        clients = None
        if self._store.database.remote:
            from queuectl.store.postgres.scratch import clients as count

            clients = count(self._store.database)
        run_dir = self._ground.run_dir
        self.rests.append(
            Rest(
                at=self._ground.clock.now(),
                processes={name: usage(pid) for name, pid in self._processes().items()},
                files=sum(len(os.listdir(os.path.join(run_dir.root, room))) for room in SUBDIRS),
                clients=clients,
            )
        )

    def _look_for_outlived(self) -> None:
        self.outlived |= outlived(self._store, self._ground.location, now=self._ground.clock.now())

    def _processes(self) -> dict[str, int]:
        supervisor = self._ground.supervisor
        found = {f"{SUPERVISOR} {supervisor}": supervisor}
        workers = {worker.pid: worker.id for worker in self._store.workers.running_workers()}
        for pid, process in system.processes().items():
            if process.parent == supervisor:
                found[f"worker {workers[pid]}" if pid in workers else f"{STEWARD} {pid}"] = pid
        return found


def usage(pid: int) -> Usage:
    """What a process holds now."""
    try:
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        descriptors = None
    return Usage(descriptors=descriptors, memory=_memory(pid))


def _memory(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            for line in file:
                if line.startswith(b"RssAnon:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None
