"""Heartbeat of a worker, and its check of the supervisor: due once a second, whatever the worker does."""

from __future__ import annotations

import os
import time

from queuectl.runtime.locks import Heartbeat

TICK = 0.9
"""Longest time in seconds between two ticks of a worker that is not blocked: a beat, and a check of its supervisor."""


class Pulse:
    """The counter in the worker's own lock file, and the time of the next tick.

    The idle wait, the running job and the moment between two jobs share this time: a chain of jobs that are each
    shorter than a tick must beat as often as one long job.
    """

    def __init__(self, lock: int, supervisor: int) -> None:
        """Count in the file of the descriptor `lock`; `supervisor` is the pid of the parent process."""
        self._heartbeat = Heartbeat(lock)
        self._supervisor = supervisor
        self.due_at = 0.0
        """When the next tick is due, in seconds on the monotonic clock."""

    @property
    def is_due(self) -> bool:
        """Whether the next tick is due."""
        return time.monotonic() >= self.due_at

    @property
    def is_orphan(self) -> bool:
        """Whether the supervisor has died: another process has adopted the worker."""
        return os.getppid() != self._supervisor

    def beat(self) -> None:
        """Increment the counter, for example while the store's lock is held by another process."""
        self._heartbeat.beat()

    def begin_tick(self, interval: float) -> None:
        """Beat; the next tick is due in `interval` seconds."""
        self.due_at = time.monotonic() + interval
        self._heartbeat.beat()
