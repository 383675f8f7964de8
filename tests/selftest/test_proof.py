"""The proof finds every way in which the promise can be broken: each is applied to a sound store."""

from __future__ import annotations

import random

import apsw
import pytest

from queuectl.domain.attempt import Outcome, Result
from queuectl.domain.backoff import Backoff
from queuectl.domain.job import NewJob
from queuectl.domain.record import replace
from queuectl.selftest.ledger import Entry
from queuectl.selftest.proof import Found, Proof
from queuectl.selftest.stress_run import Evidence
from queuectl.store.store import Store
from tests.support.queue import Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

QUICK, STEADY, FAILING, NEXT = "0-0-quick", "0-1-steady", "0-2-failing", "0-3-flaky"
AT_ONCE = Backoff(delay=0, base=1, maximum=0, jitter=0)


class Case:
    """A stress run of three jobs, one of which lost its worker once."""

    def __init__(self, queue: Queue) -> None:
        self.store: Store = queue.context.store
        self.path = queue.path
        self.evidence = Evidence(
            acknowledged=(QUICK, STEADY, FAILING),
            asked=frozenset({NEXT}),
            kills={},
            killed_at={"w1": 950},
            accidents=(),
        )
        self.entries = [
            Entry(word=word, job=job, attempt=attempt)
            for job, attempt, words in (
                (QUICK, 1, ("start", "end")),
                (STEADY, 1, ("start", "alive")),
                (STEADY, 2, ("start", "alive", "alive", "end")),
                (FAILING, 1, ("start", "end")),
            )
            for word in words
        ]
        self.enqueue(QUICK)
        self.run("w1", Outcome.SUCCESS, at=900)
        self.enqueue(STEADY)
        self.run("w1", Outcome.LOST, at=1000)
        self.run("w2", Outcome.SUCCESS, at=1100)
        self.enqueue(FAILING)
        self.run("w2", Outcome.EXIT, at=1200)

    def enqueue(self, id_: str) -> None:
        self.store.jobs.enqueue([NewJob(id=id_, command="true")], max_retries=0, now=0)

    def run(self, worker: str, outcome: Outcome, *, at: int) -> None:
        claims = self.store.claims()
        claim = claims.claim(worker, now=at)
        assert claim is not None
        result = Result(outcome=outcome, duration_ms=1, exit_code=0 if outcome is Outcome.SUCCESS else 3)
        claims.finish(claim, worker, result, backoff=AT_ONCE, random=random.Random(1), now=at)

    def sql(self, *statements: str) -> None:
        connection = apsw.Connection(self.path)
        for statement in statements:
            connection.execute(statement).fetchall()
        connection.close()

    def acknowledge(self, *ids: str) -> None:
        self.evidence = replace(self.evidence, acknowledged=(*self.evidence.acknowledged, *ids))

    def testify(self, word: str, job: str, attempt: int) -> None:
        self.entries.append(Entry(word=word, job=job, attempt=attempt))

    def found(self) -> Found:
        return Proof(self.store, self.entries, self.evidence).find(lambda *_: None)


@pytest.fixture
def case(queue: Queue) -> Case:
    return Case(queue)


def test_a_sound_siege_is_proven_and_counted(case: Case):
    found = case.found()

    assert found.violations == ()
    assert found.jobs == {"completed": 2, "dead": 1}
    assert (found.runs, found.recoveries, found.slowest_recovery_ms) == (4, 1, 50)


def never_enqueued(case: Case) -> None:
    case.acknowledge("0-7-quick")


def enqueued_twice(case: Case) -> None:
    case.acknowledge(QUICK)


def lost_by_the_store(case: Case) -> None:
    case.store.jobs.delete([QUICK], now=2000)


def enqueued_without_client(case: Case) -> None:
    case.enqueue("0-9-quick")
    case.run("w2", Outcome.SUCCESS, at=2000)
    case.testify("start", "0-9-quick", 1)
    case.testify("end", "0-9-quick", 1)


def not_final(case: Case) -> None:
    case.store.jobs.retry([QUICK], now=2000)


