"""Jobs that were cancelled."""

from __future__ import annotations

from queuectl.cli.views.retry import changed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.cancel import Cancel
    from queuectl.operations.changed import Changed
    from queuectl.operations.job_record import JobRecord


def cancel(result: Changed, params: Cancel, screen: Screen) -> None:
    """Print of each job that it is cancelled, or cancelling while its processes still run."""
    changed(result, params, screen, _state)


def _state(of: JobRecord) -> str:
    return "cancelling" if of.job.cancel_requested and of.job.finished_at is None else str(of.job.state)


VIEWS = {"cancel": cancel}
