"""Steps of a bulk change that leave the lock of the store to workers and other commands in between.

SQLite's lock has no queue: a process that waits for it tries again after pauses of up to 30 ms. One that takes the lock
again as soon as it has released it leaves the others a few microseconds: eight workers whose jobs take 50 ms did 3 % of
their work while a million jobs were pruned.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress

from queuectl.domain.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from queuectl.store.database import Database
    from queuectl.store.events import Events

MOST = 1000
"""Jobs in a step where no pool is running."""
_LEAST = 100
_HOLD = 0.01
"""Seconds for which a step holds the lock beside a running pool."""
_LONGEST_PAUSE = 0.05
_SHARE_ALONE = 0.05
"""Pause for other commands where no pool is running, as a share of the time for which the lock was held."""
_LOOK_EVERY = 1.0
"""Seconds between two looks for running pools."""


class Pace:
    """The pace of one bulk change. On a server, where rows are locked and not the store, it has no pauses."""

    def __init__(
        self,
        database: Database,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Begin with the largest step."""
        self._database = database
        self._monotonic, self._sleep = monotonic, sleep
        self._beside_pool = False
        self._look_at = float("-inf")
        self.limit = MOST
        """Number of jobs of the next step."""

    def parts(self, seqs: Sequence[int]) -> Iterator[list[int]]:
        """Yield these jobs in steps of the present limit."""
        start = 0
        while start < len(seqs):
            end = start + self.limit
            yield list(seqs[start:end])
            start = end

    @contextmanager
    def step(self) -> Iterator[None]:
        """Do a step in a transaction, and pause after its commit."""
        with self._database.transaction():
            began = self._monotonic()
            yield
        self.rest(self._monotonic() - began)

    def rest(self, held: float) -> None:
        """Pause after a step that has held the lock for `held` seconds, and choose the size of the next."""
        if not self._database.exclusive:
            return
        now = self._monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY
            self._beside_pool = bool(self._database.rows("running_pools", host=None))
        if self._beside_pool:
            self.limit = min(max(int(self.limit * _HOLD / max(held, 1e-6)), _LEAST, self.limit // 2), MOST)
            self._sleep(min(held, _LONGEST_PAUSE))
        else:
            self.limit = MOST
            self._sleep(min(held * _SHARE_ALONE, _LONGEST_PAUSE))


class StepNotes:
    """Events of a bulk deletion: one for its first step, and one for each thousand jobs of the others."""

    def __init__(self, database: Database, events: Events, verb: str, subject: str, now: int) -> None:
        """Record `verb` on `subject`; `with` records the last jobs, however the deletion ends."""
        self._database, self._events = database, events
        self._verb, self._subject, self._now = verb, subject, now
        self._unrecorded, self._begun = 0, False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._unrecorded:
            with suppress(StoreError), self._database.transaction():
                self._record()

    def add(self, jobs: int) -> None:
        """Count deleted jobs, within the transaction of their step."""
        self._unrecorded += jobs
        if self._unrecorded and (not self._begun or self._unrecorded >= MOST):
            self._record()
            self._begun = True

    def _record(self) -> None:
        self._events.note(self._now, self._verb, self._subject, f"{self._unrecorded} jobs")
        self._unrecorded = 0
