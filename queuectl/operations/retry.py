"""Run jobs again that have ended, or whose retry is not due yet."""

from __future__ import annotations

from queuectl.domain.record import record
from queuectl.operations.changed import Changed
from queuectl.operations.job_ids import JobIds
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.operations.context import Context


@record
class Retry(JobIds):
    """Parameters of `retry`."""


def retry(context: Context, params: Retry) -> Changed:
    """Make all of the jobs due now or none, and wake the workers."""
    ids = params.unique
    now = context.now()
    with context.store.undo.keeping("retry", now=now) as undo_entry:
        context.ring_for_queues(context.store.jobs.retry(ids, now=now))
    return Changed(context, ids, undo_entry)


RETRY = Operation(
    name="retry",
    heading=Heading.JOBS,
    see=("dlq retry", "edit"),
    summary="Run finished or failed jobs again, with a fresh set of retries",
    params=Retry,
    run=retry,
    description="If one of the jobs cannot be retried, none is. Their history stays.",
    examples=("retry job1", "retry job1 job2"),
)
