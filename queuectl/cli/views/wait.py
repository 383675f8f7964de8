"""The jobs of a wait that did not complete."""

from __future__ import annotations

from queuectl.domain.attempt import Outcome
from queuectl.operations.job_record import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.wait import Wait, Waited


def wait(result: Waited, _params: Wait, screen: Screen) -> None:
    """Print a line to stderr for each job that did not complete, and nothing for the others."""
    for each in result.failed:
        job, latest = each.record.job, each.record.latest
        how = "" if latest is None or latest.outcome is Outcome.CANCELLED else f" ({describe(latest)})"
        screen.say(f"error: job {job.id} is {job.state}{how}")


VIEWS = {"wait": wait}
