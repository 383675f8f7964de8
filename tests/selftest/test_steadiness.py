"""The judgement of a soak finds every irregularity: each is applied to sound records."""

from __future__ import annotations

import pytest

from queuectl.domain.attempt import Attempt, Outcome
from queuectl.domain.event import Event
from queuectl.domain.job import Job
from queuectl.domain.record import replace
from queuectl.domain.worker import WorkerLife
from queuectl.selftest.days import Observed, PoolRun
from queuectl.selftest.records import Records
from queuectl.selftest.soak import kind_of
from queuectl.selftest.steadiness import Steadiness, Steady
from queuectl.selftest.watch import Rest, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MIB = 1024 * 1024
QUICK, FLAKY, LATER = "0-short", "1-flaky", "2-delayed"
BEGAN, ENDED = 1_000_000, 1_060_000


class Case:
    """A pool of two workers that has run three jobs in a minute, and a pool that has drained."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.runs: dict[tuple[str, int], Attempt] = {}
        self.lives = [life("w1"), life("w2"), life("d1", pool="p2", queues=("mail",))]
        self.events = [event("pool_stopped", pool, actor=pool) for pool in ("p1", "p2")]
        self.log = [
            "12:00:00.000 p1 pool started: 2 workers, pid 7",
            "12:00:01.000 w1 job 1-flaky failed after 10ms: exit code 1",
            "12:00:50.000 p2 pool started: 1 worker, pid 8",
            "12:00:51.000 p2 pool stopped",
            "0 completed, 0 failed attempts",
            "12:01:00.000 p1 stopping: waiting for 2 workers (to end their jobs now: …)",
            "12:01:00.500 p1 pool stopped",
        ]
        self.observed = Observed(
            acknowledged=(),
            pools=(PoolRun(id="p1", workers=2, code=0),),
            drains=(0,),
            orders=3,
            phases={},
            rests=(rest(BEGAN + 5000), rest(ENDED - 5000)),
            silences={"w1": (BEGAN, BEGAN + 1000)},
            starved=(),
            longest_log=10 * MIB,
            accidents=(),
        )
        self.run(QUICK, "w1", at=BEGAN + 1000)
        self.run(FLAKY, "w1", at=BEGAN + 1100, outcome=Outcome.EXIT)
        self.run(FLAKY, "w2", at=BEGAN + 1300, number=2)
        self.run(LATER, "w2", at=BEGAN + 3000)

    def run(
        self, id_: str, worker: str, *, at: int, number: int = 1, outcome: Outcome = Outcome.SUCCESS, waited: int = 5
    ) -> None:
        """Add an attempt that began at some moment, after so many milliseconds of waiting, and took 50."""
        kind = kind_of(id_)
        assert kind is not None
        self.jobs.setdefault(id_, job(id_, created_at=at - waited - kind.delay_ms))
        self.runs[id_, number] = Attempt(
            attempt=number,
            worker=worker,
            started_at=at,
            ended_at=at + 50,
            duration_ms=50,
            outcome=outcome,
            exit_code=None,
            signal=None,
            error=None,
        )

    def see(self, **changes: Any) -> None:
        self.observed = replace(self.observed, **changes)

    def starve(self, start: int, end: int) -> None:
        self.see(starved=((start, end),))

    def found(self) -> Steady:
        records = Records(
            jobs=self.jobs,
            runs=self.runs,
            lives=self.lives,
            events=self.events,
            log=self.log,
            next_look_ms=1000,
            ended_at=ENDED,
        )
        return Steadiness(records, self.observed).find()

    def violations(self) -> list[tuple[str, str]]:
        return [(each.job, each.sentence) for each in self.found().violations]


def job(id_: str, *, created_at: int, queue: str = "default") -> Job:
    return Job(
        seq=int(id_.partition("-")[0]) + 1,
        id=id_,
        command="true",
        queue=queue,
        state=kind_of(id_).ends,  # type: ignore[union-attr]  # it has a kind
        priority=0,
        attempts=1,
        max_retries=3,
        losses=0,
        timeout_ms=None,
        run_at=created_at,
        created_at=created_at,
        updated_at=created_at,
        finished_at=created_at,
        fence=1,
        owner=None,
        cancel_requested=0,
        cwd=None,
        env=(),
        tags=(),
    )


def life(id_: str, *, pool: str = "p1", queues: tuple[str, ...] = (), until: int | None = ENDED) -> WorkerLife:
    return WorkerLife(id=id_, pool=pool, queues=queues, started_at=BEGAN, stopped_at=until)


def event(verb: str, subject: str, *, actor: str = "p1", at: int = ENDED) -> Event:
    return Event(seq=1, at=at, actor=actor, verb=verb, subject=subject, detail=None, command=None)


def rest(at: int, *, descriptors: int | None = 12, memory: int | None = 9 * MIB, **changes: Any) -> Rest:
    usage = Usage(descriptors=descriptors, memory=memory)
    names = ("supervisor 7", "steward 8", "worker w1", "worker w2")
    made = Rest(at=at, processes=dict.fromkeys(names, usage), files=20, clients=4)
    return replace(made, **changes)


@pytest.fixture
def case() -> Case:
    return Case()


def test_ordinary_days_are_proven(case: Case):
    found = case.found()

    assert found.violations == ()
    assert (found.longest_wait_ms, found.longest_silence_ms, found.excused) == (0, 1000, 0)
    assert found.growth == {"descriptors": 0, "memory": 0, "files": 0, "connections": 0}


def lost(case: Case) -> None:
    case.run(QUICK, "w1", at=BEGAN + 1000, outcome=Outcome.LOST)
    case.run(QUICK, "w2", at=BEGAN + 9000, number=2)


def released(case: Case) -> None:
    case.run(QUICK, "w1", at=BEGAN + 1000, outcome=Outcome.RELEASED)
    case.run(QUICK, "w2", at=BEGAN + 1200, number=2)


def tried_too_often(case: Case) -> None:
    case.run(QUICK, "w1", at=BEGAN + 1000, outcome=Outcome.EXIT)
    case.run(QUICK, "w2", at=BEGAN + 1200, number=2)
    case.log.append("12:00:01.000 w1 job 0-short failed after 50ms: exit code 1")


def died(case: Case) -> None:
    case.events.append(event("worker_died", "w1", at=BEGAN + 30_000))


def never_stopped(case: Case) -> None:
    case.lives[0] = life("w1", until=None)


def silent(case: Case) -> None:
    case.see(silences={"w1": (BEGAN, BEGAN + 2600)})


def replaced(case: Case) -> None:
    case.lives.append(life("w3"))


def another_pool(case: Case) -> None:
    case.lives.append(life("x1", pool="p3"))
    case.events.append(event("pool_stopped", "p3", actor="p3"))


def ended_badly(case: Case) -> None:
    case.see(pools=(PoolRun(id="p1", workers=2, code=70),))


def never_ended(case: Case) -> None:
    case.see(pools=(PoolRun(id="p1", workers=2, code=None),))


def drained_badly(case: Case) -> None:
    case.see(drains=(1,))


def written_off(case: Case) -> None:
    case.events[0] = event("pool_stopped", "p1", actor="p2")


def end_not_recorded(case: Case) -> None:
    del case.events[0]


def late(case: Case) -> None:
    case.run("5-short", "w1", at=BEGAN + 20_000, waited=4600)


def late_after_its_delay(case: Case) -> None:
    case.run("5-delayed", "w1", at=BEGAN + 20_000, waited=4600)


def late_again(case: Case) -> None:
    case.run("5-flaky", "w1", at=BEGAN + 15_000, outcome=Outcome.EXIT)
    case.run("5-flaky", "w1", at=BEGAN + 20_000, number=2)
    case.log.append("12:00:15.000 w1 job 5-flaky failed after 50ms: exit code 1")


def killed_in_the_log(case: Case) -> None:
    case.log.append("12:00:30.000 p1 killed worker w1 (pid 9): no sign of life for 5 s")


def unknown_in_the_log(case: Case) -> None:
    case.log.append("Traceback (most recent call last):")


def a_failure_that_is_none(case: Case) -> None:
    case.log.append("12:00:01.000 w1 job 0-short failed after 10ms: exit code 1")


def trouble_in_the_log(case: Case) -> None:
    case.log.append("12:00:30.000 w1 waiting for the store: no space left")


def a_long_log(case: Case) -> None:
    case.log += ["12:00:30.000 p1 scaled from 2 to 3 workers"] * 5


def descriptors(case: Case) -> None:
    case.see(rests=(rest(BEGAN), rest(BEGAN + 9000), rest(ENDED, descriptors=15)))


def memory(case: Case) -> None:
    case.see(rests=(rest(BEGAN), rest(ENDED, memory=18 * MIB)))


def files(case: Case) -> None:
    case.see(rests=(rest(BEGAN), rest(ENDED, files=29)))


def connections(case: Case) -> None:
    case.see(rests=(rest(BEGAN), rest(ENDED, clients=7)))


def a_long_write_ahead_log(case: Case) -> None:
    case.see(longest_log=49 * MIB)


@pytest.mark.parametrize(
    ("sabotage", "name", "sentence"),
    [
        (lost, QUICK, "attempt 1 was lost: w1"),
        (released, QUICK, "attempt 1 was released: w1"),
        (tried_too_often, QUICK, "its attempts ended as exit, success, and should end as success"),
        (died, "", "worker w1 died or was written off"),
        (never_stopped, "", "worker w1 is not recorded as stopped"),
        (silent, "", "worker w1 showed no sign of life for 2.6 s"),
        (replaced, "", "pool p1 has started 3 workers, and was ordered to start 2"),
        (another_pool, "", "2 other pools have run, and 1 were started"),
        (ended_badly, "", "pool p1 ended with exit code 70"),
        (never_ended, "", "pool p1 ended with exit code None"),
        (drained_badly, "", "a pool that drains ended with exit code 1"),
        (written_off, "", "pool p1 was written off by p2"),
        (end_not_recorded, "", "the end of pool p1 is not recorded"),
        (late, "5-short", "was due for 4.6 s while worker w1 was idle"),
        (late_after_its_delay, "5-delayed", "was due for 4.6 s while worker w1 was idle"),
        (late_again, "5-flaky", "was due for 4.8 s while worker w2 was idle"),
        (
            killed_in_the_log,
            "",
            "unexpected line in the log: 12:00:30.000 p1 killed worker w1 (pid 9): no sign of life for 5 s",
        ),
        (unknown_in_the_log, "", "unexpected line in the log: Traceback (most recent call last):"),
        (
            a_failure_that_is_none,
            "",
            "unexpected line in the log: 12:00:01.000 w1 job 0-short failed after 10ms: exit code 1",
        ),
        (trouble_in_the_log, "", "unexpected line in the log: 12:00:30.000 w1 waiting for the store: no space left"),
        (a_long_log, "", "the log has 11 lines about 3 orders"),
        (descriptors, "", "worker w1 holds 3 more descriptors at its last rest than at its first"),
        (memory, "", "steward 8 holds 9.0 MiB more memory at its last rest than at its first"),
        (files, "", "there are 9 more files in the run directory at rest than at first"),
        (connections, "", "there are 3 more connections to the server at rest than at first"),
        (a_long_write_ahead_log, "", "the write-ahead log has grown to 49 MiB"),
    ],
)
def test_each_irregularity_is_a_violation(case: Case, sabotage: Callable[[Case], None], name: str, sentence: str):
    sabotage(case)

    assert (name, sentence) in case.violations()


def test_a_job_that_waits_for_a_busy_worker_is_not_late(case: Case):
    case.lives = [life("w1"), life("d1", pool="p2", queues=("mail",))]
    case.see(pools=(PoolRun(id="p1", workers=1, code=0),))
    case.run("5-long", "w1", at=BEGAN + 10_000)
    case.runs["5-long", 1] = replace(case.runs["5-long", 1], ended_at=BEGAN + 20_000)
    case.run("6-short", "w1", at=BEGAN + 20_005, waited=9000)

    assert case.violations() == []
    assert case.found().longest_wait_ms == 0


def test_an_idle_worker_of_another_queue_makes_no_job_late(case: Case):
    case.lives = [life("w1"), life("d1", pool="p2", queues=("mail",))]
    case.see(pools=(PoolRun(id="p1", workers=1, code=0),))
    case.run("5-long", "w1", at=BEGAN + 10_000)
    case.runs["5-long", 1] = replace(case.runs["5-long", 1], ended_at=BEGAN + 20_000)
    case.run("6-short", "w1", at=BEGAN + 20_005, waited=9000)
    case.jobs["6-short"] = replace(case.jobs["6-short"], queue="mail")

    assert case.violations() == [("6-short", "was due for 9.0 s while worker d1 was idle")]


def test_many_short_pauses_of_busy_workers_are_no_idleness(case: Case):
    for number in range(100):
        case.run(f"{number + 10}-short", "w1", at=BEGAN + 5000 + number * 100)
        case.run(f"{number + 200}-short", "w2", at=BEGAN + 5000 + number * 100)
    case.run("9-short", "w1", at=BEGAN + 15_000, waited=9900)

    assert case.violations() == []


def test_a_starved_machine_makes_no_job_late(case: Case):
    late(case)
    case.starve(BEGAN + 16_000, BEGAN + 17_000)

    assert case.violations() == []


def test_a_starved_machine_makes_no_worker_silent(case: Case):
    silent(case)
    case.starve(BEGAN, BEGAN + 200)

    assert case.violations() == []


def test_a_worker_that_was_killed_while_the_machine_was_starved_is_excused(case: Case):
    lost(case)
    died(case)
    replaced(case)
    case.log += [
        "12:00:30.000 p1 killed worker w1 (pid 9): no sign of life for 5 s",
        "12:00:30.100 p1 reaped worker w1: put back job 0-short",
    ]
    case.starve(BEGAN + 26_000, BEGAN + 29_000)

    found = case.found()

    assert found.violations == ()
    assert found.excused == 1


def test_a_worker_that_was_killed_when_the_machine_had_time_again_is_not_excused(case: Case):
    died(case)
    case.starve(BEGAN, BEGAN + 20_000)

    assert case.violations() == [("", "worker w1 died or was written off")]


def test_resources_that_cannot_be_measured_are_no_leaks(case: Case):
    case.see(rests=tuple(rest(at, descriptors=None, memory=None, clients=None) for at in (BEGAN, ENDED)), longest_log=0)

    found = case.found()

    assert found.violations == ()
    assert found.growth == {"descriptors": None, "memory": None, "files": 0, "connections": None}


def test_processes_that_were_seen_once_have_not_grown(case: Case):
    young = {"worker w9": Usage(descriptors=99, memory=99 * MIB)}
    case.see(rests=(rest(BEGAN), rest(ENDED, processes=young)))

    assert case.violations() == []
