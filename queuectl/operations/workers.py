"""Start, stop, list and scale workers."""

from __future__ import annotations

import os

from queuectl.domain.errors import NotFound, Refused, UsageError
from queuectl.domain.record import field, record
from queuectl.domain.spec import check_label, check_queue
from queuectl.domain.units import format_time, parse_duration
from queuectl.operations.document import Document
from queuectl.operations.operation import Danger, Heading, Operation
from queuectl.operations.paused_queues import pauses, say_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypedDict

    from queuectl.domain.json_types import Bytes, Seconds, Timestamp
    from queuectl.operations.context import Context
    from queuectl.runtime.liveness import LiveWorker, WorkerState

    class WorkerDocument(TypedDict):
        """A living worker.

        See `WorkerRecord`.
        """

        id: str
        pool: str
        pid: int
        host: str
        state: WorkerState
        job: str | None
        completed: int
        failed: int
        labels: list[str]
        cpu_seconds: Seconds | None
        memory_bytes: Bytes | None
        started_at: Timestamp
        """When it was started."""
        last_beat_at: Timestamp | None
        """When it last showed a sign of life; null where that is not known."""


MAX_WORKERS = 1000


@record
class Start:
    """Parameters of `worker start`."""

    count: int = field("the number of workers (default: 1)", default=1, short="n", metavar="N")
    queue: tuple[str, ...] = field(
        "run only jobs of this queue; may be repeated (default: every queue)",
        default=(),
        short="q",
        metavar="NAME",
        completes="queues",
    )
    label: tuple[str, ...] = field(
        "a label of the workers, which then also run jobs that need it; may be repeated",
        default=(),
        metavar="LABEL",
        completes="labels",
    )
    drain: bool = field("stop when no job is left that they could run", default=False)
    detach: bool = field("run in the background; return when all workers have started", default=False, short="d")
    quiet: bool = field("log only failures", default=False)
    fail_on_dead: bool = field("exit with 1 if a job died in an attempt of these workers", default=False)


@record
class Stop:
    """Parameters of `worker stop`."""

    now: bool = field("end running jobs and put them back, instead of waiting for them", default=False)
    timeout: int | None = field(
        "end the wait after this time: 30s, 5m (default: no limit)",
        default=None,
        short="t",
        metavar="DURATION",
        parse=parse_duration,
    )
    host: str | None = field(
        "only workers of this host (default: every host)", default=None, metavar="NAME", completes="hosts"
    )


@record
class ListWorkers:
    """No parameters."""


@record
class Scale:
    """Parameters of `worker scale`."""

    size: int = field("the new number of workers", metavar="N", positional=True)
    pool: str | None = field("the pool; required if several run", default=None, metavar="POOL", completes="pools")


@record
class Ended(Document):
    """A pool that has ended, with the number of attempts that completed and failed."""

    pool: str
    """Its ID."""
    completed: int
    """Number of attempts that succeeded."""
    failed: int
    """Number of attempts that failed."""
    dead: int | None
    """Number of jobs that died in its attempts; None unless that is a failure."""

    @property
    def exit_code(self) -> int:
        """1 if jobs died, and that was to be a failure."""
        return 1 if self.dead else 0


@record
class Detached(Document):
    """A pool that runs in the background."""

    pool: str
    """Its ID."""
    pid: int
    """The process of its supervisor."""
    workers: int
    """Number of its workers."""


@record
class Stopped(Document):
    """Pools that were stopped."""

    pools: int
    """Number of these pools."""
    workers: int
    """Number of their workers."""


@record
class Scaled(Document):
    """The new size of a pool."""

    pool: str
    """Its ID."""
    size: int
    """The number of workers that it will have."""


