"""Who did what."""

from __future__ import annotations

from queuectl.config import SETTINGS
from queuectl.domain.errors import NotFound, UsageError
from queuectl.domain.record import field, record
from queuectl.domain.units import format_time
from queuectl.operations.operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from queuectl.domain.event import Event
    from queuectl.operations.context import Context

_ALL = 1_000_000


@record
class History:
    """Of what, and how much."""

    id: str | None = field(
        "only what was done to this job, worker, pool or setting", default=None, metavar="ID", positional=True
    )
    limit: int = field("at most this many, the newest; 0 for all (default: 100)", default=100, short="n", metavar="N")


@record
class EventRecord:
    """Something that somebody did."""

    event: Event

    def document(self) -> dict[str, Any]:
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
    """The newest events, newest last."""
    if params.limit < 0:
        raise UsageError("--limit must not be negative", hint="--limit 0 lists all")
    events = context.store.events.events(limit=params.limit or _ALL, subject=params.id)
    if not events and params.id is not None and not _exists(context, params.id):
        raise NotFound(f"no job, worker, pool or setting {params.id[:60]}", hint="queuectl history lists what was done")
    return (EventRecord(event=event) for event in events)


def _exists(context: Context, name: str) -> bool:
    """Whether there is something of this name to which nothing has been done yet; an enqueue does not count."""
    fleet = context.store.workers
    return (
        bool(context.store.jobs.taken([name]))
        or name in SETTINGS
        or name in {pool.id for pool in fleet.running_pools()} | {worker.id for worker in fleet.running_workers()}
    )


HISTORY = Operation(
    name="history",
    summary="List who did what, and with which command",
    params=History,
    run=history,
    description="The newest stands last. With an ID that job's enqueue is left out: show has it, and its attempts.",
    examples=("history", "history job1", "history --limit 0 --json"),
)
