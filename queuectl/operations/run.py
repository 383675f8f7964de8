"""Enqueue a job and follow its output until it has ended, as if it were a command of this shell."""

from __future__ import annotations

import select
import time
from signal import SIGTERM

from queuectl.domain.errors import MachineUnfit, QueuectlError, Refused, UsageError
from queuectl.domain.job import FINAL, WAITING, JobState
from queuectl.domain.record import field, record
from queuectl.operations.enqueue import Enqueue, one_job, store_one
from queuectl.operations.job_follower import JobFollower
from queuectl.operations.job_record import detail
from queuectl.operations.operation import Heading, Operation
from queuectl.operations.wait import exit_code_of
from queuectl.runtime.doorbell import bell_of_queue, ring
from queuectl.runtime.job_pipe import JobPipeReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from queuectl.domain.job import Job, NewJob
    from queuectl.operations.context import Context
    from queuectl.operations.explain import WaitReporter
    from queuectl.operations.job_follower import Left, Retried
    from queuectl.operations.job_record import JobDetail, JobWithOutput
    from queuectl.operations.local_pool import LocalPool
    from queuectl.operations.log_pieces import Piece

_INTERVAL = 0.02
"""Seconds between two checks for changes of the store, as in `wait`."""
_PATIENCE = 0.03
"""Seconds before it is explained why the job does not run: an idle worker has begun it by then."""


@record
class Run(Enqueue):
    """Parameters of `run`: those of `enqueue` for one job."""

    file: str | None = None
    lines: bool = False
    local: bool = field("run it in a worker of its own, which ends with this command", default=False)
    detach_on_interrupt: bool = field(
        "leave the job after Ctrl+C, without asking: it runs on, or waits for a worker", default=False
    )


