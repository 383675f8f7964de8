"""Worker: a process that claims jobs, runs them one after the other and records their results."""

from __future__ import annotations

import os
import signal
import time

from queuectl.domain.attempt import Outcome, Result
from queuectl.domain.errors import StoreError, StoreLost
from queuectl.runtime import attempt_runner, locks, process, tree
from queuectl.runtime.assignment import Stop, StopOrder
from queuectl.runtime.attempt_spec import AttemptHooks, AttemptSpec, Cancel, Release
from queuectl.runtime.batch import Batch
from queuectl.runtime.doorbell import Listener, bell_of_worker, bells_for, bells_of_queues, quiet, ring, ring_everywhere
from queuectl.runtime.idle import Idle
from queuectl.runtime.job_pipe import JobPipe
from queuectl.runtime.job_source import JobSource
from queuectl.runtime.live import Live, script_of
from queuectl.runtime.pulse import TICK, Pulse
from queuectl.runtime.result_recorder import ResultRecorder
from queuectl.runtime.run_dir import remove
from queuectl.runtime.signals import signal_pipe
from queuectl.runtime.starts import Starts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from queuectl.domain.clock import Clock
    from queuectl.runtime.assignment import Assignment
    from queuectl.runtime.log import Log
    from queuectl.runtime.run_dir import RunDir
    from queuectl.runtime.store_access import StoreAccess
    from queuectl.store.rows import Claim


