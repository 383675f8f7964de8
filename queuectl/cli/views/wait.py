"""The jobs of a wait that did not complete, and how many ended how."""

from __future__ import annotations

from collections import Counter

from queuectl.cli.views.logs import counted, how_it_ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.wait import Wait, Waited

_NAMED = 20
"""Jobs that are named; the dead letter queue has the others."""


def wait(result: Waited, _params: Wait, screen: Screen) -> None:
    """Print to stderr a line for each job that did not complete, and of several jobs the counts by state."""
    screen.end_progress()
    failed = result.failed
    for each in result.details(failed[:_NAMED]):
        job = each.record.job
        screen.say(f"error: job {job.id} is {job.state}{how_it_ended(each.record)}")
    if len(failed) > _NAMED:
        screen.say(f"… and {len(failed) - _NAMED:,} more: queuectl dlq list --by-error")
    if len(result.states) > 1:
        screen.say(counted(Counter(result.states.values())))


VIEWS = {"wait": wait}
