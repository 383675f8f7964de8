"""What became of the jobs that were waited for."""

from __future__ import annotations

from queuectl.domain.attempt import Outcome
from queuectl.operations.job_record import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.wait import Wait, Waited


def wait(result: Waited, _params: Wait, screen: Screen) -> None:
    """Nothing when all is well; each job that did not complete is told of."""
    for each in result.failed:
        job, latest = each.record.job, each.record.latest
        how = "" if latest is None or latest.outcome is Outcome.CANCELLED else f" ({describe(latest)})"
        screen.say(f"error: job {job.id} is {job.state}{how}")


VIEWS = {"wait": wait}