def ended_as_it_must_not(case: Case) -> None:
    case.enqueue(NEXT)
    case.run("w2", Outcome.EXIT, at=2000)
    case.testify("start", NEXT, 1)
    case.testify("end", NEXT, 1)


def ran_without_a_run(case: Case) -> None:
    case.testify("start", QUICK, 2)


def ended_without_a_start(case: Case) -> None:
    case.testify("end", QUICK, 2)


def recorded_without_its_end(case: Case) -> None:
    case.entries.remove(Entry(word="end", job=STEADY, attempt=2))


def began_twice(case: Case) -> None:
    case.testify("start", QUICK, 1)


def lived_beside_the_next(case: Case) -> None:
    case.testify("alive", STEADY, 1)


def torn(case: Case) -> None:
    case.testify("torn", "st", 0)


def changed_in_the_store(case: Case) -> None:
    case.sql(
        "DROP TRIGGER runs_final",
        "UPDATE runs SET outcome = 'signal' WHERE job = (SELECT seq FROM jobs WHERE id = '0-0-quick')",
    )


def miscounted(case: Case) -> None:
    case.sql("UPDATE counters SET n = n + 1 WHERE state = 'completed'")


def pointing_nowhere(case: Case) -> None:
    case.sql("PRAGMA foreign_keys = OFF", "DELETE FROM jobs WHERE id = '0-0-quick'")


def more_than_the_limit(case: Case) -> None:
    ids = [f"0-{number}-limited" for number in (20, 21, 22)]
    new = [NewJob(id=id_, command="true", queue="limited") for id_ in ids]
    case.store.jobs.enqueue(new, max_retries=0, now=0)
    case.acknowledge(*ids)
    for word in ("start", "end"):
        for id_ in ids:
            case.testify(word, id_, 1)
    for _ in ids:
        case.run("w2", Outcome.SUCCESS, at=2000)


def an_accident(case: Case) -> None:
    case.evidence = replace(case.evidence, accidents=("the pool ended by itself with exit code 1",))


@pytest.mark.parametrize(
    ("sabotage", "job", "sentence"),
    [
        (never_enqueued, "0-7-quick", "was acknowledged, and is not in the store"),
        (enqueued_twice, QUICK, "was acknowledged twice"),
        (lost_by_the_store, QUICK, "was acknowledged, and is not in the store"),
        (enqueued_without_client, "0-9-quick", "is in the store, and was not acknowledged"),
        (not_final, QUICK, "is still pending"),
        (ended_as_it_must_not, NEXT, "is dead (exit), and was meant to end completed"),
        (ran_without_a_run, QUICK, "attempt 2 began, and the store has no record of it"),
        (ended_without_a_start, QUICK, "attempt 2 ended, and never began"),
        (
            recorded_without_its_end,
            STEADY,
            "attempt 2 is recorded as success, and the ledger has no end of it",
        ),
        (began_twice, QUICK, "attempt 1 began twice"),
        (lived_beside_the_next, STEADY, "attempt 1 was alive after attempt 2 had begun"),
        (torn, "st", "a line of the ledger is incomplete"),
        (changed_in_the_store, QUICK, "broken: a completed job's latest run was a success"),
        (miscounted, "default", "broken: the counters equal the rows; processing jobs have none"),
        (pointing_nowhere, "", "1 rows refer to rows that are not there"),
        (more_than_the_limit, "0-22-limited", "attempt 1 began while 2 jobs of its queue ran, whose limit is 2"),
        (an_accident, "", "the pool ended by itself with exit code 1"),
    ],
)
def test_each_broken_promise_is_a_violation(case: Case, sabotage: Callable[[Case], None], job: str, sentence: str):
    sabotage(case)

    assert (job, sentence) in [(each.job, each.sentence) for each in case.found().violations]


def test_a_job_that_was_lost_too_often_may_be_dead(case: Case):
    case.enqueue(NEXT)
    for attempt in (1, 2, 3):
        case.run("w3", Outcome.LOST, at=2000 + attempt)
        case.testify("start", NEXT, attempt)

    found = case.found()

    assert found.violations == ()
    assert found.jobs["dead"] == 2
