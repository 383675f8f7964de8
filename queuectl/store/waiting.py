"""What waiting jobs wait for: their due time, or a worker. Read from the indexes of ready jobs, up to a number."""

from __future__ import annotations

from queuectl.domain.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from queuectl.store.database import Database

CAP = 10_000
"""Jobs that are counted at the most: their number must not decide how long a status takes."""
_LEVELS = 1000


@record
class NotDue:
    """Number of jobs that are not due yet."""

    pending: int
    failed: int
    """Jobs that wait for their retry."""
    more: bool
    """Whether there may be more of them."""


class Waiting:
    """Reader of waiting jobs."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database

    def not_due(self, now: int, *, cap: int = CAP) -> NotDue:
        """Return the number of jobs that are due after `now`, at most `cap`."""
        found = {"pending": 0, "failed": 0}
        kinds = [
            ("not_due", {"priority": level}) for (level,) in self._database.rows("ready_priorities", limit=_LEVELS)
        ]
        for needs, queue, level, _ in self._database.rows("heads_needing"):
            kinds.append(("not_due_needing", {"needs": needs, "queue": queue, "priority": level}))
        for name, of in kinds:
            left = cap - sum(found.values())
            if left <= 0:
                break
            for state, count in self._database.rows(name, now=now, limit=left, **of):
                found[state] += count
        return NotDue(**found, more=sum(found.values()) >= cap)

    def oldest_due(self, queues: Iterable[str]) -> dict[str, int]:
        """Return the due time of the first waiting job of each queue that has one."""
        first: dict[str, int] = {}
        for queue in queues:
            ((due,),) = self._database.rows("next_due_in_queue", queue=queue)
            if due is not None:
                first[queue] = due
        for _, queue, _, due in self._database.rows("heads_needing"):
            if due is not None:
                first[queue] = min(due, first.get(queue, due))
        return first