@record
class WorkerRecord:
    """A living worker."""

    seen: LiveWorker
    labels: tuple[str, ...]
    """The labels that it has and jobs may need."""

    def document(self) -> WorkerDocument:
        """Return the JSON form."""
        info = self.seen.info
        return {
            "id": info.id,
            "pool": info.pool,
            "pid": info.pid,
            "host": info.host,
            "state": self.seen.state,
            "job": info.job,
            "completed": info.completed,
            "failed": info.failed,
            "labels": list(self.labels),
            "cpu_seconds": self.seen.cpu_seconds,
            "memory_bytes": self.seen.memory_bytes,
            "started_at": format_time(info.started_at),
            "last_beat_at": None if self.seen.last_beat_at is None else format_time(self.seen.last_beat_at),
        }


def start(context: Context, params: Start) -> Ended | Detached:
    """Run a pool until it is stopped, or start one in the background."""
    if not 1 <= params.count <= MAX_WORKERS:
        raise UsageError(f"--count must be from 1 to {MAX_WORKERS}")
    for queue in params.queue:
        check_queue(queue)
    for label in params.label:
        check_label(label)
    return _detach(context, params) if params.detach else run_pool(context, params)


def run_pool(context: Context, params: Start) -> Ended:
    """Run a supervisor in this process until its pool has ended."""
    # Loaded here: only this operation needs multiprocessing.
    from queuectl.runtime.assignment import PoolParams
    from queuectl.runtime.supervisor import Supervisor

    most = 0

    def show_progress(remaining: int) -> None:
        nonlocal most
        most = max(most, remaining)
        if params.drain:
            context.progress(most - remaining, most, "jobs")

    pool = Supervisor(
        PoolParams(
            size=params.count,
            queues=tuple(dict.fromkeys(params.queue)),
            labels=tuple(dict.fromkeys(params.label)),
            drain=params.drain,
            # A line for each job would break the progress bar.
            brief=params.quiet or (params.drain and context.watched),
            quiet=params.quiet,
            counts_dead=params.fail_on_dead,
        ),
        context.open_store,
        context.run_dir,
        location=context.location,
        left=show_progress,
    )
    for each in pauses(context, params.queue):
        context.say(each)
    # A connection must not cross the fork of the workers.
    context.close()
    completed, failed = pool.run()
    if params.drain:
        say_left(context, params.queue)
    return Ended(pool=pool.id, completed=completed, failed=failed, dead=pool.dead)


def _detach(context: Context, params: Start) -> Detached:
    from queuectl.runtime import machine
    from queuectl.runtime.detached import start_detached
    from queuectl.runtime.doorbell import bells_for

    if params.drain:
        raise UsageError("--drain and --detach cannot be combined", hint="run it in the background with & instead")
    if params.fail_on_dead:
        raise UsageError(
            "--fail-on-dead and --detach cannot be combined", hint="only a pool in the foreground has a result"
        )
    # Also checked here, so that the error is printed on this terminal and not only in the pool's log.
    machine.prepare(params.count, len(bells_for(params.queue, params.label)))
    words = ["worker", "start", "--count", str(params.count), "--quiet"]
    for queue in params.queue:
        words += ["--queue", queue]
    for label in params.label:
        words += ["--label", label]
    pool, pid = start_detached(
        words,
        context.given,
        size=params.count,
        store=context.store,
        run_dir=context.run_dir,
        clock=context.clock,
    )
    return Detached(pool=pool, pid=pid, workers=params.count)


def stop(context: Context, params: Stop) -> Stopped:
    """Stop every pool of the store and wait until they have ended."""
    from queuectl.runtime.stopping import stop_all

    if params.host not in {None, os.uname().nodename} and not context.store.workers.has_host(params.host):
        raise NotFound(f"no host {params.host[:60]} has had workers", hint="queuectl worker list names the hosts")
    pools, workers = stop_all(
        context.store,
        context.run_dir,
        context.clock,
        now=params.now,
        timeout=None if params.timeout is None else params.timeout / 1000,
        on=params.host,
        say=context.say,
        note=context.note,
    )
    return Stopped(pools=pools, workers=workers)


