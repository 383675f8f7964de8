"""Count the jobs and the workers of the store."""

from __future__ import annotations

from queuectl.domain.attempt import FAILURES, Outcome
from queuectl.domain.job import JobState
from queuectl.domain.record import record
from queuectl.domain.units import format_time
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.operations.context import Context

WINDOW_MINUTES = 5


@record
class StatusParams:
    """No parameters."""


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


def status(context: Context, _params: StatusParams) -> Status:
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
    )


STATUS = Operation(
    name="status",
    heading=Heading.OVERVIEW,
    see=("list", "worker list", "doctor"),
    reads=True,
    summary="Show the jobs by state, the workers and the throughput",
    params=StatusParams,
    run=status,
    examples=("status", "status --json"),
)
