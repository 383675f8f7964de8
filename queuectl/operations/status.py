"""Count the jobs and the workers of the store, once or again and again."""

from __future__ import annotations

import time

from queuectl.domain.attempt import FAILURES, Outcome
from queuectl.domain.errors import UsageError
from queuectl.domain.job import READY, JobState
from queuectl.domain.queue_settings import ALL
from queuectl.domain.record import field, record
from queuectl.domain.units import format_time
from queuectl.operations.operation import Heading, Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn, TypedDict

    from queuectl.domain.json_types import Seconds, Timestamp
    from queuectl.operations.context import Context
    from queuectl.store.waiting import NotDue

    class StatusDocument(TypedDict):
        """Counts of jobs and workers."""

        jobs: dict[str, int]
        """Number of jobs by state; every state is present."""
        total: int
        """Number of all jobs."""
        workers: WorkerCounts
        """Numbers of living workers."""
        pools: int
        """Number of living pools."""
        queues: dict[str, dict[str, int]]
        """Number of jobs by queue, then by state; every queue that has jobs is present."""
        waiting: WaitingCounts
        """Numbers of jobs by what they wait for."""
        oldest_due_seconds: dict[str, Seconds]
        """By queue, for how long the oldest due job has been due; queues without a due job are absent."""
        throughput: Throughput
        """What was done in the last minutes."""
        oldest_due: OldestDue | None
        """The job that has been due for longest; null if no job is due."""
        store: str
        """The store, without a password."""

    class WorkerCounts(TypedDict):
        """Numbers of living workers."""

        running: int
        """All of them."""
        busy: int
        """Those that run a job."""
        stopping: int
        """Those that claim no more jobs."""

    class WaitingCounts(TypedDict):
        """Numbers of jobs by what they wait for."""

        due: int
        """Those whose time has come."""
        scheduled: int
        """Pending jobs that are due later."""
        retry: int
        """Failed jobs whose retry is due later."""
        held: int
        """Those that wait until they are released."""
        paused: int
        """Those in paused queues, due or not: they are counted above too."""
        more: bool
        """Whether more of them may be due later: they are counted up to a number."""

    class Throughput(TypedDict):
        """What was done in the last minutes."""

        window_seconds: Seconds
        """The time that it covers."""
        enqueued: int
        """Jobs that were enqueued."""
        completed: int
        """Attempts that succeeded."""
        failed: int
        """Attempts that failed."""

    class OldestDue(TypedDict):
        """When the job was due that has been due for longest."""

        run_at: Timestamp
        """When it was due."""
        age_seconds: Seconds
        """For how long it has been due."""


WINDOW_MINUTES = 5
EVERY_SECONDS = 1.0
WITHOUT_TERMINAL = "queuectl status --watch --json-lines prints one line a second for a program"


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
    paused: tuple[str, ...]
    """The paused queues that have jobs."""
    all_paused: bool
    """Whether all queues are paused."""

    @property
    def due(self) -> int:
        """Number of waiting jobs whose time has come."""
        later = self.not_due.pending + self.not_due.failed
        return max(self.jobs[JobState.PENDING] + self.jobs[JobState.FAILED] - later, 0)

    @property
    def in_paused_queues(self) -> int:
        """Number of waiting jobs in paused queues, due or not."""
        return sum(self.queues[queue][state] for queue in self.paused for state in READY)

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

    def document(self) -> StatusDocument:
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
                "paused": self.in_paused_queues,
                "more": self.not_due.more,
            },
            "oldest_due_seconds": {
                queue: late / 1000
                for queue, late in ((queue, self.due_for_ms(queue)) for queue in self.queues)
                if late is not None
            },
            "throughput": {
                "window_seconds": WINDOW_MINUTES * 60,
                "enqueued": self.recent.get("enqueued", 0),
                "completed": self.done(well=True),
                "failed": self.done(well=False),
            },
            "oldest_due": None
            if self.oldest_due is None or late is None
            else {"run_at": format_time(self.oldest_due), "age_seconds": late / 1000},
            "store": self.location,
        }


class Watch:
    """The status of the store, again and again."""

    endless = True
    """Only Ctrl+C ends it, which is therefore no failure."""

    def __init__(self, context: Context) -> None:
        """Read from the store of `context`."""
        self._context = context

    @property
    def is_absent(self) -> bool:
        """Whether there is no store yet."""
        return self._context.store.absent

    def __iter__(self) -> Iterator[Status]:
        while True:
            yield count(self._context)
            time.sleep(EVERY_SECONDS)
            if self.is_absent:
                self._context.close()  # the next access looks for the store again

    def document(self) -> NoReturn:
        """Refuse: it never ends, and so is no document."""
        raise UsageError("--watch and --json cannot be combined", hint=WITHOUT_TERMINAL)

    def lines(self) -> Iterator[StatusDocument]:
        """Yield the status every second."""
        return (each.document() for each in self)


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
    settings = context.store.queues.all()
    all_paused = ALL in settings
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
        paused=tuple(
            queue for queue in sorted(queues) if all_paused or (queue in settings and settings[queue].pause is not None)
        ),
        all_paused=all_paused,
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
