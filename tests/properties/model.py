"""A model of the store in a few dictionaries: the state machine of jobs without a database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from queuectl.domain.attempt import GIVEN_BACK, MAX_LOSSES, Outcome
from queuectl.domain.job import FINAL, READY, WAITING, JobState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

KEPT_MS = 600_000
RETRYABLE = FINAL | {JobState.FAILED}


class No(Exception):
    """The store must refuse this, and change nothing."""


@dataclass
class Job:
    seq: int
    id: str
    queue: str
    priority: int
    max_retries: int
    run_at: int
    needs: tuple[str, ...] = ()
    state: JobState = JobState.PENDING
    attempts: int = 0
    losses: int = 0
    fence: int = 0
    owner: str | None = None
    cancel_requested: int = 0
    finished_at: int | None = None
    last: Outcome | None = None
    """How its latest attempt ended."""

    def image(self) -> dict[str, object]:
        """Return the fields that an undo restores."""
        names = ("queue", "priority", "max_retries", "run_at", "needs", "state", "attempts", "losses", "finished_at")
        return {name: getattr(self, name) for name in names}

    def is_sound(self) -> bool:
        """Return whether attempts and state are consistent."""
        if self.state in WAITING:
            return self.attempts <= self.max_retries
        if self.state is JobState.DEAD:
            return self.attempts == self.max_retries + 1 or self.losses >= MAX_LOSSES
        return self.attempts <= self.max_retries + 1


@dataclass
class Gate:
    """The settings of a queue that a claim respects."""

    paused: bool = False
    limit: int | None = None
    weight: int = 1


@dataclass
class Action:
    """A recorded action; without jobs it cannot be undone."""

    id: int
    at: int
    before: dict[int, Job]
    after: dict[int, Job] = field(default_factory=dict)
    """Without those that were deleted."""
    undone: bool = False


class Model:
    """The expected state of the queue."""

    def __init__(self, max_retries: int, backoff: Callable[[int], int]) -> None:
        self.jobs: dict[str, Job] = {}
        self.actions: list[Action] = []
        self.gates: dict[str, Gate] = {}
        """By name of the queue; the empty name stands for all queues."""
        self.max_retries = max_retries
        self._backoff = backoff
        self._seq = self._action = 0

    def enqueue(
        self,
        id_: str,
        queue: str,
        priority: int,
        max_retries: int | None,
        run_at: int,
        needs: tuple[str, ...],
    ) -> None:
        if id_ in self.jobs:
            raise No
        self._seq += 1
        retries = self.max_retries if max_retries is None else max_retries
        self.jobs[id_] = Job(self._seq, id_, queue, priority, retries, run_at, needs)

    def left_to_run(self, queues: Sequence[str], labels: Sequence[str]) -> list[Job]:
        """Return the number of jobs that a drain waits for."""
        unfinished = READY | {JobState.PROCESSING}
        return [
            job
            for job in self.jobs.values()
            if job.state in unfinished
            and (not queues or job.queue in queues)
            and set(job.needs) <= set(labels)
            and not (job.state in READY and self._is_paused(job.queue))
        ]

    def running(self, queue: str) -> int:
        """Return the number of running jobs of a queue."""
        return sum(job.queue == queue and job.state is JobState.PROCESSING for job in self.jobs.values())

    def _is_paused(self, queue: str) -> bool:
        return any(name in self.gates and self.gates[name].paused for name in ("", queue))

    def _is_open(self, queue: str) -> bool:
        limit = self.gates.get(queue, Gate()).limit
        return not self._is_paused(queue) and (limit is None or self.running(queue) < limit)

    def _share(self, queue: str) -> float:
        return self.running(queue) / self.gates.get(queue, Gate()).weight

    def claim(self, worker: str, now: int, queues: Sequence[str], labels: Sequence[str]) -> Job | None:
        due = [
            job
            for job in self.left_to_run(queues, labels)
            if job.state in READY and job.run_at <= now and self._is_open(job.queue)
        ]
        if not due:
            return None
        weighted = any(gate.weight != 1 for gate in self.gates.values())
        job = min(due, key=lambda job: (-job.priority, self._share(job.queue) if weighted else 0, job.run_at, job.seq))
        job.state, job.owner, job.last = JobState.PROCESSING, worker, None
        job.fence += 1
        job.attempts += 1
        job.cancel_requested = 0
        return replace(job)

    def finish(self, claimed: Job, worker: str, outcome: Outcome, now: int) -> JobState | None:
        job = self.jobs.get(claimed.id)
        if job is None or (job.seq, job.fence, job.owner) != (claimed.seq, claimed.fence, worker):
            return None
        job.last, job.owner = outcome, None
        job.losses = job.losses + 1 if outcome is Outcome.LOST else job.losses if outcome is Outcome.RELEASED else 0
        buried = outcome is Outcome.LOST and job.losses >= MAX_LOSSES
        if outcome in GIVEN_BACK:
            job.run_at = min(job.run_at, now)  # due even if the clock was set back
        if outcome in GIVEN_BACK and not buried:
            job.attempts -= 1
        if outcome is Outcome.SUCCESS:
            job.state = JobState.COMPLETED
        elif outcome is Outcome.CANCELLED or job.cancel_requested:
            job.state = JobState.CANCELLED
            failed = outcome not in GIVEN_BACK and outcome is not Outcome.CANCELLED
            if failed and job.attempts <= job.max_retries:
                job.run_at = now + self._backoff(job.attempts)
        elif buried or (outcome not in GIVEN_BACK and job.attempts > job.max_retries):
            job.state = JobState.DEAD
        elif outcome in GIVEN_BACK:
            job.state = JobState.PENDING
        else:
            job.state = JobState.FAILED
            job.run_at = now + self._backoff(job.attempts)
        if job.state is JobState.CANCELLED:
            job.losses = 0
        job.finished_at = now if job.state in FINAL else None
        return job.state

    def cancel(self, ids: Sequence[str], now: int) -> None:
        jobs = self._all(ids, set(JobState) - FINAL, done={JobState.CANCELLED})
        waiting = [job for job in jobs if job.state is not JobState.PROCESSING]
        with_it = self._begin(jobs, now)
        for job in jobs:
            if job.state is JobState.PROCESSING:
                job.cancel_requested = 15
            else:
                job.state, job.finished_at = JobState.CANCELLED, now
        self._end(with_it, waiting)

    def retry(self, ids: Sequence[str], now: int, allowed: Iterable[JobState] = RETRYABLE) -> None:
        jobs = self._all(ids, set(allowed))
        with_it = self._begin(jobs, now)
        for job in jobs:
            self._fresh(job, now)
        self._end(with_it, jobs)

    def revive(self, now: int) -> None:
        self.retry([job.id for job in self.jobs.values() if job.state is JobState.DEAD], now)

    def delete(self, ids: Sequence[str], now: int) -> None:
        jobs = self._all(ids, FINAL)
        self._begin(jobs, now)
        for job in jobs:
            del self.jobs[job.id]

    def prune(self, state: JobState, before: int) -> int:
        gone = [job for job in self.jobs.values() if job.state is state and (job.finished_at or 0) <= before]
        for job in gone:
            del self.jobs[job.id]
        return len(gone)

    def hold(self, ids: Sequence[str], now: int) -> None:
        self._each(ids, READY, now, lambda job: setattr(job, "state", JobState.HELD), done={JobState.HELD})

    def release(self, ids: Sequence[str], now: int) -> None:
        failures = {Outcome.EXIT, Outcome.SIGNAL, Outcome.TIMEOUT, Outcome.SPAWN_ERROR}

        def release(job: Job) -> None:
            job.state = JobState.FAILED if job.attempts and job.last in failures else JobState.PENDING

        self._each(ids, {JobState.HELD}, now, release, done=READY)

    def prioritise(self, ids: Sequence[str], priority: int, now: int) -> None:
        self._each(ids, WAITING, now, lambda job: setattr(job, "priority", priority))

    def edit(self, id_: str, changes: dict[str, object], now: int, *, requeue: bool) -> None:
        job = self._find(id_, set(JobState) - {JobState.PROCESSING})
        retries = changes.get("max_retries", job.max_retries)
        if not requeue and job.state in FINAL and retries != job.max_retries:
            raise No
        if not requeue and job.state in WAITING and not replace(job, **changes).is_sound():  # type: ignore[arg-type]  # of its own fields
            raise No
        # An edit to what a job is already is no change.
        edited = [job] if requeue or any(getattr(job, name) != value for name, value in changes.items()) else []
        with_it = self._begin(edited, now)
        for each in edited:
            for name, value in changes.items():
                setattr(each, name, value)
            if requeue:
                self._fresh(each, now)
        self._end(with_it, edited)

    def take_back(self, number: int | None, now: int) -> int:
        """Undo an action, by default the last one; return the number of restored jobs."""
        possible = [each for each in self.actions if not each.undone and each.at >= now - KEPT_MS]
        if number is not None:
            possible = [each for each in possible if each.id == number]
        if not possible:
            raise No
        action = possible[-1]
        if not action.before:
            raise No
        done = sum(self._put_back(action, seq) for seq in action.before)
        if not done:
            raise No
        action.undone = True
        return done

    def _put_back(self, action: Action, seq: int) -> bool:
        was, then = action.before[seq], action.after.get(seq)
        if then is None:
            if was.id in self.jobs:
                return False
            self.jobs[was.id] = replace(was, cancel_requested=0)
            return True
        job = self.jobs.get(was.id)
        if job is None or job.seq != seq or job.fence != then.fence:
            return False
        old, new, current = was.image(), then.image(), job.image()
        changed = {name for name in old if old[name] != new[name]}
        if any(current[name] != new[name] for name in changed):
            return False
        wanted = {name: old[name] for name in changed}
        if not replace(job, **wanted).is_sound():  # type: ignore[arg-type]  # of its own fields
            return False
        for name, value in wanted.items():
            setattr(job, name, value)
        return True

    def _begin(self, jobs: Sequence[Job], now: int) -> Action | None:
        if not jobs:
            return None
        kept = [job for job in jobs if job.state is not JobState.PROCESSING]
        self.actions = [each for each in self.actions if each.at >= now - KEPT_MS]
        self._action += 1
        kept.sort(key=lambda job: job.seq)
        self.actions.append(Action(self._action, now, {job.seq: replace(job) for job in kept}))
        return self.actions[-1]

    @staticmethod
    def _end(action: Action | None, jobs: Sequence[Job]) -> None:
        if action is not None:
            action.after = {job.seq: replace(job) for job in jobs}

    def _each(
        self,
        ids: Sequence[str],
        states: Iterable[JobState],
        now: int,
        change: Callable[[Job], None],
        done: Iterable[JobState] = (),
    ) -> None:
        jobs = self._all(ids, set(states), done)
        with_it = self._begin(jobs, now)
        for job in jobs:
            change(job)
        self._end(with_it, jobs)

    @staticmethod
    def _fresh(job: Job, now: int) -> None:
        job.state, job.run_at, job.finished_at = JobState.PENDING, now, None
        job.attempts = job.losses = job.cancel_requested = 0

    def _all(self, ids: Sequence[str], states: Iterable[JobState], done: Iterable[JobState] = ()) -> list[Job]:
        """Return the jobs that are in one of `states`; those of `done` need no change."""
        return [job for job in (self._find(id_, {*states, *done}) for id_ in ids) if job.state not in done]

    def _find(self, id_: str, states: Iterable[JobState]) -> Job:
        job = self.jobs.get(id_)
        if job is None or job.state not in states:
            raise No
        return job
