"""Count the jobs and the workers of the store, once or again and again."""

from __future__ import annotations

import time

from queuectl.domain.attempt import FAILURES, Outcome
from queuectl.domain.errors import UsageError
from queuectl.domain.job import JobState
from queuectl.domain.record import field, record
from queuectl.domain.units import format_time
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from queuectl.operations.context import Context
    from queuectl.store.waiting import NotDue

WINDOW_MINUTES = 5
EVERY_SECONDS = 1.0
WITHOUT_TERMINAL = "a program reads queuectl status --json, as often as it needs it"


@record
class StatusParams:
    """Parameters of `status`."""

    watch: bool = field("show it again every second, until Ctrl+C", default=False)


@record
class Status:
    """Counts and rates; every state is present, also with 0 jobs."""

    location: str
    jobs: dict[str, int]
    queues: dict[str, dict[str, int]]
    running: int
    busy: int
    stopping: int
    pools: int
    recent: dict[str, int]
    """Count of each measure in the last five minutes."""
    oldest_due: int | None
    """Due time of the job that has been due longest, in milliseconds since the epoch; None if no job is due."""
    now: int
    not_due: NotDue
    oldest_due_of: dict[str, int]
    """Due time of the first waiting job of each queue that has waiting jobs."""

    @property
    def due(self) -> int:
        """Number of jobs that a worker could run now."""
        later = self.not_due.pending + self.not_due.failed
        return max(self.jobs[JobState.PENDING] + self.jobs[JobState.FAILED] - later, 0)

    def due_for_ms(self, queue: str) -> int | None:
        """Milliseconds for which the oldest due job of a queue has been due; None if none is due."""
        since = self.oldest_due_of.get(queue, self.now + 1)
        return None if since > self.now else self.now - since

    @property
    def total(self) -> int:
        """Number of all jobs."""
        return sum(self.jobs.values())

    @property
    def oldest_due_ms(self) -> int | None:
        """Milliseconds for which the oldest due job has been due; None if no job is due."""
        return None if self.oldest_due is None else self.now - self.oldest_due

    def done(self, *, well: bool) -> int:
        """Return the number of attempts of the last five minutes that succeeded, or that failed."""
        wanted = {Outcome.SUCCESS} if well else FAILURES
        return sum(n for measure, n in self.recent.items() if measure in wanted)

    def document(self) -> dict[str, Any]:
        """Return the JSON form."""
        late = self.oldest_due_ms
        return {
            "jobs": self.jobs,
            "total": self.total,
            "workers": {"running": self.running, "busy": self.busy, "stopping": self.stopping},
            "pools": self.pools,
            "queues": self.queues,
            "waiting": {
                "due": self.due,
                "scheduled": self.not_due.pending,
                "retry": self.not_due.failed,
                "held": self.jobs[JobState.HELD],
                "more": self.not_due.more,
            },
            "oldest_due_seconds": {
                queue: late / 1000
                for queue, late in ((queue, self.due_for_ms(queue)) for queue in self.queues)
                if late is not None
            },
            "throughput": {
                "window": WINDOW_MINUTES * 60,
                "enqueued": self.recent.get("enqueued", 0),
                "completed": self.done(well=True),
                "failed": self.done(well=False),
            },
            "oldest_due": None
            if self.oldest_due is None or late is None
            else {"run_at": format_time(self.oldest_due), "age": late / 1000},
            "store": self.location,
        }


class Watch:
    """The status of the store, again and again."""

    def __init__(self, context: Context) -> None:
        """Read from the store of `context`."""
        self._context = context

    def __iter__(self) -> Iterator[Status]:
        while True:
            yield count(self._context)
            time.sleep(EVERY_SECONDS)

    def document(self) -> dict[str, Any]:
        """Refuse: it never ends, and so is no document."""
        raise UsageError("--watch and --json cannot be combined", hint=WITHOUT_TERMINAL)


def status(context: Context, params: StatusParams) -> Status | Watch:
    """Return the status of the store, or a watch of it."""
    return Watch(context) if params.watch else count(context)


def count(context: Context) -> Status:
    """Return the status of the store. Its cost does not depend on the number of jobs."""
    from queuectl.runtime.liveness import living_pools, living_workers

    now = context.now()
    jobs = dict.fromkeys((state.value for state in JobState), 0)
    queues: dict[str, dict[str, int]] = {}
    for queue, state, count in context.store.counts():
        jobs[state] += count
        queues.setdefault(queue, dict.fromkeys(jobs, 0))[state] += count
    workers = living_workers(context.store, context.run_dir, now=now)
    due = context.store.jobs.next_due()
    return Status(
        location=context.location,
        jobs=jobs,
        queues=dict(sorted(queues.items())),
        running=len(workers),
        busy=sum(worker.info.job is not None for worker in workers),
        stopping=sum(worker.stopping for worker in workers),
        pools=len(living_pools(context.store, context.run_dir)),
        recent=context.store.events.since(now // 60_000 - WINDOW_MINUTES + 1),
        oldest_due=due if due is not None and due <= now else None,
        now=now,
        not_due=context.store.waiting.not_due(now),
        oldest_due_of=context.store.waiting.oldest_due(
            queue for queue, states in queues.items() if states[JobState.PENDING] or states[JobState.FAILED]
        ),
    )


STATUS = Operation(
    name="status",
    heading=Heading.OVERVIEW,
    see=("list", "worker list", "doctor"),
    reads=True,
    summary="Show the jobs by state, what they wait for, and the workers",
    params=StatusParams,
    run=status,
    description="--watch redraws it in place, on a terminal only. Ctrl+C is its ordinary end: the exit code is 0.",
    examples=("status", "status --watch", "status --json"),
)
