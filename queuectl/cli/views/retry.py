"""Jobs that were retried; also the view of other verbs that change jobs, and of what a verb did to a selection."""

from __future__ import annotations

from queuectl.cli.views.offer_undo import offer_undo
from queuectl.domain.phrases import plural
from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from queuectl.cli.screen import Screen
    from queuectl.operations.changed import Changed
    from queuectl.operations.job_record import JobRecord

_MOST_QUEUES = 5


def states(result: Changed, params: Any, screen: Screen) -> None:
    """Print the ID and the state of each named job, or a summary of a selection."""
    changed(result, params, screen, lambda each: str(each.job.state))


def changed(result: Changed, params: Any, screen: Screen, state: Callable[[JobRecord], str]) -> None:
    """Print a line for each named job, `state` of it behind its ID; of a selection one line in all."""
    if getattr(params, "print_ids", False):
        for id_ in result.ids or ():
            screen.write(f"{safe(id_)}\n")
    elif result.dry_run or not result.named:
        screen.write(f"{summary(result)}\n")
    else:
        for each in result:
            screen.write(f"{safe(each.job.id)} {state(each)}\n")
    offer_undo(result, screen)


def summary(result: Changed) -> str:
    """Return what a verb did to a selection, or would do: `12 jobs cancelled (mail 8, video 4); 1 skipped`."""
    jobs = f"{result.changed:,} {plural(result.changed, 'job')}"
    text = f"{jobs} would be {result.participle}" if result.dry_run else f"{jobs} {result.participle}"
    if result.queues:
        largest = sorted(result.queues.items(), key=lambda item: (-item[1], item[0]))
        shown = ", ".join(f"{safe(queue)} {n:,}" for queue, n in largest[:_MOST_QUEUES])
        text += f" ({shown}{', …' if len(largest) > _MOST_QUEUES else ''})"
    if result.unchanged:
        text += f"; {result.unchanged:,} {'was' if result.unchanged == 1 else 'were'} already"
    if result.skipped:
        text += f"; {result.skipped:,} skipped, as their state does not allow it"
    return text


VIEWS = {"retry": states}
