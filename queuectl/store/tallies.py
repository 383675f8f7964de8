"""What workers have done, written down about once a second: never twice, also where the answer of a server was lost."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.store.database import Database
    from queuectl.store.events import Events

_NOTHING = "[]"


class Tallies:
    """The counts of workers, and the statistics that were counted with them, in the order in which they are written.

    A worker is the only one that adds to its own counts, so they tell whether a batch was written: it names the counts
    that it finds, and changes nothing where they have moved on.
    """

    def __init__(self, database: Database, events: Events) -> None:
        """Write into `database` what `events` has counted."""
        self._database = database
        self._events = events
        self._found: dict[str, tuple[int, int]] = {}
        """Attempts that succeeded and that failed, by worker, as of the last batch that was written."""
        self._batches: list[dict[str, Any]] = []

    @property
    def is_owed(self) -> bool:
        """Whether a batch could not be written, or may not have been."""
        return bool(self._batches)

    def add(self, worker: str, completed: int, failed: int, *, anyway: bool = False) -> None:
        """Take this over, and what the journal has counted, and write it. Raises StoreError; `settle` tries again.

        `anyway` writes also where there is nothing, unless something is owed.
        """
        rows = self._events.counted()
        if completed or failed or rows != _NOTHING or (anyway and not self._batches):
            self._batches.append({"id": worker, "completed": completed, "failed": failed, "rows": rows})
            self._events.forget()
        self.settle()

    def settle(self) -> None:
        """Write what is not written yet. Raises StoreError."""
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
        if worker not in self._found:
            rows = self._database.rows("tally_of", id=worker)
            self._found[worker] = rows[0] if rows else (0, 0)
        completed, failed = self._found[worker]
        with self._database.alone():
            self._database.run("write_down", **batch, found_completed=completed, found_failed=failed)
        self._found[worker] = completed + batch["completed"], failed + batch["failed"]
