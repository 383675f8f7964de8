"""The store agrees with the model for any sequence of actions and any movement of the clock."""

from __future__ import annotations

import dataclasses
import random
import shutil
import tempfile

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from queuectl.config import settings_from
from queuectl.domain.attempt import Outcome, Result
from queuectl.domain.backoff import Backoff
from queuectl.domain.errors import NotFound, Refused, UsageError
from queuectl.domain.job import FINAL, JobState, NewJob
from queuectl.domain.queue_settings import Pause
from queuectl.domain.record import replace
from queuectl.domain.worker import PoolInfo, WorkerInfo
from queuectl.store.sqlite.database import SqliteDatabase
from queuectl.store.store import Store
from tests.properties.model import KEPT_MS, Gate, Job, Model, No

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.store.rows import Claim

BACKOFF = Backoff(delay=0.5, base=2, maximum=20)
IDS = st.sampled_from(["a", "a", "b"])
SEVERAL = st.lists(IDS, min_size=1, max_size=2, unique=True)
QUEUES = st.sampled_from(["default", "mail"])
RETRIES = st.sampled_from([0, 1, 2, 5])
PRIORITIES = st.sampled_from([-1, 0, 5])
NEEDS = st.sampled_from([(), (), ("gpu",), ("big", "gpu")])
LABELS = ("big", "gpu")
OUTCOMES = st.sampled_from([Outcome.EXIT, Outcome.LOST, Outcome.LOST, *Outcome])
CHANGES = st.fixed_dictionaries(
    {"max_retries": RETRIES}, optional={"queue": QUEUES, "priority": PRIORITIES, "needs": NEEDS}
)
VERBS = [
    "cancel",
    "retry",
    "retry",
    "retry",
    "dlq retry",
    "dlq retry --all",
    "dlq purge",
    "delete",
    "hold",
    "release",
    "priority",
]
LISTED = ("seq", "queue", "priority", "max_retries", "run_at", "needs", "state", "attempts", "losses", "fence", "owner")