class Worker:
    """The loop of one worker process."""

    def __init__(
        self,
        assignment: Assignment,
        access: StoreAccess,
        run_dir: RunDir,
        *,
        log: Log,
        clock: Clock,
        location: str,
    ) -> None:
        """Install signal handlers and take locks. Jobs receive `location` as QUEUECTL_DB, to enqueue others."""
        self._id = assignment.id
        self._pool = assignment.pool
        self._access = access
        self._run_dir = run_dir
        self._log = log
        self._lock_path = os.path.join(run_dir.workers, self._id)
        self._lock = locks.hold(self._lock_path)
        self._pulse = Pulse(self._lock, assignment.supervisor)
        self._attempt_lock = locks.AttemptLock(os.path.join(run_dir.attempts, self._id))
        self._bells = bells_for(assignment.queues, assignment.labels)
        self._listener = Listener(run_dir, shared=self._bells, own=bell_of_worker(self._id))
        self._receive_signals()
        self._claim: Claim | None = None
        self._unannounced: Claim | None = None
        """The running job, until the log has named it."""
        self._announce_at = 0.0
        environment = process.inheritable(os.environb) | {b"QUEUECTL_DB": os.fsencode(location)}
        access.environments.begin(environment)
        self._starts = Starts(log, self._attempt_lock, environment)
        self._batch = Batch()
        self._source = JobSource(
            access,
            self._batch,
            self._starts,
            Idle(access.store, access.claims, self._listener, clock, drain=assignment.drain),
            self._stop,
            drain=assignment.drain,
            sleep=self._sleep,
            goes_on=self._sleeps_on,
            wake_next=self._wake_next,
        )
        self._recorder = ResultRecorder(
            access, self._batch, log, self._stop, sleep=self._sleep, withdrew=self._wake_for
        )
        # A worker that waits for the store's lock does not hang.
        access.store.database.on_wait = self._pulse.beat

    def _receive_signals(self) -> None:
        self._stop = StopOrder()
        self._signals = signal_pipe()
        self._listener.also(self._signals)
        signal.signal(signal.SIGTERM, lambda *_: self._stop.raise_to(Stop.DRAIN))
        signal.signal(signal.SIGQUIT, lambda *_: self._stop.raise_to(Stop.NOW))

    @property
    def is_written_off(self) -> bool:
        """Whether another host has written this worker off, so that it has ended."""
        return self._access.ownership.evicted

    def run(self) -> bool:
        """Run jobs until a stop order, the end of the supervisor, or the end of a drain; return True for the last."""
        try:
            return self._run()
        except StoreLost:
            self._abandon()
            raise

    def _run(self) -> bool:
        drained = False
        while not self._stop.level:
            if self._batch.endangers_others:
                self._recorder.settle()
                continue
            claim = self._source.next()
            if self.is_written_off:
                self._log.event("this worker was written off as dead: exiting")
                break
            if claim is None:
                self._recorder.settle()
                if drained := self._source.wait():
                    break
                continue
            if not self._run_job(claim):
                return False
            self._between_jobs()
        self._recorder.settle()
        if self._recorder.has_given_up:
            return False
        self._leave()
        return drained

    def _run_job(self, claim: Claim) -> bool:
        """Run an attempt and record its result. False where a steward must do so, as after a crash."""
        self._claim = claim
        live = Live(self._run_dir.live, claim.seq, claim.fence)
        pipe = JobPipe.find(self._run_dir.live, claim.seq, claim.fence)
        result = self._starts.judge(self._attempt(claim, live, pipe), claim)
        if result.alive:
            self._recorder.settle(claim)
            if not self._outlast(result.alive):
                return False  # the steward puts the job back once its processes are gone
        try:
            self._recorder.finish(claim, result)
        except StoreLost:
            live.discard()  # a new store may have a job of the same number
            raise
        self._claim = None
        if self._recorder.has_given_up:
            return False  # the steward records the attempt as lost, with the output of the live files
        live.discard()
        if pipe is not None:
            pipe.recorded()
        if result.refused:
            # Another worker may be allowed what this one is not.
            ring(self._run_dir, *bells_of_queues([claim.queue]))
        return True

    def _attempt(self, claim: Claim, live: Live, pipe: JobPipe | None) -> Result:
        self._unannounced = claim
        self._announce_at = time.monotonic() + TICK
        settings = self._access.settings
        environment = self._access.environments.of(claim)
        if environment is None:
            return Result(
                outcome=Outcome.SPAWN_ERROR,
                duration_ms=0,
                error=f"cannot start: the store has no environment snapshot {claim.environment}",
            )
        cookie = process.cookie(self._id, claim.seq, claim.fence, self._access.store.database.identity)
        spec = AttemptSpec(
            command=claim.command,
            environment=process.environment(
                environment,
                claim.env,
                job_id=claim.id,
                attempt=claim.fence,
                cookie=cookie,
                scheduled_for=claim.scheduled_for,
            ),
            cwd=claim.cwd,
            seq=claim.seq,
            fence=claim.fence,
            cookie=cookie,
            timeout_ms=settings.timeout_ms(claim.timeout_ms),
            kill_grace_ms=round(settings.kill_grace * 1000),
            shell=claim.shell or settings.shell,
            heeds_first_line=claim.shell is None,
            script=script_of(self._run_dir.live, claim.seq, claim.fence),
        )
        self._attempt_lock.ahead = [(each.seq, each.fence) for each in self._batch.ahead]
        hooks = AttemptHooks(
            tick=self._tick_beside_job,
            tick_at=min(self._pulse.due_at, self._batch.due_at),
            order=self._order,
            wake=(self._listener.own, self._signals),
            lock=self._attempt_lock,
            live=live,
            pipe=pipe,
        )
        return attempt_runner.run(spec, hooks)

    def _outlast(self, pids: Sequence[int]) -> bool:
        """Wait until unkillable processes are gone: no second attempt runs beside them. False after a stop order."""
        self._log.event(
            f"processes {', '.join(map(str, pids))} cannot be killed: this worker runs no other job until they end"
        )
        return tree.outlast(pids, self._waits_on)

    def _waits_on(self) -> bool:
        if not self._stop.level:
            self._listener.wait(TICK)
            self._tick()
            self._access.ownership.renew_if_due(self._claim)
        return not self._stop.level

    def _wake_next(self) -> None:
        ring(self._run_dir, *self._bells)

    def _wake_for(self, withdrawn: Sequence[Claim]) -> None:
        # Its own bells too: jobs with needs have others than those of their queues.
        bells = dict.fromkeys([*self._bells, *bells_of_queues(claim.queue for claim in withdrawn)])
        ring_everywhere(self._access.store, self._run_dir, *bells)

    def _sleeps_on(self) -> bool:
        self._tick()
        return not self._stop.level and self._access.ownership.confirm(None)

    def _tick(self) -> None:
        """Beat, log the running job and check the supervisor."""
        self._pulse.begin_tick(self._access.tick_interval)
        claim = self._claim
        if claim is not None:
            if claim is self._unannounced and time.monotonic() >= self._announce_at:
                # One line is enough for a job that ends before it has run for a second.
                budget = claim.max_retries + 1
                self._log.detail(f"job {claim.id} is running (attempt {claim.fence}, try {claim.attempts} of {budget})")
                self._unannounced = None
            self._access.ownership.publish_output(claim)
        if self._stop.level is not Stop.NOW and self._pulse.is_orphan:
            self._stop_without_supervisor()

    def _tick_beside_job(self) -> float:
        """Tick, and settle the batch, each if it is due; return when that is next."""
        if self._claim is not None and time.monotonic() >= self._batch.due_at:
            self._recorder.settle_beside(self._claim)
        if self._pulse.is_due:
            self._tick()
        return min(self._pulse.due_at, self._batch.due_at)

    def _stop_without_supervisor(self) -> None:
        """Exit after the running job, or end it if the store has an order `stop --now` that was not passed on."""
        if self._stop.level is Stop.NO:
            self._log.event("the supervisor is gone: exiting after this job")
            self._stop.raise_to(Stop.DRAIN)
        try:
            if self._access.store.workers.stop_ordered(self._pool) == "now":
                self._stop.raise_to(Stop.NOW)
        except StoreError:
            pass  # the next tick tries again

    def _order(self) -> Cancel | Release | None:
        """Return the order for the running job: of a stop, of a cancel, or because its ownership is lost."""
        rang = quiet(self._listener.own)
        if rang:
            self._batch.hurry()
        quiet(self._signals)
        if self._stop.level is Stop.NOW:
            return Release()
        claim = self._claim
        if claim is None:
            return None
        ownership = self._access.ownership
        try:
            requested = ownership.poll_cancel(claim, rang=rang)
        except StoreLost:
            # No stop order could arrive any more, and the result could not be recorded.
            return Release()
        except StoreError:
            # Before other hosts may write this worker off, all processes of the job must be gone.
            return Release(signal=signal.SIGKILL) if ownership.lease_expired else None
        if requested is None:
            # Ownership is lost: the new owner assumes that the process tree of this attempt is gone.
            return Cancel(signal=signal.SIGKILL)
        return Cancel(signal=requested) if requested else None

    def _between_jobs(self) -> None:
        """Tick if due: a chain of jobs shorter than a tick reaches neither an idle wait nor a tick of an attempt."""
        if self._pulse.is_due:
            self._tick()
            self._access.ownership.renew_if_due(self._claim)
        self._access.refresh_if_due()

    def _sleep(self, seconds: float, *, heed_bells: bool = True) -> None:
        """Wait for `seconds`, or until the bell rings, and tick meanwhile: the lease may be shorter."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._listener.wait(min(left, 1.0)) and (heed_bells or self._stop.level):
                break
            self._tick()
            self._access.ownership.renew_if_due(self._claim)
        self._tick()

    def _abandon(self) -> None:
        """Close a lost store, and log a result that cannot be recorded. The job's processes have been ended."""
        unrecorded = self._recorder.unrecorded()
        if self._claim is not None and self._claim not in unrecorded:
            unrecorded.append(self._claim)
        for claim in unrecorded:
            self._log.event(
                f"result of this attempt of job {claim.id} could not be recorded: the store is gone or damaged"
            )
        self._claim = None
        self.close()

    def _leave(self) -> None:
        retry = self._access.retry
        while True:
            try:
                self._access.leave()
                break
            except StoreError as error:
                if retry.is_lasting or retry.is_hopeless:
                    break  # a steward finds the lock free and records the end
                self._sleep(retry.failed(error, hurry=self._stop.level is Stop.NOW))
        self.close()

    def close(self) -> None:
        """Close the store, and remove the lock files and the bell of this worker."""
        self._listener.close()
        self._access.store.close()
        remove(*locks.attempt_locks(os.path.join(self._run_dir.attempts, self._id)), self._lock_path)
        os.close(self._lock)