def list_workers(context: Context, _params: ListWorkers) -> Iterator[WorkerRecord]:
    """Return the living workers, the oldest first."""
    from queuectl.runtime.liveness import living_workers

    seen = living_workers(context.store, context.run_dir, now=context.now())
    labels = {pool.id: pool.labels for pool in context.store.workers.running_pools()}
    return (WorkerRecord(seen=each, labels=labels.get(each.info.pool, ())) for each in seen)


def scale(context: Context, params: Scale) -> Scaled:
    """Set the number of workers of a pool."""
    from queuectl.runtime.doorbell import bell_of_pool
    from queuectl.runtime.liveness import living_pools

    if not 0 <= params.size <= MAX_WORKERS:
        raise UsageError(f"N must be from 0 to {MAX_WORKERS}")
    # The pool of a `run --local` has its one worker for its one job.
    living = [pool for pool in living_pools(context.store, context.run_dir) if pool.only_job is None]
    stopping = {pool.id for pool in living if pool.stop is not None}
    if params.pool in stopping or (living and len(stopping) == len(living)):
        raise Refused(
            f"pool {params.pool or living[0].id} is stopping and starts no more workers",
            hint="start another: queuectl worker start --count 4",
        )
    pools = [pool.id for pool in living if pool.id not in stopping]
    if params.pool is not None and params.pool not in pools:
        raise NotFound(f"no pool {params.pool} is running", hint=f"running pools: {', '.join(pools) or 'none'}")
    if not pools:
        raise NotFound("no pool is running", hint="start one: queuectl worker start --count 4")
    if params.pool is None and len(pools) > 1:
        raise Refused(f"{len(pools)} pools are running: {', '.join(pools)}", hint="choose one with --pool POOL")
    pool = params.pool or pools[0]
    if not context.store.workers.order_size(pool, params.size, now=context.now()):
        raise NotFound(f"pool {pool} has stopped")
    context.ring(bell_of_pool(pool))
    return Scaled(pool=pool, size=params.size)


START = Operation(
    name="worker start",
    heading=Heading.WORKERS,
    see=("worker stop", "worker list", "worker scale"),
    blocking=True,
    summary="Start workers, which run jobs until they are stopped",
    params=Start,
    run=start,
    makes_store=True,
    description=(
        "Runs in the foreground and logs one line per event on stderr. The first SIGTERM or Ctrl+C stops the workers "
        "when their jobs have finished; the second ends the jobs now and puts them back. --drain waits for retries and "
        "scheduled jobs too, but not for jobs that need a label which these workers do not have, nor for jobs of "
        "paused queues, which it names at its end."
    ),
    examples=(
        "worker start --count 4",
        "worker start --queue mail --detach",
        "worker start --count 4 --drain",
        "worker start --drain --fail-on-dead",
        "worker start --label gpu",
    ),
)
STOP = Operation(
    name="worker stop",
    heading=Heading.WORKERS,
    see=("worker list", "worker scale"),
    blocking=True,
    summary="Stop the workers of this store and wait until they are gone",
    params=Stop,
    run=stop,
    danger=Danger.STOPS,
    description=(
        "Running jobs are finished first, and printed with the time they have run; worker list and status show the "
        "workers as stopping meanwhile. Ctrl+C and --timeout (exit code 124) end the wait, but the workers still stop."
    ),
    examples=("worker stop", "worker stop --now --timeout 30s", "worker stop --host build7"),
)
LIST = Operation(
    name="worker list",
    heading=Heading.WORKERS,
    see=("worker scale", "status"),
    reads=True,
    summary="List the running workers",
    params=ListWorkers,
    run=list_workers,
    examples=("worker list", "worker list --json"),
)
SCALE = Operation(
    name="worker scale",
    heading=Heading.WORKERS,
    see=("worker start", "worker list"),
    summary="Change the number of workers of a running pool",
    params=Scale,
    run=scale,
    description="Surplus workers finish their jobs first.",
    examples=("worker scale 8",),
)
