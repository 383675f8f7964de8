"""Worker: a process that claims one job at a time, runs it and records its result."""

from __future__ import annotations

import os
import signal
import time

from queuectl.config import settings_from
from queuectl.domain.errors import StoreError, StoreLost
from queuectl.runtime import attempt_runner, locks, process, tree
from queuectl.runtime.assignment import Stop
from queuectl.runtime.attempt_runner import Cancel, Release
from queuectl.runtime.doorbell import Listener, bell_of_worker, bells_for, bells_of_queues, quiet, ring
from queuectl.runtime.idle import Idle
from queuectl.runtime.live import Live
from queuectl.runtime.ownership import new_ownership
from queuectl.runtime.pulse import TICK, Pulse
from queuectl.runtime.signals import signal_pipe
from queuectl.runtime.starts import Starts
from queuectl.runtime.store_retry import StoreRetry
from queuectl.runtime.tally import Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from queuectl.domain.attempt import Result
    from queuectl.domain.clock import Clock
    from queuectl.runtime.assignment import Assignment
    from queuectl.runtime.log import Log
    from queuectl.runtime.run_dir import RunDir
    from queuectl.store.rows import Claim
    from queuectl.store.store import Store

_REFRESH_EVERY, _REFRESH_EVERY_REMOTE = 0.5, 2.0


