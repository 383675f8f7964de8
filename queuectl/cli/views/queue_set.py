"""Settings of a queue."""

from __future__ import annotations

from queuectl.domain.text import safe
from queuectl.domain.units import format_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.queue_set import DeleteQueue, SetQueue
    from queuectl.operations.queues import QueueRecord


def set_queue(result: QueueRecord, _params: SetQueue, screen: Screen) -> None:
    """Print the settings of the queue, in the form of the options that make them."""
    of = result.settings
    timeout = None if of.timeout_ms is None else format_duration(of.timeout_ms)
    words = {
        "limit": of.limit,
        "weight": of.weight,
        "max-retries": of.max_retries,
        "timeout": timeout,
        "priority": of.priority,
    }
    text = ", ".join(f"{name} {value}" for name, value in words.items() if value is not None)
    screen.write(f"{safe(result.name)} {text}\n")


def deleted(result: QueueRecord, _params: DeleteQueue, screen: Screen) -> None:
    """Print the name of the queue whose settings were deleted."""
    screen.write(f"settings of {safe(result.name)} deleted\n")


VIEWS = {"queue set": set_queue, "queue delete": deleted}
