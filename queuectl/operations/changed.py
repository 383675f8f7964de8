"""The result of an operation that changes jobs: their records, and the undo that reverts the change."""

from __future__ import annotations

from queuectl.operations.job_record import recorded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobRecord
    from queuectl.store.undo import Keeping


class Changed:
    """Iterator over the records of jobs that were changed, read from the store as it is consumed."""

    def __init__(self, context: Context, ids: Sequence[str], undo_entry: Keeping) -> None:
        """Read the records of `ids` from `context`; `undo_entry` is what the change has written for an undo."""
        self._records = _records(context, ids)
        self.ids = tuple(ids)
        self.undo = undo_entry.id
        """Number of the undo that reverts the change; None when there is none."""
        self.too_much = undo_entry.too_much
        """Whether there is no undo because the change exceeds what an undo may keep."""

    def __iter__(self) -> Iterator[JobRecord]:
        """Return the records; they can be iterated once."""
        return self._records

    def __next__(self) -> JobRecord:
        return next(self._records)


def _records(context: Context, ids: Sequence[str]) -> Iterator[JobRecord]:
    settings = context.settings
    return (recorded(context.store.jobs.get(id_), settings, context.store) for id_ in ids)
