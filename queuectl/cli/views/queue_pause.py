"""Queues that were paused or resumed."""

from __future__ import annotations

from queuectl.domain.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.queue_pause import PauseQueues, ResumeQueues
    from queuectl.operations.queues import QueueRecord


def paused(queues: list[QueueRecord], params: PauseQueues, screen: Screen) -> None:
    """Print a line for each paused queue."""
    _print_states(queues, "all queues paused" if params.all else None, screen)


def resumed(queues: list[QueueRecord], params: ResumeQueues, screen: Screen) -> None:
    """Print a line for each queue that was resumed."""
    _print_states(queues, "all queues resumed" if params.all else None, screen)


def _print_states(queues: list[QueueRecord], of_all: str | None, screen: Screen) -> None:
    for line in [of_all] if of_all else [f"{safe(each.name)} {each.state}" for each in queues]:
        screen.write(f"{line}\n")


VIEWS = {"queue pause": paused, "queue resume": resumed}