class Queue(RuleBasedStateMachine):
    """The store and the model, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.mkdtemp(prefix="machine")
        self.store = Store(SqliteDatabase(f"{self.directory}/queue.db", durable=False), actor="tester@here")
        self.now = 1_700_000_000_000
        self.went_back = False
        self.worker, self.workers = "w0", 1
        self.running: list[tuple[Claim, Job, str]] = []
        self.late: list[tuple[Claim, Job, str]] = []
        self.store.workers.add_pool(PoolInfo(id="p", host="here", pid=1, queues=(), size=1), now=self.now)
        self._start_worker()

    def _start_worker(self) -> None:
        info = WorkerInfo(id=self.worker, pool="p", host="here", boot_id="boot", pid=2, pid_start=3)
        self.store.workers.add_worker(info, now=self.now)

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.directory)

    @initialize(retries=RETRIES, own=RETRIES, delay=st.sampled_from([0, 4000]))
    def configure(self, retries: int, own: int, delay: int) -> None:
        self.model = Model(retries, BACKOFF.milliseconds)
        self.store.set_config("max_retries", str(retries), now=self.now)
        # Two jobs from the start: an example without an enqueue would test nothing.
        self.enqueue("a", "default", 0, own, delay, ())
        self.enqueue("b", "mail", 0, None, 0, ("gpu",))

    def both(self, expected: Callable[[], object], done: Callable[[], object], verb: str | None = None) -> None:
        """Do an action on both; the store refuses exactly what the model refuses."""
        try:
            wanted = expected()
        except No:
            wanted = No
        got: object
        try:
            if verb is None:
                got = done()
            else:
                with self.store.undo.keeping(verb, now=self.now):
                    got = done()
        except (NotFound, Refused, UsageError):
            got = No
        assert (got is No) == (wanted is No), f"{verb}: the model says {wanted}, the store {got}"
        if isinstance(wanted, int):
            assert got == wanted

    @rule(seconds=st.sampled_from([1, 5, 60, 300, -1, -30, -3600]))
    def the_clock_moves(self, seconds: int) -> None:
        self.now += seconds * 1000
        self.went_back = self.went_back or seconds < 0

    @rule(retries=RETRIES)
    def change_the_configuration(self, retries: int) -> None:
        self.model.max_retries = retries
        self.store.set_config("max_retries", str(retries), now=self.now)

    @rule(
        id_=IDS,
        queue=QUEUES,
        priority=PRIORITIES,
        retries=st.none() | RETRIES,
        delay=st.sampled_from([None, 0, 4000]),
        needs=NEEDS,
    )
    def enqueue(
        self, id_: str, queue: str, priority: int, retries: int | None, delay: int | None, needs: tuple[str, ...]
    ) -> None:
        new = NewJob(
            command="x", id=id_, queue=queue, priority=priority, max_retries=retries, delay_ms=delay, needs=needs
        )
        configured = settings_from(self.store.config(), {}).max_retries
        self.both(
            lambda: self.model.enqueue(id_, queue, priority, retries, self.now + (delay or 0), needs),
            lambda: self.store.jobs.enqueue([new], max_retries=configured, now=self.now),
        )

    @rule(
        queue=st.sampled_from(["", "default", "mail", "mail"]),
        changes=st.sampled_from(
            [{"paused": True}, {"paused": False}, {"limit": 1}, {"limit": 2}, {"limit": None}, {"weight": 3}]
        ),
    )
    def change_a_queue(self, queue: str, changes: dict[str, int | None]) -> None:
        if not queue and "paused" not in changes:
            return  # all queues together can be paused only
        gate = self.model.gates.setdefault(queue, Gate())
        self.model.gates[queue] = dataclasses.replace(gate, **changes)  # type: ignore[arg-type]  # of its own fields
        words: dict[str, object] = {name: value for name, value in changes.items() if name != "paused"}
        if "paused" in changes:
            words["pause"] = Pause(at=self.now, by="tester@here") if changes["paused"] else None
        self.store.queues.change([queue], lambda of: replace(of, **words), verb="queue_set", now=self.now)

    @rule(
        changes=st.sampled_from([{"limit": 1}, {"limit": 1}, {"limit": 2}, {"weight": 3}, {"paused": True}]),
        others=st.sampled_from(["mail", "default"]),
    )
    def claim_in_a_queue_with_a_gate(self, changes: dict[str, int | None], others: str) -> None:
        self.change_a_queue("mail", changes)
        for id_, queue in (("a", "mail"), ("b", others)):
            self.edit(id_, {"queue": queue, "needs": (), "priority": 0}, requeue=True)
        for _ in range(2):
            self.claim((), ())

    @rule(
        queues=st.sampled_from([(), (), ("default",), ("mail", "default")]),
        labels=st.sampled_from([(), ("gpu",), LABELS, LABELS]),
    )
    def claim(self, queues: tuple[str, ...], labels: tuple[str, ...]) -> None:
        claims = self.store.claims(queues, labels)
        assert claims.left_to_run() == len(self.model.left_to_run(queues, labels))
        wanted = self.model.claim(self.worker, self.now, queues, labels)
        got = claims.claim(self.worker, now=self.now)
        assert (None if got is None else (got.id, got.fence)) == (None if wanted is None else (wanted.id, wanted.fence))
        if got is not None and wanted is not None:
            self.running.append((got, wanted, self.worker))

    @precondition(lambda self: self.model.jobs)
    @rule(ends=st.lists(st.tuples(OUTCOMES, st.booleans()), min_size=1, max_size=5))
    def attempts(self, ends: list[tuple[Outcome, bool]]) -> None:
        """Run due jobs as soon as they are due; some are cancelled while they run."""
        for outcome, cancelled in ends:
            due = self.store.claims((), LABELS).next_due()
            if due is None:
                return
            self.now = max(self.now, due)
            self.claim((), LABELS)
            if cancelled:
                self.act("cancel", [self.running[-1][0].id], 0)
            self.finish(outcome, -1)

    @precondition(lambda self: self.running)
    @rule(outcome=OUTCOMES, which=st.integers(0, 9))
    def finish(self, outcome: Outcome, which: int) -> None:
        attempt = self.running.pop(which % len(self.running))
        self._finish(attempt, outcome)
        self.late.append(attempt)

    @precondition(lambda self: self.late)
    @rule(outcome=OUTCOMES, which=st.integers(0, 9))
    def a_worker_that_was_thought_dead_reports(self, outcome: Outcome, which: int) -> None:
        assert self._finish(self.late[which % len(self.late)], outcome) is None

    @rule()
    def the_worker_dies(self) -> None:
        lost = [attempt for attempt in self.running if attempt[2] == self.worker]
        for attempt in lost:
            self._finish(attempt, Outcome.LOST)
        self.late += lost
        self.running = [attempt for attempt in self.running if attempt not in lost]
        self.store.workers.stop_worker(self.worker, now=self.now, lost=[claim.id for claim, *_ in lost])
        self.worker, self.workers = f"w{self.workers}", self.workers + 1
        self._start_worker()

    def _finish(self, attempt: tuple[Claim, Job, str], outcome: Outcome) -> JobState | None:
        claim, claimed, worker = attempt
        result = Result(outcome=outcome, duration_ms=5, exit_code=1 if outcome is Outcome.EXIT else None)
        wanted = self.model.finish(claimed, worker, outcome, self.now)
        rng = random.Random(1)
        got = self.store.claims().finish(claim, worker, result, backoff=BACKOFF, random=rng, now=self.now)
        assert got is wanted
        return got

    @rule(verb=st.sampled_from(VERBS), ids=SEVERAL, number=RETRIES)
    def act(self, verb: str, ids: list[str], number: int) -> None:
        """An operator's action on named jobs."""
        model, jobs, edits, now = self.model, self.store.jobs, self.store.edits, self.now
        dead = [job.id for job in model.jobs.values() if job.state is JobState.DEAD]
        expected, done = {
            "cancel": (lambda: model.cancel(ids, now), lambda: jobs.cancel(*ids, signal=15, now=now)),
            "retry": (lambda: model.retry(ids, now), lambda: jobs.retry(ids, now=now)),
            "dlq retry": (
                lambda: model.retry(ids, now, {JobState.DEAD}),
                lambda: jobs.retry(ids, now=now, dead_only=True),
            ),
            "dlq retry --all": (lambda: model.revive(now), lambda: list(jobs.revive(now=now))),
            "dlq purge": (lambda: model.delete(dead, now), lambda: self._purge(dead)),
            "delete": (lambda: model.delete(ids, now), lambda: jobs.delete(ids, now=now)),
            "hold": (lambda: model.hold(ids, now), lambda: edits.hold(ids, now=now)),
            "release": (lambda: model.release(ids, now), lambda: edits.release(ids, now=now)),
            "priority": (
                lambda: model.prioritise(ids, number, now),
                lambda: edits.prioritise(ids, number, now=now),
            ),
        }[verb]
        self.both(expected, done, verb)

    def _purge(self, dead: list[str]) -> None:
        signatures = {self.store.jobs.get(id_).job.signature for id_ in dead}
        assert sum(self.store.dlq.purge(each, now=self.now) for each in signatures) == len(dead)

    @rule(state=st.sampled_from(sorted(FINAL)), seconds=st.sampled_from([-5, 0, 3, 60]))
    def prune(self, state: JobState, seconds: int) -> None:
        before = self.now - seconds * 1000
        assert self.store.jobs.prune(state, before=before, now=self.now) == self.model.prune(state, before)

    @rule(id_=IDS, changes=CHANGES, requeue=st.sampled_from([False, False, True]))
    def edit(self, id_: str, changes: dict[str, object], requeue: bool) -> None:
        self.both(
            lambda: self.model.edit(id_, changes, self.now, requeue=requeue),
            lambda: self.store.edits.edit(id_, changes, requeue=requeue, now=self.now),
            "edit",
        )

    @rule()
    def undo(self) -> None:
        self._take_back(None)

    @precondition(lambda self: len(self.model.actions) > 1)
    @rule(which=st.integers(1, 9))
    def undo_an_earlier_action(self, which: int) -> None:
        ids = [each.id for each in self.store.undo.list(now=self.now)]
        kept = [each for each in self.model.actions if each.before and each.at >= self.now - KEPT_MS]
        wanted = [each.id for each in kept if not each.undone]
        assert len(ids) == len(wanted)
        if ids:
            # Numbers may be reused after a rollback, so actions are matched by position.
            place = which % len(ids)
            self._take_back((ids[place], wanted[-1 - place]))

    @rule(verb=st.sampled_from(["retry", "hold", "cancel"]), id_=IDS, changes=CHANGES)
    def undo_what_was_done_before_an_edit(self, verb: str, id_: str, changes: dict[str, object]) -> None:
        self.act(verb, [id_], 0)
        self.edit(id_, changes, requeue=False)
        self.undo_an_earlier_action(1)

    def _take_back(self, number: tuple[int, int] | None) -> None:
        theirs, ours = number or (None, None)
        self.both(
            lambda: self.model.take_back(ours, self.now),
            lambda: len(self.store.undo.take_back(theirs, now=self.now).jobs),
        )

    @invariant()
    def jobs_are_as_the_model_has_them(self) -> None:
        if not hasattr(self, "model"):
            return
        stored = {each.job.id: each.job for each in self.store.jobs.listing(limit=0)}
        assert {id_: [getattr(job, name) for name in LISTED] for id_, job in stored.items()} == {
            id_: [getattr(job, name) for name in LISTED] for id_, job in self.model.jobs.items()
        }
        for id_, job in self.model.jobs.items():
            assert stored[id_].finished_at == job.finished_at
            if job.state is JobState.PROCESSING:
                assert stored[id_].cancel_requested == job.cancel_requested

    @invariant()
    def counters_are_the_number_of_jobs(self) -> None:
        if not hasattr(self, "model"):
            return
        counted: dict[tuple[str, str], int] = {}
        for job in self.model.jobs.values():
            counted[job.queue, job.state] = counted.get((job.queue, job.state), 0) + 1
        assert {(queue, state): n for queue, state, n in self.store.counts() if n} == counted

    @invariant()
    def every_promise_of_the_store_holds(self) -> None:
        # A clock that was set back looks like two runs at once.
        spared = {"overlap"} if self.went_back else set()
        broken = {each.name: each.broken for each in self.store.invariants() if each.broken}
        assert not {name: jobs for name, jobs in broken.items() if name not in spared}


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=200, stateful_step_count=40)
