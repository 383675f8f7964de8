"""What was done to jobs."""

from __future__ import annotations

from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from queuectl.cli.screen import Screen
    from queuectl.operations.changes import Deleted
    from queuectl.operations.records import JobRecord


def cancel(result: Iterator[JobRecord], _params: Any, screen: Screen) -> None:
    """A line for each: cancelled, or asked to end."""
    for each in result:
        ending = each.job.cancel_requested and each.job.finished_at is None
        screen.write(f"{safe(each.job.id)} {'cancelling' if ending else each.job.state}\n")


def retry(result: Iterator[JobRecord], _params: Any, screen: Screen) -> None:
    """A line for each."""
    for each in result:
        screen.write(f"{safe(each.job.id)} {each.job.state}\n")


def deleted(result: Deleted, _params: Any, screen: Screen) -> None:
    """How many."""
    screen.write(f"{result.deleted} {'job' if result.deleted == 1 else 'jobs'} deleted\n")


VIEWS = {"cancel": cancel, "retry": retry, "delete": deleted, "prune": deleted}
