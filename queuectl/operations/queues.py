"""List queues, with their jobs, settings and pauses."""

from __future__ import annotations

from queuectl.domain.attempt import FAILURES, Outcome
from queuectl.domain.job import JobState
from queuectl.domain.queue_settings import ALL, QueueSettings
from queuectl.domain.record import record
from queuectl.domain.units import format_time
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias, TypedDict

    from queuectl.domain.json_types import Seconds, Timestamp
    from queuectl.domain.queue_settings import Pause
    from queuectl.operations.context import Context

    QueueState: TypeAlias = Literal["open", "paused", "full"]
    """`full`: as many of its jobs run as its limit allows."""

    class QueueDocument(TypedDict):
        """A queue.

        See `QueueRecord`.
        """

        name: str
        state: QueueState
        """Whether its jobs are started."""
        running: int
        limit: int | None
        """Jobs that may run at a time; null: any number."""
        weight: int
        """Its share of busy workers."""
        waiting: int
        held: int
        ended: int
        oldest_due_seconds: Seconds | None
        """For how long its oldest due job has been due; null if none is."""
        throughput: QueueThroughput
        """What was done in the last minutes."""
        defaults: QueueDefaults
        """What its jobs get that have none of their own."""
        pause: PauseDocument | None
        """Its pause, or that of all queues; null if it is not paused."""

    class QueueThroughput(TypedDict):
        """What was done in a queue in the last minutes."""

        window_seconds: Seconds
        """The time that it covers."""
        enqueued: int
        """Jobs that were enqueued."""
        completed: int
        """Attempts that succeeded."""
        failed: int
        """Attempts that failed."""

    class QueueDefaults(TypedDict):
        """What jobs of a queue get that have none of their own; null: what the configuration says."""

        max_retries: int | None
        """Retries, at the enqueue; null: the setting."""
        timeout_seconds: Seconds | None
        """Time limit of an attempt; null: the setting."""
        priority: int | None
        """Priority, at the enqueue; null: 0."""

    class PauseDocument(TypedDict):
        """The pause of a queue.

        See `Pause`.
        """

        at: Timestamp
        """When it was paused."""
        by: str
        """Who paused it: `user@host`."""
        reason: str | None
        """Why, in the words of the user; null where none were given."""
        all: bool
        """Whether all queues are paused, and this one with them."""


WINDOW_MINUTES = 5


@record
class ListQueues:
    """No parameters."""


@record
class QueueRecord:
    """A queue, its jobs and its settings."""

    name: str
    """Its name."""
    settings: QueueSettings
    running: int
    """Number of its jobs that run."""
    waiting: int
    """Number of its jobs that wait: those that are pending or failed, due or not."""
    held: int
    """Number of its jobs that are held."""
    ended: int
    """Number of its jobs that are completed, dead or cancelled."""
    oldest_due: int | None
    """When its oldest due job was due, in milliseconds since the epoch; None if none is."""
    now: int
    recent: dict[str, int]
    """Count of each measure in the last minutes."""
    pause_of_all: Pause | None

    @property
    def pause(self) -> Pause | None:
        """Its own pause, else that of all queues."""
        return self.settings.pause or self.pause_of_all

    @property
    def state(self) -> QueueState:
        """Whether its jobs are started."""
        if self.pause is not None:
            return "paused"
        limit = self.settings.limit
        return "full" if limit is not None and self.running >= limit else "open"

    @property
    def oldest_due_ms(self) -> int | None:
        """For how long its oldest due job has been due, in milliseconds; None if none is."""
        return None if self.oldest_due is None or self.oldest_due > self.now else self.now - self.oldest_due

    def done(self, *, well: bool) -> int:
        """Return the number of attempts of the last minutes that succeeded, or that failed."""
        wanted = {Outcome.SUCCESS} if well else FAILURES
        return sum(n for measure, n in self.recent.items() if measure in wanted)

    def document(self) -> QueueDocument:
        """Return the JSON form."""
        of, pause, late = self.settings, self.pause, self.oldest_due_ms
        return {
            "name": self.name,
            "state": self.state,
            "running": self.running,
            "limit": of.limit,
            "weight": of.weight,
            "waiting": self.waiting,
            "held": self.held,
            "ended": self.ended,
            "oldest_due_seconds": None if late is None else late / 1000,
            "throughput": {
                "window_seconds": WINDOW_MINUTES * 60,
                "enqueued": self.recent.get("enqueued", 0),
                "completed": self.done(well=True),
                "failed": self.done(well=False),
            },
            "defaults": {
                "max_retries": of.max_retries,
                "timeout_seconds": None if of.timeout_ms is None else of.timeout_ms / 1000,
                "priority": of.priority,
            },
            "pause": None
            if pause is None
            else {
                "at": format_time(pause.at),
                "by": pause.by,
                "reason": pause.reason,
                "all": of.pause is None,
            },
        }


def list_queues(context: Context, _params: ListQueues) -> list[QueueRecord]:
    """Return the queues that have jobs or settings, by name. Its cost does not depend on the number of jobs."""
    return read(context)


ENDED = frozenset({JobState.COMPLETED.value, JobState.DEAD.value, JobState.CANCELLED.value})


def states_by_queue(context: Context) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for queue, state, count in context.store.counts():
        counts.setdefault(queue, {})[state] = count
    return counts


def read_one(context: Context, name: str) -> QueueRecord:
    return next(iter(read(context, name)))


def read(context: Context, name: str | None = None) -> list[QueueRecord]:
    """Return all queues, or the one of this name, whether it exists or not."""
    store, now = context.store, context.now()
    settings = store.queues.all()
    pause_of_all = settings.pop(ALL, QueueSettings(name=ALL)).pause
    counts = {queue: states for queue, states in states_by_queue(context).items() if any(states.values())}
    names = sorted({*settings, *counts}) if name is None else [name]
    waiting = (JobState.PENDING.value, JobState.FAILED.value)
    oldest = store.waiting.oldest_due(
        each for each in names if any(counts.get(each, {}).get(state) for state in waiting)
    )
    recent = store.events.since_by_queue(now // 60_000 - WINDOW_MINUTES + 1)
    return [
        QueueRecord(
            name=each,
            settings=settings.get(each, QueueSettings(name=each)),
            running=counts.get(each, {}).get(JobState.PROCESSING.value, 0),
            waiting=sum(counts.get(each, {}).get(state, 0) for state in waiting),
            held=counts.get(each, {}).get(JobState.HELD.value, 0),
            ended=sum(count for state, count in counts.get(each, {}).items() if state in ENDED),
            oldest_due=oldest.get(each),
            now=now,
            recent=recent.get(each, {}),
            pause_of_all=pause_of_all,
        )
        for each in names
    ]


LIST = Operation(
    name="queue list",
    heading=Heading.QUEUES,
    see=("status", "queue pause", "queue set"),
    reads=True,
    summary="List the queues: their jobs, limits and pauses",
    params=ListQueues,
    run=list_queues,
    examples=("queue list", "queue list --json"),
)
