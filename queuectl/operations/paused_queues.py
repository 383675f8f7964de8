"""What pauses keep from the workers of a pool: reported at its start, and at the end of a drain."""

from __future__ import annotations

from queuectl.domain.job import READY
from queuectl.domain.phrases import first_of
from queuectl.domain.queue_settings import ALL
from queuectl.operations.commandline.quoting import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from queuectl.operations.context import Context

_NAMED = 5


def pauses(context: Context, queues: Sequence[str]) -> Iterator[str]:
    """Yield a line for each pause that keeps jobs of `queues`, of all if there are none, from these workers."""
    for name, of in context.store.queues.all().items():
        if of.pause is not None and (name == ALL or not queues or name in queues):
            what = "all queues are" if name == ALL else f"queue {name} is"
            why = "" if of.pause.reason is None else f": {of.pause.reason}"
            resume = "--all" if name == ALL else quoted(name)
            yield f"{what} paused by {of.pause.by}{why}; to resume: queuectl queue resume {resume}"


def say_left(context: Context, queues: Sequence[str]) -> None:
    """Name the paused queues whose jobs a drain has left."""
    settings = context.store.queues.all()
    left: dict[str, int] = {}
    for queue, state, count in context.store.counts():
        is_paused = any(name in settings and settings[name].pause is not None for name in (ALL, queue))
        if is_paused and state in READY and (not queues or queue in queues):
            left[queue] = left.get(queue, 0) + count
    named = [f"{queue} ({count:,})" for queue, count in sorted(left.items()) if count]
    if named:
        context.say(f"jobs are left in paused queues: {first_of(named, _NAMED)}")
