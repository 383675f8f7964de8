"""The result of an enqueue: the jobs that have been stored. Small, because every enqueue loads it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuectl.operations.context import Context
    from queuectl.operations.job_record import JobWithOutput


class Enqueued:
    """Jobs that have been stored."""

    def __init__(self, ids: Sequence[str], context: Context) -> None:
        """Read the records of `ids` from `context` only when they are asked for."""
        self.ids = ids
        self._context = context

    def document(self) -> JobWithOutput:
        """Return the record of the one job."""
        return next(self.documents())

    def documents(self) -> Iterator[JobWithOutput]:
        """Return the record of each job."""
        from queuectl.operations.job_record import detail

        return (detail(self._context, id_, history=False).document() for id_ in self.ids)
