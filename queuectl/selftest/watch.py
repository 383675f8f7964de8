"""Measurements of the processes and files of a soak while it runs: heartbeats, descriptors, memory, sizes, leaks."""

from __future__ import annotations

import os
import time

from queuectl.domain.record import record
from queuectl.runtime import system
from queuectl.runtime.run_dir import SUBDIRS, age_ms
from queuectl.selftest.leak_check import outlived
from queuectl.store.sqlite import log_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from queuectl.selftest.pace import Span
    from queuectl.selftest.sandbox import Sandbox
    from queuectl.store.store import Store

_SAMPLE_EVERY = 0.5
SUPERVISOR, STEWARD = "supervisor", "steward"


@record
class Usage:
    """Resources of one process; None where they cannot be measured."""

    descriptors: int | None
    memory: int | None
    """Anonymous memory in bytes, without mapped files."""


@record
class Rest:
    """Measurements while no job is left to run."""

    at: int
    processes: Mapping[str, Usage]
    """By name: `worker ID`, `supervisor PID` or `steward PID`."""
    files: int
    """Number of files in the run directory."""
    clients: int | None
    """Connections to the server; None for a file."""


class Watch:
    """The measurements of one soak."""

    def __init__(self, ground: Sandbox, store: Store) -> None:
        """Measure the pools of the sandbox `ground`."""
        self._ground = ground
        self._store = store
        self._sample_at = 0.0
        self.silences: dict[str, Span] = {}
        """The longest span without a heartbeat of each worker, by this machine's wall clock."""
        self.rests: list[Rest] = []
        self.longest_log = 0
        """Largest size of the write-ahead log in bytes."""
        self.outlived: dict[str, str] = {}
        """By cookie, a sentence for each attempt with processes that outlived it. At the end the sandbox ends such
        processes without a record."""

    def sample(self) -> None:
        """Measure what changes quickly, at most twice a second."""
        if time.monotonic() < self._sample_at:
            return
        self._sample_at = time.monotonic() + _SAMPLE_EVERY
        workers = self._ground.run_dir.workers
        for worker in os.listdir(workers):
            silent = age_ms(os.path.join(workers, worker))
            start, end = self.silences.get(worker, (0, 0))
            if silent is not None and silent > end - start:
                now = time.time_ns() // 1_000_000
                self.silences[worker] = (now - silent, now)
        self.longest_log = max(self.longest_log, log_file.size(self._ground.location))
        self._check_leaks()

    def rest(self) -> None:
        """Measure everything, while no job is left to run."""
        self._check_leaks()
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
                files=sum(len(os.listdir(os.path.join(run_dir.root, name))) for name in SUBDIRS),
                clients=clients,
            )
        )

    def _check_leaks(self) -> None:
        self.outlived |= outlived(self._store, self._ground.location)

    def _processes(self) -> dict[str, int]:
        supervisor = self._ground.supervisor
        pids = {f"{SUPERVISOR} {supervisor}": supervisor}
        workers = {worker.pid: worker.id for worker in self._store.workers.running_workers()}
        for pid, process in system.processes().items():
            if process.parent == supervisor:
                pids[f"worker {workers[pid]}" if pid in workers else f"{STEWARD} {pid}"] = pid
        return pids


def usage(pid: int) -> Usage:
    """Measure the resources of a process."""
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
