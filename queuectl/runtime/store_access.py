"""A worker's access to the store: its claims and results, its ownership, and its settings."""

from __future__ import annotations

import time

from queuectl.config import settings_from
from queuectl.domain.errors import StoreError, StoreLost
from queuectl.runtime.job_environments import JobEnvironments
from queuectl.runtime.ownership import give_back, new_ownership
from queuectl.runtime.pulse import TICK
from queuectl.runtime.store_retry import StoreRetry
from queuectl.runtime.tally import Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from queuectl.domain.attempt import Result
    from queuectl.domain.clock import Clock
    from queuectl.domain.job import JobState
    from queuectl.runtime.assignment import Assignment
    from queuectl.runtime.log import Log
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.claims import Exchanged
    from queuectl.store.rows import Claim
    from queuectl.store.store import Store

_REFRESH_EVERY, _REFRESH_EVERY_REMOTE = 0.5, 2.0


class StoreAccess:
    """The store as one worker uses it. Every method raises StoreError, unless it states otherwise."""

    def __init__(
        self,
        assignment: Assignment,
        store: Store,
        run_dir: RunDir,
        *,
        log: Log,
        clock: Clock,
        rng: random.Random,
        lease: float,
    ) -> None:
        """Query nothing yet. `lease` is in seconds, and starts now."""
        self.store = store
        self.claims = store.claims(assignment.queues, assignment.labels)
        self.ownership = new_ownership(store, self.claims, assignment.id, run_dir=run_dir, lease=lease)
        self.tally = Tally(self.claims, assignment.id)
        self.environments = JobEnvironments(store)
        self.retry = StoreRetry(log)
        self.settings = settings_from({})
        """As they were read last."""
        self.tick_interval = TICK
        """Seconds between two ticks of the worker."""
        self._worker = assignment.id
        self._clock = clock
        self._random = rng
        self._stored: dict[str, str] = {}
        self._refresh_at = 0.0

    def claim(self) -> Claim | None:
        """Claim the most urgent due job, or None."""
        return self.claims.claim(self._worker, now=self._clock.now())

    def begun(self, claim: Claim) -> None:
        """Count how long a job that begins now was due."""
        self.claims.begun(claim, now=self._clock.now())

    def exchange(
        self,
        ended: Sequence[tuple[Claim, Result]],
        withdrawn: Sequence[Claim],
        *,
        most: int,
        wait: float | None = None,
    ) -> Exchanged:
        """Record results, withdraw claims that were not started, and claim up to `most` jobs.

        `wait` is for how many seconds a lock is waited for, if not as long as usual.
        """
        return self.claims.exchange(
            ended,
            self._worker,
            withdrawn=withdrawn,
            most=most,
            wait=wait,
            backoff=self.settings.backoff,
            random=self._random,
            now=self._clock.now(),
        )

    def has_ended(self, claim: Claim) -> JobState | None:
        """Return the state in which this worker's result left the job; None where another end was recorded."""
        return self.claims.has_ended(claim, self._worker)

    def read_settings(self) -> None:
        """Read the settings, and put those that have changed into effect."""
        stored = self.store.config()
        if stored != self._stored:
            self._stored, self.settings = stored, settings_from(stored)
            self.store.database.wait = self.settings.busy_timeout
            self.environments.deny(self.settings.worker_env_deny)
            self.ownership.measure(self.settings.lease)
            self.tick_interval = self.ownership.tick(self.settings.lease)

    def refresh_if_due(self) -> None:
        """Write the tally and read the settings, while no idle wait does. Raises StoreLost."""
        if time.monotonic() < self._refresh_at:
            return
        remote = self.store.database.remote
        self._refresh_at = time.monotonic() + (_REFRESH_EVERY_REMOTE if remote else _REFRESH_EVERY)
        try:
            self.tally.write_down()
            self.read_settings()
        except StoreLost:
            raise
        except StoreError:
            pass  # reported by the next claim

    def leave(self) -> None:
        """Record the end of the worker."""
        self.tally.write_down()
        backoff, now = self.settings.backoff, self._clock.now()
        give_back(self.ownership, self.claims, self._worker, backoff=backoff, random=self._random, now=now)
        self.store.workers.stop_worker(self._worker, now=self._clock.now())
