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
_LONGEST = 0.2
"""Seconds of firing in one poll: the steward has other work too, and a lease to renew."""


class ScheduleFiring:
    """Fires the schedules of a store that are due."""

    def __init__(self, store: Store, run_dir: RunDir, *, log: Log, clock: Clock) -> None:
        """Enqueue into `store`, and wake workers on every host."""
        self._store = store
        self._run_dir = run_dir
        self._log = log
        self._clock = clock
        self._next_at: int | None = None
        self._is_behind = False
        """Whether there was more to fire than one poll has time for."""
        self._broken: set[str] = set()
        """Schedules whose failure is logged."""
        self._forget_at = 0.0

    def fire(self, settings: Settings) -> None:
        """Fire what is due, as far as there is time. Raises StoreError."""
        until = self._clock.monotonic() + _LONGEST
        # False if firing fails: then the next poll comes after the usual time.
        self._is_behind = False
        while self._fire_each(settings, until) and self._clock.monotonic() < until:
            pass
        self._is_behind = self._clock.monotonic() >= until
        self._next_at = self._store.schedules.next_fire()
        if self._next_at is not None and self._clock.monotonic() >= self._forget_at:
            self._forget_at = self._clock.monotonic() + _FORGET_EVERY
            self._store.schedules.forget_fires(now=self._clock.now())

    def seconds_left(self, most: float) -> float:
        """Return the seconds until the next poll that schedules need, at most `most`."""
        if self._is_behind:
            return 0.0
        if self._next_at is None:
            return most
        left = (self._next_at - self._clock.now()) / 1000
        # One that is due already waits for its job before, or cannot be fired: the next poll tries again.
        return min(left, most) if left > 0 else most

    def _fire_each(self, settings: Settings, until: float) -> bool:
        """Fire each schedule that is due, once; return whether one of them may be due again."""
        now, again = self._clock.now(), False
        for name in self._store.schedules.due(now):
            again = self._fire(name, settings, now) or again
            if self._clock.monotonic() >= until:
                return again
        return again

    def _fire(self, name: str, settings: Settings, now: int) -> bool:
        """Fire one schedule; return whether it may be due again."""
        try:
            fired = self._store.schedules.fire(name, max_retries=settings.max_retries, now=now)
        except StoreError:
            raise
        except QueuectlError as error:
            if name not in self._broken:
                self._log.event(f"schedule {name} cannot be fired: {error.message}")
            self._broken.add(name)
            return False
        self._broken.discard(name)
        bells = [*bells_of_jobs(fired.new), *([] if fired.cancelled is None else [bell_of_worker(fired.cancelled)])]
        if bells:
            ring_everywhere(self._store, self._run_dir, *bells)
        for id_ in fired.ids:
            self._log.detail(f"schedule {name} enqueued job {id_}")
        return fired.moved
