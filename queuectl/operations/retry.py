"""Run jobs again that have ended, or whose retry is not due yet."""

from __future__ import annotations

from queuectl.domain.record import record
from queuectl.operations.acting import Named, VerbParams, act, ask_before, needs_yes
from queuectl.operations.operation import Heading, Operation
from queuectl.runtime.doorbell import bells_of_queues
from queuectl.store import selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.operations.changed import Changed
    from queuectl.operations.context import Context


@record
class Retry(VerbParams):
    """Parameters of `retry`."""


def retry(context: Context, params: Retry) -> Changed:
    """Make all of the named jobs due now or none, or those of a selection that have ended or failed."""

    def by_ids(ids: list[str], now: int) -> Named:
        queues = context.store.jobs.retry(ids, now=now)
        return Named(changed=len(ids), bells=tuple(bells_of_queues(queues)))

    return act(context, params, selection.RETRY, by_ids)


RETRY = Operation(
    name="retry",
    heading=Heading.JOBS,
    see=("dlq retry", "edit"),
    summary="Run finished or failed jobs again, with fresh retries",
    params=Retry,
    run=retry,
    question=ask_before(selection.RETRY, "Retry"),
    needs_yes=needs_yes(selection.RETRY),
    description="If one of the named jobs cannot be retried, none is. Their history stays.",
    examples=("retry job1", "retry job1 job2", "retry --state dead --queue mail", "retry --exit 28"),
)
