"""Undo a recent action, and list the actions that can be undone."""

from __future__ import annotations

from queuectl.domain.errors import UsageError
from queuectl.domain.queue_settings import ALL
from queuectl.domain.record import field, record
from queuectl.domain.units import format_time
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypedDict

    from queuectl.domain.json_types import Timestamp
    from queuectl.operations.context import Context
    from queuectl.store.undo_records import TakenBack, Undoable

    class UndoneDocument(TypedDict):
        """What an undo did.

        See `TakenBack`.
        """

        undo: int
        """Number of the undo."""
        verb: str
        restored: int
        ids: list[str]
        """The jobs that are as before; empty for an action on a selection."""
        queues: list[str]
        """The queues whose settings are as before; an empty name stands for the pause of all queues."""
        schedules: list[str]
        """The schedules that are as before."""
        left: list[LeftDocument]
        """The jobs or queues that were left as they are; empty for an action on a selection."""
        left_out: int

    class LeftDocument(TypedDict):
        """A job or queue that an undo left as it is."""

        id: str
        """The ID of the job, or the name of the queue."""
        reason: str
        """Why, in words."""

    class UndoableDocument(TypedDict):
        """An action that can be undone.

        See `Undoable`.
        """

        undo: int
        """The number for `queuectl undo`."""
        verb: str
        jobs: int
        changed: int
        """Number of jobs, queues or schedules that it changed."""
        at: Timestamp
        """When it was done."""
        actor: str
        command: str | None


@record
class Undo:
    """Parameters of `undo`."""

    undo: int | None = field(
        "the number of the action, from --list (default: the last action)",
        default=None,
        metavar="NUMBER",
        positional=True,
    )
    list: bool = field("only list the actions that can be undone", default=False)


@record
class Undone:
    """The jobs that were restored, and those that were not."""

    taken_back: TakenBack

    def document(self) -> UndoneDocument:
        """Return the JSON form."""
        of = self.taken_back
        return {
            "undo": of.id,
            "verb": of.verb,
            "restored": of.restored,
            "ids": [id_ for id_, _ in of.jobs],
            "queues": list(of.changed_queues),
            "schedules": list(of.changed_schedules),
            "left": [{"id": id_, "reason": reason} for id_, reason in of.left],
            "left_out": of.left_out,
        }


@record
class UndoableRecord:
    """An action that can be undone."""

    undoable: Undoable

    def document(self) -> UndoableDocument:
        """Return the JSON form."""
        of = self.undoable
        return {
            "undo": of.id,
            "verb": of.verb,
            "jobs": of.jobs,
            "changed": of.changes,
            "at": format_time(of.at),
            "actor": of.actor,
            "command": of.command,
        }


def undo(context: Context, params: Undo) -> Undone | Iterator[UndoableRecord]:
    """Restore every job of an action that has not changed since, or list the actions."""
    now = context.now()
    if params.list:
        if params.undo is not None:
            raise UsageError("--list and NUMBER cannot be combined", hint="leave out one of them")
        return (UndoableRecord(undoable=each) for each in reversed(context.store.undo.list(now=now)))
    taken_back = context.store.undo.take_back(params.undo, now=now)
    if ALL in taken_back.changed_queues:
        context.ring_for_queues(queue for queue, _, _ in context.store.counts())
    else:
        context.ring_for_queues(taken_back.queues)
    return Undone(taken_back=taken_back)


UNDO = Operation(
    name="undo",
    heading=Heading.JOBS,
    see=("history",),
    summary="Undo the last action, or an earlier one",
    params=Undo,
    run=undo,
    description=(
        "For ten minutes these can be undone: cancel (of a waiting job), retry, hold, release, priority, edit, delete, "
        "dlq retry, dlq purge, and the changes of queues and schedules. A job that has run or was changed since is "
        "left as it is, and is named or counted. "
        "These cannot be undone: cancel of a running job, prune, config set, config unset, view save, view delete, and "
        "actions on more than 10,000 jobs or 64 MiB; where jobs were selected by options and not deleted, on more than "
        "1,000,000. If one of them was the last action, undo without a number refuses; give the number of an earlier "
        "one."
    ),
    examples=("undo", "undo --list", "undo 12"),
)
