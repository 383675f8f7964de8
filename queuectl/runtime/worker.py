"""A worker: a process that claims one job at a time, runs it and records how it ended."""

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
from queuectl.runtime.ownership import LeaseOwnership, LockOwnership
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

_LOOKS_UP_EVERY = 0.5
_LOOKS_UP_AFAR = 2.0


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
        """Take signals and locks; `location` is told to jobs as QUEUECTL_DB, so that they can enqueue others.

        `lease` is in seconds, and counts from now on.
        """
        self._id = assignment.id
        self._assignment = assignment
        self._store = store
        self._claims = store.claims(assignment.queues, assignment.labels)
        self._run_dir = run_dir
        self._log = log
        self._clock = clock
        self._random = rng
        self._stop = Stop.NO
        self._lock_path = os.path.join(run_dir.workers, self._id)
        self._lock = locks.hold(self._lock_path)
        self._pulse = Pulse(self._lock, assignment.supervisor)
        self._attempt_lock = locks.AttemptLock(os.path.join(run_dir.attempts, self._id))
        self._bells = bells_for(assignment.queues, assignment.labels)
        self._listener = Listener(run_dir, shared=self._bells, own=bell_of_worker(self._id))
        self._signals = signal_pipe()
        self._listener.also(self._signals)
        signal.signal(signal.SIGTERM, lambda *_: self._told(Stop.DRAIN))
        signal.signal(signal.SIGQUIT, lambda *_: self._told(Stop.NOW))
        self._stored: dict[str, str] = {}
        self._settings = settings_from({})
        self._retry = StoreRetry(log)
        self._claim: Claim | None = None
        self._unannounced: Claim | None = None
        """The running job, until the log has named it."""
        self._tally = Tally(self._claims, self._id)
        self._look_up_at = self._announce_at = 0.0
        self._asked = self._is_unrecorded = False
        """Whether the store has answered the last claim; whether it will not take a result before the worker ends."""
        self._idle = Idle(store, self._claims, self._listener, clock, drain=assignment.drain)
        self._tenure = (
            LeaseOwnership(store, self._claims, self._id, run_dir=run_dir, seconds=lease)
            if store.database.remote
            else LockOwnership(store, self._claims, self._id)
        )
        self._environment = process.inheritable(os.environb)
        self._environment[b"QUEUECTL_DB"] = os.fsencode(location)
        self._starts = Starts(log, self._attempt_lock, self._environment)
        # A worker that waits for the store's lock is not a hung one.
        store.database.on_wait = self._pulse.beat

    @property
    def is_written_off(self) -> bool:
        """Whether others have taken it for dead, so that it has left."""
        return self._tenure.evicted

    def run(self) -> bool:
        """Work until told to stop or left alone, or until nothing is left in a drain; whether that is why it ended."""
        drained = False
        idle = True
        while not self._stop or self._claim:
            claim = self._confirmed(self._claim) if self._claim else self._next()
            if self.is_written_off:
                self._log.event("others have taken this worker for dead: leaving")
                break
            if claim is None:
                idle = True
                if drained := self._wait():
                    break
                continue
            if idle:
                # One ring wakes one worker: whoever gets busy wakes the next, which finds a job or sleeps on.
                ring(self._run_dir, *self._bells)
                idle = False
            self._claim = claim
            live = Live(self._run_dir.live, claim.seq, claim.fence)
            result = self._starts.judge(self._attempt(claim, live), claim)
            if result.alive and not self._outlast(result.alive):
                return False  # as if we had died: a steward puts the job back once its processes are gone
            try:
                self._claim = self._finish(claim, result)
            except StoreLost:
                live.discard()  # a new store may have a job of the same number
                raise
            if self._is_unrecorded:
                return False  # likewise: a steward records the attempt as lost, with the output of the live files
            live.discard()
            self._tenure.ended(claim)
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
        """Wait until what could not be killed is gone: no second attempt beside it. False when told to stop."""
        self._log.event(f"{', '.join(map(str, pids))} cannot be killed: waiting for the end of it")
        return tree.outlast(pids, self._stays)

    def _stays(self) -> bool:
        if not self._stop:
            self._listener.wait(TICK)
            self._tick()
            self._tenure.renew_if_due(self._claim)
        return not self._stop

    def _finish(self, claim: Claim, result: Result) -> Claim | None:
        """Record the result, however long the store takes, and return the next job if there is one."""
        while True:
            now = self._clock.now()
            try:
                held = self._tenure.resync()
                if held is not None and not any(each.seq == claim.seq and each.fence == claim.fence for each in held):
                    state, following = self._claims.has_ended(claim, self._id), next(iter(held), None)
                elif self._stop or self._tenure.lease_expired or result.refused:
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
                    told = f"this attempt of {claim.id} is not recorded ({result.outcome.value}): {error.message}"
                    self._log.event(told)
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
        self._asked = False
        try:
            if not self._tenure.confirm(None):
                return None
            self._read_settings()
            if self._retry.is_bad:
                self._tally.write_down(anyway=True)
            held = self._tenure.resync()
            claim = held[0] if held else self._claims.claim(self._id, now=self._clock.now())
        except StoreError as error:
            self._store_failed(error)
            return None
        self._asked = True
        if claim is None:
            return None  # whether the store is well, the wait finds out
        self._retry.recovered()
        return self._confirmed(claim)

    def _confirmed(self, claim: Claim) -> Claim | None:
        """The job, if it is ours for sure: the answer to a claim may have been long on its way."""
        self._claim = None
        try:
            return claim if self._tenure.confirm(claim) else None
        except StoreError as error:
            self._tenure.mark_stale()
            self._store_failed(error)
            return None

    def _wait(self) -> bool:
        """Sleep until there may be a job; True where nothing is left in a drain."""
        if self._retry.pause is not None:
            self._sit_out(self._retry.pause)
            if not self._asked:
                return False
        try:
            if self._starts.pause is not None:
                self._sit_out(self._starts.pause, heed_bells=False)
                self._starts.try_again()
                return self._is_drained()
            self._tally.write_down()
            # Before the looks that decide whether to sleep: a change after them would be slept through, the end of a
            # drain for one, or a job whose ring another worker took.
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
        # The other idle workers sleep: let the next one see it too.
        ring(self._run_dir, *self._bells)
        return True

    def _sleeps_on(self) -> bool:
        self._tick()
        return not self._stop and self._tenure.confirm(None)

    def _tick(self) -> float:
        """Beat, report the running job, notice the end of the supervisor; when the next tick is due."""
        self._pulse.begin_tick()
        claim = self._claim
        if claim is not None:
            if claim is self._unannounced and time.monotonic() >= self._announce_at:
                # One line is enough for a job that ends before it has run for a second.
                tried = f"try {claim.attempts} of {claim.max_retries + 1}"
                self._log.detail(f"running {claim.id} (attempt {claim.fence}, {tried})")
                self._unannounced = None
            self._tenure.publish_output(claim)
        if self._stop is not Stop.NOW and self._pulse.is_orphan:
            self._outlive_supervisor()
        return self._pulse.due_at

    def _outlive_supervisor(self) -> None:
        """Leave after the running job, or end it: `stop --now` may have been ordered and not been passed on."""
        if self._stop is Stop.NO:
            self._log.event("the supervisor is gone: leaving after this job")
            self._stop = Stop.DRAIN
        try:
            if self._store.workers.stop_ordered(self._assignment.pool) == "now":
                self._stop = Stop.NOW
        except StoreError:
            pass  # the next tick asks again

    def _order(self) -> Cancel | Release | None:
        """What somebody wants of the running job."""
        rang = quiet(self._listener.own)
        quiet(self._signals)
        if self._stop is Stop.NOW:
            return Release()
        claim = self._claim
        if claim is None:
            return None
        try:
            requested = self._tenure.poll_cancel(claim, rang=rang)
        except StoreLost:
            # Nobody could tell us to stop any more, and the result would be recorded nowhere.
            return Release()
        except StoreError:
            # Where others may take us for dead, nothing of the job may be left by then.
            return Release(signal=signal.SIGKILL) if self._tenure.lease_expired else None
        if requested is None:
            # The attempt is no longer ours: whoever took it believes that its tree is gone.
            return Cancel(signal=signal.SIGKILL)
        return Cancel(signal=requested) if requested else None

    def _told(self, stop: Stop) -> None:
        self._stop = max(self._stop, stop)

    def _between_jobs(self) -> None:
        """Do what is due: a chain of jobs shorter than a tick reaches neither an idle wait nor a tick of an attempt."""
        if self._pulse.is_due:
            self._tick()
            self._tenure.renew_if_due(self._claim)
        if time.monotonic() >= self._look_up_at:
            self._look_up()

    def _look_up(self) -> None:
        """Write down what was done and read the settings, while no idle wait does."""
        self._look_up_at = time.monotonic() + (_LOOKS_UP_AFAR if self._store.database.remote else _LOOKS_UP_EVERY)
        try:
            self._tally.write_down()
            self._read_settings()
        except StoreError as error:
            self._leave_if_lost(error)  # of others, the next claim says it

    def _read_settings(self) -> None:
        stored = self._store.config()
        if stored != self._stored:
            self._stored, self._settings = stored, settings_from(stored)
            self._store.database.wait = self._settings.busy_timeout
            self._tenure.measure(self._settings.lease)
            self._pulse.interval = self._tenure.tick(self._settings.lease)

    def _store_failed(self, error: StoreError) -> None:
        """Wait it out where a result depends on it; a store that is gone or damaged does not come back."""
        self._leave_if_lost(error)
        pause = self._retry.failed(error, hurry=self._stop is Stop.NOW)
        if self._claim is not None:
            self._sit_out(pause)

    def _leave_if_lost(self, error: StoreError) -> None:
        if isinstance(error, StoreLost):
            self._abandon()
            raise error

    def _sit_out(self, seconds: float, *, heed_bells: bool = True) -> None:
        """Wait for as long, or until the bell rings, and show life meanwhile: the lease may be shorter."""
        over = time.monotonic() + seconds
        while (left := over - time.monotonic()) > 0:
            if self._listener.wait(min(left, 1.0)) and (heed_bells or self._stop):
                break
            self._tick()
            self._tenure.renew_if_due(self._claim)
        self._tick()

    def _abandon(self) -> None:
        """Leave a store that is lost, and tell what it will never know. The job's processes have been ended."""
        if self._claim is not None:
            self._log.event(f"this attempt of {self._claim.id} is not recorded")
            self._claim = None
        self.take_away()

    def _leave(self) -> None:
        while True:
            try:
                self._tally.write_down()
                self._tenure.give_back(self._settings.backoff, self._random, now=self._clock.now())
                self._store.workers.stop_worker(self._id, now=self._clock.now())
                break
            except StoreError as error:
                if self._retry.is_lasting or self._retry.is_hopeless:
                    break  # the lock tells that we are gone; a steward writes it down
                self._store_failed(error)
                self._sit_out(self._retry.pause or 0)
        self.take_away()

    def take_away(self) -> None:
        """Let go of the store, and remove what would tell that this worker is there."""
        self._listener.close()
        self._store.close()
        locks.remove(*locks.attempt_locks(os.path.join(self._run_dir.attempts, self._id)), self._lock_path)
        os.close(self._lock)