class Running:
    """A job that is followed from its enqueue to its end. `close` it."""

    def __init__(self, context: Context, params: Run, new: NewJob) -> None:
        """Enqueue nothing yet."""
        self._context = context
        self._params = params
        self._new = new
        self._seq = 0
        self._pool: LocalPool | None = None
        self._pipe: JobPipeReader | None = None
        self.id: str | None = None
        """The job, once it is enqueued."""
        self._has_acted = False
        """Whether this process has changed the job since it was read: a store does not report own changes."""
        self.left: int | None = None
        """The exit code of a command that has left the job before its end."""

    @property
    def is_announced(self) -> bool:
        """Whether the job may be enqueued."""
        return self._seq != 0

    def start(self) -> None:
        """Enqueue the job. Raises QueuectlError."""
        if self._params.local:
            # Loaded here, as below: most jobs run in workers that are there already, and end soon.
            from queuectl.operations.local_pool import LocalPool

            # Before the store is opened: the process begins meanwhile.
            self._pool = LocalPool(self._context.given)
        jobs = self._context.store.jobs
        jobs.announce = self._announced
        try:
            (self.id,) = store_one(self._context, self._params, self._new).ids
        finally:
            jobs.announce = None
        if self._pool is not None:
            self._pool.begin(self._seq, self._new.needs)

    def _announced(self, seqs: list[int]) -> None:
        """Make the pipe, before a worker can claim the job. Without a pipe the output is followed as by `logs`."""
        self._seq = seqs[0]
        try:
            self._context.run_dir.make()
            self._pipe = JobPipeReader(self._context.run_dir.live, self._seq)
        except (OSError, QueuectlError):
            self._pipe = None

    def events(self, wake: int) -> Iterator[Piece | Left | Retried | None]:
        """Yield the output and the ends of attempts as they come, until the job is final.

        Yields None when the descriptor `wake` is readable, which the caller is to read then. Raises NotFound if the job
        is deleted.
        """
        store, reporter = self._context.store, None
        follower = JobFollower(self._context, self._id, self._seq, self._pipe)
        explain_at = time.monotonic() + _PATIENCE
        try:
            while True:
                self._has_acted, seen = False, store.changed()
                job, attempts = follower.read()
                yield from follower.ended(job, attempts)
                if job.state in FINAL:
                    return
                self._call_pool(job)
                follower.is_behind = False
                while store.changed() == seen and not (follower.is_behind or self._has_acted):
                    if wake in self._wait(wake):
                        yield None
                    if self._pool is not None and self._pool.poll() is not None:
                        self._lost_pool()
                        reporter = None
                    if time.monotonic() >= explain_at:
                        reporter = reporter or self._reporter()
                        reporter.report([self._id])
                    yield from follower.new()
        finally:
            follower.close()

    @property
    def _id(self) -> str:
        if self.id is None:
            raise RuntimeError("the job is not enqueued")
        return self.id

    def _wait(self, wake: int) -> list[int]:
        """Wait for the next check, and return the descriptors that are readable before."""
        poller = select.poll()
        poller.register(wake, select.POLLIN)
        if self._pipe is not None:
            poller.register(self._pipe.fd, select.POLLIN)
        return [fd for fd, _ in poller.poll(_INTERVAL * 1000)]

    def _reporter(self) -> WaitReporter:
        from queuectl.operations.explain import OF_WORKERS, WaitReporter

        # A retry has a line of its own, and the worker of its own is about to begin.
        return WaitReporter(self._context, except_for={"backoff", *(OF_WORKERS if self._pool is not None else ())})

    def _call_pool(self, job: Job) -> None:
        """Wake the worker of its own, which no other bell reaches, for a job that was released or is due earlier."""
        if self._pool is not None and job.state in WAITING:
            from queuectl.domain.worker import queue_of_job

            ring(self._context.run_dir, bell_of_queue(queue_of_job(job.seq)))

    def _lost_pool(self) -> None:
        """Go on without the pool if it was stopped; raise MachineUnfit if it failed and no worker has the job."""
        if self._pool is None:
            return
        code, self._pool = self._pool.exit_code, None
        if code and self._context.store.jobs.state(self._id) in WAITING:
            self.cancel()
            raise MachineUnfit(
                f"the worker for job {self.id} could not run it, so the job was cancelled",
                hint=f"to run it in other workers: queuectl retry {self.id}",
            )

    @property
    def is_processing(self) -> bool:
        """Whether a worker runs the job."""
        return self._context.store.jobs.state(self._id) is JobState.PROCESSING

    @property
    def has_ended(self) -> bool:
        """Whether the job is final."""
        return self._context.store.jobs.state(self._id) in FINAL

    def cancel(self, signal: int = SIGTERM) -> None:
        """Cancel the job, whose processes get `signal` first; a job that has ended stays as it is."""
        from queuectl.operations.cancel import Cancel, cancel

        self._has_acted = True
        try:
            cancel(self._context, Cancel(ids=(self._id,), signal=signal))
        except Refused:
            pass

    @property
    def ended(self) -> JobDetail:
        """The job as it is now."""
        return detail(self._context, self._id, history=False)

    @property
    def exit_code(self) -> int:
        """The code of the job; where it was left before its end, the code of this command."""
        if self.left is not None:
            return self.left
        listed = self._context.store.jobs.get(self._id)
        return exit_code_of(listed.job.state, listed.latest)

    def document(self) -> JobWithOutput:
        """Return the record of the job."""
        return self.ended.document()

    def stop_following(self) -> None:
        """Read no more of the job's output: it goes on without a reader."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def close(self) -> None:
        """Stop following, and wait for the end of the worker of its own."""
        self.stop_following()
        if self._pool is not None:
            self._pool.end()


def run(context: Context, params: Run) -> Running:
    """Check the job, and return what enqueues and follows it."""
    if params.job is None and not params.argv:
        raise UsageError("JOB is missing", hint="queuectl run 'make test', or queuectl run --help")
    checked, new = one_job(context, params)
    return Running(context, checked, new)


RUN = Operation(
    name="run",
    heading=Heading.JOBS,
    one_of=("job", "argv"),
    see=("enqueue", "logs", "wait"),
    secret_variables=True,
    blocking=True,
    streams=True,
    not_in_console="enqueue the job here, and open it to follow its output",
    summary="Add a job, follow its output, and exit with its code",
    params=Run,
    run=run,
    makes_store=True,
    description=(
        "JOB and the options are those of enqueue. The output of the job is printed as it comes: its stdout to stdout, "
        "its stderr to stderr, unchanged and complete. A job that prints faster than it is read is slowed down, as by "
        "a pipe; of a job on another host a line tells how much was left out. A failed attempt is followed by its "
        "retry, with a line on stderr between them.\n\n"
        "The exit code is that of the job: 128 + N for a signal, 124 for a timeout, 125 for a job that never ran. "
        "Ctrl+C on a terminal asks whether to leave the job or to cancel it; a second one "
        "cancels, as the first does without a terminal. SIGTERM cancels too. A hangup leaves the job. If the "
        "reader of stdout goes, the job is cancelled with SIGPIPE.\n\n"
        "Without a worker that could run it, the job waits, and a line tells what starts one. --local runs it in a "
        "worker of its own, unless another one is faster. That worker ends with this command: a job that it has not "
        "finished is put back for others. With --json both streams go to stderr, and the record of the job to stdout "
        "at its end."
    ),
    examples=(
        "run 'make test'",
        "run --local --queue ci --timeout 15m 'make test'",
        "run -- ./import.sh 'a b.csv'",
        "run --detach-on-interrupt --tag nightly ./nightly.sh > nightly.log",
        "run - < ./deploy.sh",
    ),
)