class Worker:
    """The loop of one worker process."""

    def __init__(
        self,
        assignment: Assignment,
        store: Store,
        run_dir: RunDir,
        *,
        log: Log,
        clock: Clock,
        rng: random.Random,
        location: str,
        lease: float,
    ) -> None:
        """Install signal handlers and take locks. Jobs receive `location` as QUEUECTL_DB, to enqueue others.

        `lease` is in seconds, and starts now.
        """
        self._id = assignment.id
        self._assignment = assignment
        self._store = store
        self._claims = store.claims(assignment.queues, assignment.labels)
        self._run_dir = run_dir
        self._log = log
        self._clock = clock
        self._random = rng
        self._lock_path = os.path.join(run_dir.workers, self._id)
        self._lock = locks.hold(self._lock_path)
        self._pulse = Pulse(self._lock, assignment.supervisor)
        self._attempt_lock = locks.AttemptLock(os.path.join(run_dir.attempts, self._id))
        self._bells = bells_for(assignment.queues, assignment.labels)
        self._listener = Listener(run_dir, shared=self._bells, own=bell_of_worker(self._id))
        self._receive_signals()
        self._stored: dict[str, str] = {}
        self._settings = settings_from({})
        self._retry = StoreRetry(log)
        self._claim: Claim | None = None
        self._unannounced: Claim | None = None
        """The running job, until the log has named it."""
        self._tally = Tally(self._claims, self._id)
        self._refresh_at = self._announce_at = 0.0
        self._has_polled = self._is_unrecorded = False
        """Whether the store answered the last claim; whether a result could not be recorded before the worker ends."""
        self._idle = Idle(store, self._claims, self._listener, clock, drain=assignment.drain)
        self._ownership = new_ownership(store, self._claims, self._id, run_dir=run_dir, lease=lease)
        self._environment = process.inheritable(os.environb)
        self._environment[b"QUEUECTL_DB"] = os.fsencode(location)
        self._starts = Starts(log, self._attempt_lock, self._environment)
        # A worker that waits for the store's lock does not hang.
        store.database.on_wait = self._pulse.beat

    def _receive_signals(self) -> None:
        self._stop = Stop.NO
        self._signals = signal_pipe()
        self._listener.also(self._signals)
        signal.signal(signal.SIGTERM, lambda *_: self._order_stop(Stop.DRAIN))
        signal.signal(signal.SIGQUIT, lambda *_: self._order_stop(Stop.NOW))

    @property
    def is_written_off(self) -> bool:
        """Whether another host has written this worker off, so that it has ended."""
        return self._ownership.evicted

    def run(self) -> bool:
        """Run jobs until a stop order, the end of the supervisor, or the end of a drain; return True for the last."""
        drained = False
        idle = True
        while not self._stop or self._claim:
            claim = self._confirmed(self._claim) if self._claim else self._next()
            if self.is_written_off:
                self._log.event("this worker was written off as dead: exiting")
                break
            if claim is None:
                idle = True
                if drained := self._wait():
                    break
                continue
            if idle:
                # One ring wakes one worker: a worker that gets busy wakes the next, which finds a job or sleeps again.
                ring(self._run_dir, *self._bells)
                idle = False
            self._claim = claim
            live = Live(self._run_dir.live, claim.seq, claim.fence)
            result = self._starts.judge(self._attempt(claim, live), claim)
            if result.alive and not self._outlast(result.alive):
                return False  # as after a crash: a steward puts the job back once its processes are gone
            try:
                self._claim = self._finish(claim, result)
            except StoreLost:
                live.discard()  # a new store may have a job of the same number
                raise
            if self._is_unrecorded:
                return (
                    False  # as after a crash: a steward records the attempt as lost, with the output of the live files
                )
            live.discard()
            self._ownership.ended(claim)
            if result.refused:
                # Another worker may be allowed what this one is not.
                ring(self._run_dir, *bells_of_queues([claim.queue]))
            self._between_jobs()
        self._leave()
        return drained

    def _attempt(self, claim: Claim, live: Live) -> Result:
        self._unannounced = claim
        self._announce_at = time.monotonic() + TICK
        cookie = process.cookie(self._id, claim.seq, claim.fence, self._store.database.identity)
        return attempt_runner.run(
            claim.command,
            seq=claim.seq,
            fence=claim.fence,
            cookie=cookie,
            environment=process.environment(
                self._environment, claim.env, job_id=claim.id, attempt=claim.fence, cookie=cookie
            ),
            cwd=claim.cwd,
            timeout_ms=claim.timeout_ms if claim.timeout_ms is not None else self._settings.job_timeout_ms,
            kill_grace_ms=round(self._settings.kill_grace * 1000),
            lock=self._attempt_lock,
            live=live,
            wake=(self._listener.own, self._signals),
            tick=self._tick,
            tick_at=self._pulse.due_at,
            order=self._order,
        )

    def _outlast(self, pids: Sequence[int]) -> bool:
        """Wait until unkillable processes are gone: no second attempt runs beside them. False after a stop order."""
        self._log.event(f"{', '.join(map(str, pids))} cannot be killed: waiting for the end of it")
        return tree.outlast(pids, self._waits_on)

    def _waits_on(self) -> bool:
        if not self._stop:
            self._listener.wait(TICK)
            self._tick()
            self._ownership.renew_if_due(self._claim)
        return not self._stop

    def _finish(self, claim: Claim, result: Result) -> Claim | None:
        """Record the result, however long the store takes, and return the next job if there is one."""
        while True:
            now = self._clock.now()
            try:
                owned = self._ownership.resync()
                if owned is not None and not any(each.seq == claim.seq and each.fence == claim.fence for each in owned):
                    state, following = self._claims.has_ended(claim, self._id), next(iter(owned), None)
                elif self._stop or self._ownership.lease_expired or result.refused:
                    following = None
                    state = self._claims.finish(
                        claim, self._id, result, backoff=self._settings.backoff, random=self._random, now=now
                    )
                else:
                    state, following = self._claims.finish_and_claim(
                        claim, self._id, result, backoff=self._settings.backoff, random=self._random, now=now
                    )
            except StoreError as error:
                if self._retry.is_hopeless:
                    text = f"this attempt of {claim.id} is not recorded ({result.outcome.value}): {error.message}"
                    self._log.event(text)
                    self._is_unrecorded = True
                    return None
                self._store_failed(error)
            else:
                self._retry.recovered()
                self._tally.count(result.outcome, state)
                self._log.result(claim.id, result, state)
                return following

    def _next(self) -> Claim | None:
        if self._starts.pause is not None:
            return None
        self._has_polled = False
        try:
            if not self._ownership.confirm(None):
                return None
            self._read_settings()
            if self._retry.is_bad:
                self._tally.write_down(anyway=True)
            owned = self._ownership.resync()
            claim = owned[0] if owned else self._claims.claim(self._id, now=self._clock.now())
        except StoreError as error:
            self._store_failed(error)
            return None
        self._has_polled = True
        if claim is None:
            return None  # the idle wait checks whether the store works
        self._retry.recovered()
        return self._confirmed(claim)

    def _confirmed(self, claim: Claim) -> Claim | None:
        """Return the job if this worker certainly owns it, else None: the reply to a claim may have taken long."""
        self._claim = None
        try:
            return claim if self._ownership.confirm(claim) else None
        except StoreError as error:
            self._ownership.mark_stale()
            self._store_failed(error)
            return None

    def _wait(self) -> bool:
        """Sleep until there may be a job; return True if no job is left in a drain."""
        if self._retry.pause is not None:
            self._sleep(self._retry.pause)
            if not self._has_polled:
                return False
        try:
            if self._starts.pause is not None:
                self._sleep(self._starts.pause, heed_bells=False)
                self._starts.try_again()
                return self._is_drained()
            self._tally.write_down()
            # Read before the checks that decide whether to sleep: a later change must end the sleep, such as the end of
            # a drain, or a job whose ring another worker consumed.
            seen = self._store.changed()
            self._retry.recovered()
            if self._is_drained():
                return True
            self._idle.sleep(seen, poll_interval=self._settings.poll_interval, goes_on=self._sleeps_on)
        except StoreError as error:
            self._store_failed(error)
        return False

    def _is_drained(self) -> bool:
        if not self._assignment.drain or self._claims.left_to_run():
            return False
        # The other idle workers sleep: wake the next one, which then notices it too.
        ring(self._run_dir, *self._bells)
        return True

    def _sleeps_on(self) -> bool:
        self._tick()
        return not self._stop and self._ownership.confirm(None)

    def _tick(self) -> float:
        """Beat, log the running job, check the supervisor; return when the next tick is due."""
        self._pulse.begin_tick()
        claim = self._claim
        if claim is not None:
            if claim is self._unannounced and time.monotonic() >= self._announce_at:
                # One line is enough for a job that ends before it has run for a second.
                budget = claim.max_retries + 1
                self._log.detail(f"running {claim.id} (attempt {claim.fence}, try {claim.attempts} of {budget})")
                self._unannounced = None
            self._ownership.publish_output(claim)
        if self._stop is not Stop.NOW and self._pulse.is_orphan:
            self._stop_without_supervisor()
        return self._pulse.due_at

    def _stop_without_supervisor(self) -> None:
        """Exit after the running job, or end it if the store has an order `stop --now` that was not passed on."""
        if self._stop is Stop.NO:
            self._log.event("the supervisor is gone: exiting after this job")
            self._stop = Stop.DRAIN
        try:
            if self._store.workers.stop_ordered(self._assignment.pool) == "now":
                self._stop = Stop.NOW
        except StoreError:
            pass  # the next tick tries again

    def _order(self) -> Cancel | Release | None:
        """Return the order for the running job: of a stop, of a cancel, or because its ownership is lost."""
        rang = quiet(self._listener.own)
        quiet(self._signals)
        if self._stop is Stop.NOW:
            return Release()
        claim = self._claim
        if claim is None:
            return None
        try:
            requested = self._ownership.poll_cancel(claim, rang=rang)
        except StoreLost:
            # No stop order could arrive any more, and the result could not be recorded.
            return Release()
        except StoreError:
            # Before other hosts may write this worker off, all processes of the job must be gone.
            return Release(signal=signal.SIGKILL) if self._ownership.lease_expired else None
        if requested is None:
            # Ownership is lost: the new owner assumes that the process tree of this attempt is gone.
            return Cancel(signal=signal.SIGKILL)
        return Cancel(signal=requested) if requested else None

    def _order_stop(self, stop: Stop) -> None:
        self._stop = max(self._stop, stop)

    def _between_jobs(self) -> None:
        """Tick if due: a chain of jobs shorter than a tick reaches neither an idle wait nor a tick of an attempt."""
        if self._pulse.is_due:
            self._tick()
            self._ownership.renew_if_due(self._claim)
        if time.monotonic() >= self._refresh_at:
            self._refresh()

    def _refresh(self) -> None:
        """Write the tally and read the settings, while no idle wait does."""
        remote = self._store.database.remote
        self._refresh_at = time.monotonic() + (_REFRESH_EVERY_REMOTE if remote else _REFRESH_EVERY)
        try:
            self._tally.write_down()
            self._read_settings()
        except StoreError as error:
            self._raise_if_lost(error)  # other errors are reported by the next claim

    def _read_settings(self) -> None:
        stored = self._store.config()
        if stored != self._stored:
            self._stored, self._settings = stored, settings_from(stored)
            self._store.database.wait = self._settings.busy_timeout
            self._ownership.measure(self._settings.lease)
            self._pulse.interval = self._ownership.tick(self._settings.lease)

    def _store_failed(self, error: StoreError) -> None:
        """Start or prolong the retries, and wait if a job is held. A store that is gone or damaged is not retried."""
        self._raise_if_lost(error)
        pause = self._retry.failed(error, hurry=self._stop is Stop.NOW)
        if self._claim is not None:
            self._sleep(pause)

    def _raise_if_lost(self, error: StoreError) -> None:
        if isinstance(error, StoreLost):
            self._abandon()
            raise error

    def _sleep(self, seconds: float, *, heed_bells: bool = True) -> None:
        """Wait for `seconds`, or until the bell rings, and tick meanwhile: the lease may be shorter."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._listener.wait(min(left, 1.0)) and (heed_bells or self._stop):
                break
            self._tick()
            self._ownership.renew_if_due(self._claim)
        self._tick()

    def _abandon(self) -> None:
        """Close a lost store, and log a result that cannot be recorded. The job's processes have been ended."""
        if self._claim is not None:
            self._log.event(f"this attempt of {self._claim.id} is not recorded")
            self._claim = None
        self.close()

    def _leave(self) -> None:
        while True:
            try:
                self._tally.write_down()
                self._ownership.give_back(self._settings.backoff, self._random, now=self._clock.now())
                self._store.workers.stop_worker(self._id, now=self._clock.now())
                break
            except StoreError as error:
                if self._retry.is_lasting or self._retry.is_hopeless:
                    break  # a steward finds the lock free and records the end
                self._store_failed(error)
                self._sleep(self._retry.pause or 0)
        self.close()

    def close(self) -> None:
        """Close the store, and remove the lock files and the bell of this worker."""
        self._listener.close()
        self._store.close()
        locks.remove(*locks.attempt_locks(os.path.join(self._run_dir.attempts, self._id)), self._lock_path)
        os.close(self._lock)
