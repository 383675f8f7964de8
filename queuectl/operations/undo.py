"""Take back what was just done."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.record import field, record
from queuectl.domain.units import format_time
from queuectl.operations.operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from queuectl.operations.context import Context
    from queuectl.store.undo import TakenBack, Undoable


@record
class Undo:
    """Which action."""

    undo: int | None = field(
        "its number, as --list shows it (default: the last)", default=None, metavar="NUMBER", positional=True
    )
    list: bool = field("list what can be undone instead", default=False)


@record
class Undone:
    """What is as it was."""

    taken_back: TakenBack

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        of = self.taken_back
        return {
            "undo": of.id,
            "verb": of.verb,
            "ids": [id_ for id_, _ in of.jobs],
            "left": [{"id": id_, "reason": reason} for id_, reason in of.left],
        }


@record
class UndoableRecord:
    """Something that can be undone."""

    undoable: Undoable

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        of = self.undoable
        return {
            "undo": of.id,
            "verb": of.verb,
            "jobs": of.jobs,
            "at": format_time(of.at),
            "actor": of.actor,
            "command": of.command,
        }


def undo(context: Context, params: Undo) -> Undone | Iterator[UndoableRecord]:
    """Put back all of its jobs that can be."""
    now = context.now()
    if params.list:
        if params.undo is not None:
            raise UsageError("--list takes no number")
        return (UndoableRecord(undoable=each) for each in reversed(context.store.undo.list(now=now)))
    taken_back = context.store.undo.take_back(params.undo, now=now)
    context.ring_for_queues([queue for _, queue in taken_back.jobs])
    return Undone(taken_back=taken_back)


UNDO = Operation(
    name="undo",
    summary="Take back what was just done",
    params=Undo,
    run=undo,
    key="u",
    description=(
        "For ten minutes: cancel (of a job that waited), retry, hold, release, priority, edit, delete, dlq retry and "
        "dlq purge. A job that has run or was changed since is left as it is, and named. What a running job was sent, "
        "prune, config set, config unset, view save, view delete and what was more than 10,000 jobs or 64 MiB "
        "cannot be undone: when that was the last action, undo says so, and takes an older one back only by its number."
    ),
    examples=("undo", "undo --list", "undo 12"),
)
