"""Queues."""

from __future__ import annotations

from queuectl.cli.render import Column, table
from queuectl.domain.units import format_age

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queuectl.cli.screen import Screen
    from queuectl.operations.queues import ListQueues, QueueRecord

_COLOURS = {"paused": "33", "full": "36"}


def list_queues(queues: list[QueueRecord], _params: ListQueues, screen: Screen) -> None:
    """Print a table of queues, by name."""
    columns = [
        Column(title="QUEUE", grows=True),
        Column(title="STATE", colour=_COLOURS.get),
        Column(title="RUNNING", right=True),
        Column(title="WAITING", right=True),
        Column(title="HELD", right=True, drops=2),
        Column(title="OLDEST DUE", right=True, drops=4),
        Column(title="DONE 5M", right=True, drops=3),
        Column(title="WEIGHT", right=True, drops=1),
        Column(title="PAUSED", sparse=True, wraps=True, grows=True),
    ]
    if not table(columns, map(_row, queues), screen):
        screen.say_empty(
            "no queue has jobs or settings; a queue is made by its first job: queuectl enqueue --queue NAME …"
        )


def _row(of: QueueRecord) -> tuple[str, ...]:
    limit = "" if of.settings.limit is None else f"/{of.settings.limit:,}"
    late = of.oldest_due_ms
    return (
        of.name,
        of.state,
        f"{of.running:,}{limit}",
        f"{of.waiting:,}",
        f"{of.held:,}" if of.held else "",
        "" if late is None else f"{format_age(late)} ago",
        f"{of.done(well=True):,}",
        "" if of.settings.weight == 1 else str(of.settings.weight),
        pause_in_words(of),
    )


def pause_in_words(of: QueueRecord) -> str:
    """Return who paused the queue, when and why; nothing if it is not paused."""
    pause = of.pause
    if pause is None:
        return ""
    which = "" if of.settings.pause is not None else "with all queues "
    why = "" if pause.reason is None else f": {pause.reason}"
    return f"{which}by {pause.by} {format_age(max(0, of.now - pause.at))} ago{why}"


VIEWS = {"queue list": list_queues}
