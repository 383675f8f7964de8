"""Firing of schedules, by the steward of each pool: whichever comes first fires, the others find nothing left to do."""

from __future__ import annotations

from queuectl.domain.errors import QueuectlError, StoreError
from queuectl.runtime.doorbell import bell_of_worker, bells_of_jobs, ring_everywhere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.config import Settings
    from queuectl.domain.clock import Clock
    from queuectl.runtime.log import Log
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.store import Store

_FORGET_EVERY = 3600.0
"""Seconds between two deletions of old fires."""
_MOST = 1000
"""Fires in one poll: the steward has other work too."""


class ScheduleFiring:
    """Fires the schedules of a store that are due."""

    def __init__(self, store: Store, run_dir: RunDir, *, log: Log, clock: Clock) -> None:
        """Enqueue into `store`, and wake workers on every host."""
        self._store = store
        self._run_dir = run_dir
        self._log = log
        self._clock = clock
        self._next_at: int | None = None
        self._broken: set[str] = set()
        """Schedules whose failure is logged."""
        self._forget_at = 0.0

    def fire(self, settings: Settings) -> None:
        """Fire what is due. Raises StoreError."""
        schedules = self._store.schedules
        for _ in range(_MOST):
            now = self._clock.now()
            due = [name for name in schedules.due(now) if name not in self._broken]
            moved = [self._fire(name, settings, now) for name in due]
            if not any(moved):
                break
        self._next_at = schedules.next_fire()
        if self._next_at is None:
            self._broken.clear()
        elif self._clock.monotonic() >= self._forget_at:
            self._forget_at = self._clock.monotonic() + _FORGET_EVERY
            schedules.forget_fires(now=self._clock.now())
            self._broken.clear()

    def seconds_left(self, most: float) -> float:
        """Return the seconds until the next schedule is due, at most `most`."""
        if self._next_at is None:
            return most
        left = (self._next_at - self._clock.now()) / 1000
        # One that is due already waits for its job before, or cannot be fired: the next poll tries again.
        return min(left, most) if left > 0 else most

    def _fire(self, name: str, settings: Settings, now: int) -> bool:
        """Fire one schedule; return whether it may be due again."""
        try:
            fired = self._store.schedules.fire(name, max_retries=settings.max_retries, now=now)
        except StoreError:
            raise
        except QueuectlError as error:
            self._broken.add(name)
            self._log.event(f"schedule {name} cannot be fired: {error.message}")
            return False
        bells = [*bells_of_jobs(fired.new), *([] if fired.cancelled is None else [bell_of_worker(fired.cancelled)])]
        if bells:
            ring_everywhere(self._store, self._run_dir, *bells)
        for id_ in fired.ids:
            self._log.detail(f"schedule {name} enqueued job {id_}")
        return fired.moved
