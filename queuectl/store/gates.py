"""Gates: queues that are paused, limited or weighted, and what a claim may take beside them.

Where no queue has such a setting, a claim is a single statement that looks once at each priority in use. Otherwise
open queues are looked at, one by one where that is necessary. Jobs that may not run are never looked at, so that a
million of them in a paused queue cost nothing.
"""

from __future__ import annotations

from queuectl.domain.queue_settings import ALL
from queuectl.domain.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from queuectl.store.database import Database


@record
class Gate:
    """A queue that a claim must not simply take jobs from."""

    is_paused: bool
    limit: int | None
    weight: int


class Gates:
    """The gates as they are at one moment, within a transaction or for a single look."""

    def __init__(self, database: Database) -> None:
        """Read the gates, and the running jobs if they matter."""
        self._database = database
        self._gates = {
            name: Gate(is_paused=bool(paused), limit=limit, weight=weight)
            for name, paused, limit, weight in database.rows("gates")
        }
        self.are_weighted = any(gate.weight != 1 for gate in self._gates.values())
        """Whether a queue has a weight, so that the running jobs decide which queue is served next."""
        self._left_out: set[str] = set()
        """Queues whose rows another session has locked."""
        self._running: dict[str, int] = {}
        if self.are_weighted or any(gate.limit is not None for gate in self._gates.values()):
            self.count()

    def __bool__(self) -> bool:
        return bool(self._gates)

    def count(self) -> None:
        """Count the running jobs anew."""
        self._running = dict(self._database.rows("running_by_queue"))

    @property
    def all_paused(self) -> bool:
        """Whether all queues are paused."""
        return ALL in self._gates

    @property
    def paused(self) -> list[str]:
        """The names of the paused queues."""
        return [name for name, gate in self._gates.items() if gate.is_paused]

    def is_paused(self, queue: str) -> bool:
        """Return whether no job of the queue may be started before it is resumed."""
        gate = self._gates.get(queue)
        return self.all_paused or (gate is not None and gate.is_paused)

    def is_open(self, queue: str) -> bool:
        """Return whether a job of the queue may be started now."""
        limit = self._limit(queue)
        is_full = limit is not None and self._running.get(queue, 0) >= limit
        return not (is_full or self.is_paused(queue) or queue in self._left_out)

    @property
    def are_full(self) -> bool:
        """Whether a limited queue is full, so that the end of a job may open it."""
        limited = ((name, gate.limit) for name, gate in self._gates.items() if gate.limit is not None)
        return any(self._running.get(name, 0) >= limit for name, limit in limited)

    def open_among(self, queues: Iterable[str]) -> list[str]:
        """Return those queues of which a job may be started now."""
        return [queue for queue in queues if self.is_open(queue)]

    def share(self, queue: str) -> float:
        """Return the running jobs of the queue for each unit of its weight: the smallest goes first."""
        gate = self._gates.get(queue)
        return self._running.get(queue, 0) / (1 if gate is None else gate.weight)

    def is_limited(self, queue: str) -> bool:
        """Return whether the queue has a limit."""
        return self._limit(queue) is not None

    def confirm(self, queue: str) -> bool:
        """Return whether the queue is open, with its row locked: no other session can start a job of it meanwhile.

        On a server two workers may count the same running jobs: the one that has the lock counts again, and the other
        leaves the queue out of this search. A file has one writer.
        """
        if self.is_limited(queue) and not self._database.exclusive:
            rows = self._database.rows("lock_queue", name=queue)
            if not rows:
                self._left_out.add(queue)
            for paused, limit in rows:
                self._gates[queue] = replace(self._gates[queue], is_paused=bool(paused), limit=limit)
            self.count()
        return self.is_open(queue)

    def _limit(self, queue: str) -> int | None:
        gate = self._gates.get(queue)
        return None if gate is None else gate.limit
