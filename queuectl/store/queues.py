"""Settings and pauses of queues. Every method is one transaction."""

from __future__ import annotations

import json

from queuectl.domain.queue_settings import ALL, Pause, QueueSettings, is_unset
from queuectl.domain.record import as_dict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from queuectl.store.database import Database
    from queuectl.store.events import Events


class Queues:
    """The queues that have settings or a pause."""

    def __init__(self, database: Database, events: Events) -> None:
        """Work in `database`; record changes in `events`."""
        self._database = database
        self._events = events

    def all(self) -> dict[str, QueueSettings]:
        """Return the settings of every queue that has some, by name; `ALL` is among them while all are paused."""
        return {row[0]: _settings(row) for row in self._database.rows("queue_rows", name=None)}

    def timeouts(self) -> dict[str, int]:
        """Return the time limits of the queues that have one, in milliseconds."""
        return {name: of.timeout_ms for name, of in self.all().items() if of.timeout_ms is not None}

    def get(self, name: str) -> QueueSettings:
        """Return the settings of a queue, whether it has some or not."""
        for row in self._database.rows("queue_rows", name=name):
            return _settings(row)
        return QueueSettings(name=name)

    def running(self) -> dict[str, int]:
        """Return the number of running jobs of each queue that has some."""
        return dict(self._database.rows("running_by_queue"))

    def running_jobs(self, name: str, *, limit: int) -> list[str]:
        """Return the IDs of running jobs of a queue, at most `limit`."""
        return [id_ for (id_,) in self._database.rows("running_jobs_in_queue", queue=name, limit=limit)]

    def change(
        self,
        names: Sequence[str],
        change: Callable[[QueueSettings], QueueSettings],
        *,
        verb: str,
        detail: str | None = None,
        now: int,
    ) -> list[tuple[QueueSettings, QueueSettings]]:
        """Change the settings of queues, all or none; return those that changed, each before and after.

        `change` gets the settings as they are, and may raise. `verb` and `detail` are what the event says.
        """
        changed = []
        with self._database.transaction():
            if not self._database.exclusive:
                self._database.rows("lock_queues")
            for name in names:
                before = self.get(name)
                after = change(before)
                if after != before:
                    self._put(before, after)
                    self._events.note(now, verb, name if name != ALL else None, detail)
                    changed.append((before, after))
        return changed

    def _put(self, before: QueueSettings, after: QueueSettings) -> None:
        if is_unset(after):
            self._database.run("delete_queue", name=after.name)
        else:
            self._database.run("put_queue", **_row(after))
        if self._events.keeping is not None:
            self._events.keeping.row("queue", after.name, image(before), image(after))


def image(settings: QueueSettings) -> str | None:
    """Return the row of these settings as JSON, for an undo; None where nothing is set."""
    return None if is_unset(settings) else json.dumps(_row(settings))


def put_back(database: Database, name: str, before: str | None, after: str | None) -> bool:
    """Restore the row that an action has changed from `before` to `after`; False if it has changed since.

    Within the caller's transaction.
    """
    if not database.exclusive:
        database.rows("lock_queues")
    rows = database.rows("queue_rows", name=name)
    if (image(_settings(rows[0])) if rows else None) != after:
        return False
    if before is None:
        database.run("delete_queue", name=name)
    else:
        database.run("put_queue", **json.loads(before))
    return True


def _row(settings: QueueSettings) -> dict[str, Any]:
    values = as_dict(settings)
    pause = values.pop("pause")
    return {
        **{name: value for name, value in values.items() if name != "limit"},
        "max_running": settings.limit,
        "paused_at": None if pause is None else pause.at,
        "paused_by": None if pause is None else pause.by,
        "pause_reason": None if pause is None else pause.reason,
    }


def _settings(row: tuple[Any, ...]) -> QueueSettings:
    name, limit, weight, max_retries, timeout_ms, priority, at, by, reason = row
    return QueueSettings(
        name=name,
        limit=limit,
        weight=weight,
        max_retries=max_retries,
        timeout_ms=timeout_ms,
        priority=priority,
        pause=None if at is None else Pause(at=at, by=by, reason=reason),
    )
