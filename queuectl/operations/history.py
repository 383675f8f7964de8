"""The audit events: which user did what, with which command."""

from __future__ import annotations

from itertools import chain

from queuectl.config import SETTINGS
from queuectl.domain.errors import NotFound, UsageError
from queuectl.domain.record import field, record
from queuectl.domain.units import format_time
from queuectl.operations.job_names import id_of
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypedDict

    from queuectl.domain.event import Event
    from queuectl.domain.json_types import Timestamp
    from queuectl.operations.context import Context

    class EventDocument(TypedDict):
        """An event: who did what, when.

        See `Event`.
        """

        at: Timestamp
        """When it was done."""
        actor: str
        verb: str
        subject: str | None
        detail: str | None
        command: str | None


@record
class History:
    """Parameters of `history`."""

    id: str | None = field(
        "only events of this job, worker, pool or setting",
        default=None,
        metavar="ID",
        completes="jobs",
        positional=True,
    )
    limit: int = field("list the newest N; 0 for all (default: 100)", default=100, short="n", metavar="N")


@record
class EventRecord:
    """An event."""

    event: Event

    def document(self) -> EventDocument:
        """Return the JSON form."""
        of = self.event
        return {
            "at": format_time(of.at),
            "actor": of.actor,
            "verb": of.verb,
            "subject": of.subject,
            "detail": of.detail,
            "command": of.command,
        }


def history(context: Context, params: History) -> Iterator[EventRecord]:
    """Return the newest events, the newest last."""
    if params.limit < 0:
        raise UsageError("--limit must not be negative", hint="--limit 0 lists all")
    subject = None if params.id is None else id_of(context, params.id)
    events = context.store.events.listing(limit=params.limit, subject=subject)
    first = next(events, None)
    if first is None and subject is not None and not _exists(context, subject):
        raise NotFound(f"no job, worker, pool or setting {subject[:60]}", hint="queuectl history lists all events")
    every = () if first is None else chain((first,), events)
    return (EventRecord(event=event) for event in every)


def _exists(context: Context, name: str) -> bool:
    """Return whether a job, setting, pool or worker of this name exists; an enqueue alone leaves no event."""
    fleet = context.store.workers
    return (
        bool(context.store.jobs.taken([name]))
        or name in SETTINGS
        or name in {pool.id for pool in fleet.running_pools()} | {worker.id for worker in fleet.running_workers()}
    )


HISTORY = Operation(
    name="history",
    heading=Heading.OVERVIEW,
    see=("show", "undo"),
    reads=True,
    summary="List the events: who did what, with which command",
    params=History,
    run=history,
    description=(
        "The newest event is last. The enqueue of a job and its attempts are no events: queuectl show prints them."
    ),
    examples=("history", "history job1", "history --limit 0 --json"),
)
