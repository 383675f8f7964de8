"""Workers' counts, stored about once a second and never twice, even after a server's answer was lost."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.store.database import Database
    from queuectl.store.events import Events

_NOTHING = "[]"


class Tallies:
    """Batches of workers' counts with the statistics counted along with them, in the order of writing.

    Only the worker itself adds to its counts, so they reveal whether a batch was stored: a batch names the counts
    that it expects, and changes nothing if they differ.
    """

    def __init__(self, database: Database, events: Events) -> None:
        """Store in `database` what `events` has counted."""
        self._database = database
        self._events = events
        self._stored: dict[str, tuple[int, int]] = {}
        """Successful and failed attempts by worker, as of the last stored batch."""
        self._batches: list[dict[str, Any]] = []

    @property
    def is_owed(self) -> bool:
        """Whether a batch could not be stored, or its outcome is unknown."""
        return bool(self._batches)

    def add(self, worker: str, completed: int, failed: int, *, anyway: bool = False) -> None:
        """Add a batch of these counts and the statistics counted by `events`, and store it. Raises StoreError.

        `settle` repeats a failed write. With `anyway`, write an empty batch too, unless others are pending.
        """
        rows = self._events.counted()
        if completed or failed or rows != _NOTHING or (anyway and not self._batches):
            self._batches.append({"id": worker, "completed": completed, "failed": failed, "rows": rows})
            self._events.forget()
        self.settle()

    def settle(self) -> None:
        """Store all pending batches. Raises StoreError."""
        while self._batches:
            batch = self._batches[0]
            if self._database.compound:
                self._send(batch)
            else:
                with self._database.transaction():
                    self._database.run(
                        "count_attempts", id=batch["id"], completed=batch["completed"], failed=batch["failed"]
                    )
                    if batch["rows"] != _NOTHING:
                        self._database.run("count_stats", rows=batch["rows"])
            del self._batches[0]

    def _send(self, batch: dict[str, Any]) -> None:
        worker = batch["id"]
        if worker not in self._stored:
            rows = self._database.rows("tally_of", id=worker)
            self._stored[worker] = rows[0] if rows else (0, 0)
        completed, failed = self._stored[worker]
        with self._database.single_statement():
            self._database.run("write_down", **batch, found_completed=completed, found_failed=failed)
        self._stored[worker] = completed + batch["completed"], failed + batch["failed"]
