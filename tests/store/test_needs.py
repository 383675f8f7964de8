"""Jobs that need labels: which workers claim them, in which order, and which never do."""

from __future__ import annotations

import json
import multiprocessing
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queuectl.domain.attempt import Outcome, Result
from queuectl.domain.filter import Filter
from queuectl.domain.job import JobState, NewJob
from queuectl.domain.spec import MAX_NEEDS, check_needs
from queuectl.domain.worker import PoolInfo
from queuectl.store.job_pages import Sort
from queuectl.store.queries import load
from tests.support.store_driver import ON_SQLITE, START, Stage, finish_and_claim, steps_of
from tests.support.waiting import PATIENCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.store.conftest import OpenStore

LABELS = ("big", "gpu", "slow")


def job(
    id_: str,
    *needs: str,
    queue: str = "default",
    priority: int = 0,
    delay_ms: int | None = None,
) -> NewJob:
    return NewJob(command="true", id=id_, needs=needs, queue=queue, priority=priority, delay_ms=delay_ms)


def take_all(stage: Stage, labels: Sequence[str], queues: Sequence[str] = ()) -> list[str]:
    """Return the ids that a worker with `labels` claims in turn; each attempt succeeds."""
    claims = stage.store.claims(queues, labels)
    taken = []
    while claim := claims.claim("w", now=stage.now):
        taken.append(claim.id)
        stage.finish(claim)
    return taken


def test_a_job_that_needs_a_label_is_claimed_by_no_worker_without_it(stage: Stage):
    stage.enqueue(job("train", "gpu"), job("plain"))

    assert take_all(stage, ()) == ["plain"]
    assert take_all(stage, ("big",)) == []
    assert take_all(stage, (), ["default"]) == []
    assert stage.store.jobs.state("train") is JobState.PENDING
    assert take_all(stage, ("gpu",)) == ["train"]


def test_a_worker_must_have_all_labels_that_a_job_needs_and_may_have_more(stage: Stage):
    stage.enqueue(job("both", "big", "gpu"), job("one", "gpu"))

    assert take_all(stage, ("gpu",)) == ["one"]
    assert take_all(stage, ("big",)) == []
    assert take_all(stage, ("slow", "gpu", "big")) == ["both"]


def test_a_label_is_a_whole_word(stage: Stage):
    stage.enqueue(job("a", "gpu2"), job("b", "gp"), job("c", "GPU"))

    assert take_all(stage, ("gpu",)) == []
    assert take_all(stage, ("GPU", "gp", "gpu2")) == ["a", "b", "c"]


def test_the_longest_needs_in_a_queue_of_the_longest_name_fit_into_the_index(stage: Stage):
    # Wide letters in random order, which cannot be compressed.
    rng = random.Random(7)
    letters = "".join(chr(rng.randrange(0x20000, 0x2A000)) for _ in range(600))
    needs = check_needs([letters[:200], letters[200:399]])

    stage.enqueue(job("long", *needs, queue=letters[400:]))

    assert len(" ".join(needs)) == MAX_NEEDS
    assert stage.store.jobs.get("long").job.needs == needs
    assert take_all(stage, needs, [letters[400:]]) == ["long"]


def test_of_all_that_it_may_run_a_worker_takes_the_most_urgent_then_what_has_been_due_longest(stage: Stage):
    stage.enqueue(job("plain", priority=1), job("other", "big", priority=9), job("low", "gpu"))
    stage.now += 1000
    stage.enqueue(job("later plain", priority=1), job("high", "gpu", priority=2), job("gpu 1", "gpu", priority=1))
    stage.enqueue(job("plain low"))

    assert take_all(stage, ("gpu",)) == ["high", "plain", "later plain", "gpu 1", "low", "plain low"]
    assert take_all(stage, ("big",)) == ["other"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    jobs=st.lists(
        st.tuples(
            st.sets(st.sampled_from(LABELS)), st.sampled_from(["one", "two"]), st.integers(-1, 1), st.integers(0, 2)
        ),
        min_size=1,
        max_size=12,
    ),
    labels=st.sets(st.sampled_from(LABELS)),
    queues=st.sets(st.sampled_from(["one", "two"])),
)
def test_a_worker_claims_just_what_it_can_serve_in_the_order_of_urgency(
    stage: Stage, jobs: list[tuple[set[str], str, int, int]], labels: set[str], queues: set[str]
):
    ids = stage.enqueue(
        *(
            NewJob(command="true", needs=tuple(sorted(needs)), queue=queue, priority=priority, run_at=START + due)
            for needs, queue, priority, due in jobs
        )
    )
    stage.now = START + 1
    servable = [
        (-priority, START + due, int(id_), id_)
        for id_, (needs, queue, priority, due) in zip(ids, jobs, strict=True)
        if needs <= labels and (not queues or queue in queues)
    ]
    claims = stage.store.claims(sorted(queues), sorted(labels))

    assert claims.next_due() == min((due for _, due, *_ in servable), default=None)
    assert claims.left_to_run() == len(servable)
    assert take_all(stage, sorted(labels), sorted(queues)) == [
        id_ for _, due, _, id_ in sorted(servable) if due <= stage.now
    ]
    for id_ in ids:
        if stage.store.jobs.state(id_) is JobState.PENDING:
            stage.store.jobs.cancel(id_, signal=15, now=stage.now)


def test_the_next_job_is_taken_with_the_result_of_the_last_one(stage: Stage):
    stage.enqueue(job("first", "gpu"), job("second", "gpu"), job("not ours", "big", priority=5))
    claims = stage.store.claims((), ("gpu",))
    claim = claims.claim("w", now=stage.now)
    assert claim is not None

    state, following = finish_and_claim(
        claims,
        claim,
        "w",
        Result(outcome=Outcome.SUCCESS, duration_ms=1, exit_code=0),
        now=stage.now,
    )

    assert state is JobState.COMPLETED
    assert following is not None
    assert following.id == "second"
    stage.finish(following)


def test_a_retry_a_loss_and_a_retry_by_hand_keep_what_a_job_needs(stage: Stage):
    stage.enqueue(job("train", "big", "gpu"), max_retries=0)
    claims = stage.store.claims((), LABELS)
    for outcome in (Outcome.LOST, Outcome.EXIT):
        claim = claims.claim("w", now=stage.now)
        assert claim is not None
        stage.finish(claim, outcome)

    assert stage.store.jobs.state("train") is JobState.DEAD
    stage.store.jobs.retry(["train"], now=stage.now)

    assert stage.store.jobs.get("train").job.needs == ("big", "gpu")
    assert take_all(stage, ()) == []
    assert take_all(stage, LABELS) == ["train"]


def test_what_a_job_needs_is_edited_and_the_edit_is_undone(stage: Stage):
    stage.enqueue(job("train", "gpu"))
    with stage.store.undo.keeping("edit", now=stage.now) as kept:
        stage.store.edits.edit("train", {"needs": ("big", "slow")}, requeue=False, now=stage.now)
    assert stage.store.jobs.get("train").job.needs == ("big", "slow")
    assert take_all(stage, ("gpu",)) == []

    stage.store.undo.take_back(kept.id, now=stage.now)

    assert stage.store.jobs.get("train").job.needs == ("gpu",)
    stage.store.edits.edit("train", {"needs": ()}, requeue=False, now=stage.now)
    assert stage.store.jobs.get("train").job.needs == ()
    assert take_all(stage, ()) == ["train"]


def test_a_deleted_job_comes_back_with_what_it_needs(stage: Stage):
    stage.enqueue(job("train", "gpu"))
    assert take_all(stage, ("gpu",)) == ["train"]
    with stage.store.undo.keeping("delete", now=stage.now) as kept:
        stage.store.jobs.delete(["train"], now=stage.now)

    stage.store.undo.take_back(kept.id, now=stage.now)

    assert stage.store.jobs.get("train").job.needs == ("gpu",)


def test_a_deletion_from_before_jobs_had_needs_is_undone_all_the_same(stage: Stage):
    stage.enqueue("old")
    stage.run()
    with stage.store.undo.keeping("delete", now=stage.now) as kept:
        stage.store.jobs.delete(["old"], now=stage.now)
    ((image,),) = stage.store.database.query("SELECT before FROM undo_jobs")
    without = {name: value for name, value in json.loads(image).items() if name != "needs"}
    with stage.store.database.transaction():
        stage.store.database.query(f"UPDATE undo_jobs SET before = '{json.dumps(without)}'")

    stage.store.undo.take_back(kept.id, now=stage.now)

    assert stage.store.jobs.get("old").job.needs == ()


def test_what_is_left_to_run_leaves_out_what_needs_another_worker_whether_it_waits_or_runs(stage: Stage):
    stage.enqueue(job("a", "gpu"), job("b", "gpu", queue="mail"), job("c", "big"), job("later", delay_ms=60_000))
    stage.enqueue(job("held", "gpu"))
    stage.store.edits.hold(["held"], now=stage.now)
    running = stage.store.claims((), ("gpu",)).claim("w", now=stage.now)
    assert running is not None
    assert running.id == "a"

    def left(*labels: str, queues: Sequence[str] = ()) -> int:
        return stage.store.claims(queues, labels).left_to_run()

    assert (left(), left("gpu"), left("big"), left("big", "gpu")) == (1, 3, 2, 4)
    assert (left(queues=["mail"]), left("gpu", queues=["mail"]), left("gpu", queues=["default"])) == (0, 1, 2)
    stage.finish(running, Outcome.EXIT)
    assert (left(), left("gpu")) == (1, 3), "its retry is left"


def test_the_next_due_time_of_the_store_counts_every_job(stage: Stage):
    stage.enqueue(job("plain", delay_ms=2000), job("train", "gpu", delay_ms=1000))

    assert stage.store.jobs.next_due() == START + 1000
    assert stage.store.claims().next_due() == START + 2000
    assert stage.store.claims((), ("gpu",)).next_due() == START + 1000
    assert stage.store.claims((), ("big",)).next_due() == START + 2000


def test_what_runs_next_shows_jobs_that_need_labels_among_the_others(stage: Stage):
    stage.enqueue(job("a", priority=1), job("b", "gpu", priority=2), job("c", "big", queue="mail"), job("d"))
    stage.enqueue(job("e", "gpu", priority=2, delay_ms=1))

    def shown(chosen: Filter) -> list[str]:
        return [row.id for row in stage.store.job_pages.best(chosen, Sort.NEXT_RUN)]

    assert shown(Filter()) == ["b", "a", "c", "d", "e"]
    assert shown(Filter(queues=("mail",))) == ["c"]
    assert shown(Filter(text="e")) == ["b", "a", "c", "d", "e"], "the command is true"
    assert shown(Filter(id="e")) == ["e"]
    assert shown(Filter(states=(JobState.FAILED,))) == []


@pytest.mark.parametrize("needs", [(), ("gpu",)], ids=["plain", "needing"])
def test_failed_jobs_are_shown_that_run_after_more_pending_ones_than_are_read(
    stage: Stage, needs: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("queuectl.store.job_pages.BEST", 2)
    stage.enqueue(job("failed", *needs))
    claim = stage.store.claims((), needs).claim("w", now=stage.now)
    assert claim is not None
    stage.finish(claim, Outcome.EXIT)
    stage.enqueue(*(job(f"pending {number}", *needs) for number in range(3)))

    assert [row.id for row in stage.store.job_pages.best(Filter(states=(JobState.FAILED,)), Sort.NEXT_RUN)] == [
        "failed"
    ]


def test_jobs_ahead_are_those_that_the_worker_takes_first(stage: Stage):
    stage.enqueue(job("plain"), job("gpu", "gpu"), job("big", "big"), job("mail", "gpu", queue="mail"))
    stage.enqueue(job("high", "gpu", priority=1), job("me", "gpu"))
    me = stage.store.jobs.get("me").job

    def ahead(*labels: str, within_queue: bool = False, limit: int = 100) -> int:
        return stage.store.jobs.ahead(me, now=stage.now, limit=limit, within_queue=within_queue, labels=labels)

    assert (ahead(), ahead("gpu"), ahead("gpu", "big")) == (1, 4, 5)
    assert ahead("gpu", within_queue=True) == 3
    assert ahead("gpu", limit=2) == 2


def test_a_pool_is_written_down_with_the_labels_of_its_workers(stage: Stage):
    pool = PoolInfo(id="p", host="here", pid=2, queues=("a",), labels=("gpu", "é"), size=1)
    stage.store.workers.add_pool(pool, now=stage.now)

    assert {each.id: each.labels for each in stage.store.workers.running_pools()} == {"pool": (), "p": ("gpu", "é")}


def claim_all(open_store: OpenStore, worker: str, labels: tuple[str, ...], start, results) -> None:
    stage = Stage.__new__(Stage)
    stage.store, stage.now = open_store(), START
    stage.add(worker)
    start.wait()
    claims = stage.store.claims((), labels)
    mine = []
    while claims.left_to_run():
        claim = claims.claim(worker, now=stage.now)
        if claim is not None:
            mine.append(claim.id)
            stage.finish(claim, worker=worker)
    stage.store.close()
    results.put((labels, mine))


def test_processes_with_different_labels_share_no_job_and_leave_none_that_they_can_serve(open_store: OpenStore):
    context = multiprocessing.get_context("fork")
    start, results = context.Event(), context.Queue()
    labels = [(), (), ("gpu",), ("gpu",), ("big", "gpu"), ("big",)]
    # No connection crosses the fork: the store is opened and closed before.
    store = open_store()
    wanted: dict[str, tuple[str, ...]] = {}
    for number in range(240):
        wanted[f"job{number}"] = ((), ("gpu",), ("big", "gpu"), ("big",))[number % 4]
    Stage(store, "w").enqueue(*(job(id_, *needs, priority=len(needs)) for id_, needs in wanted.items()))
    store.close()
    processes = [
        context.Process(target=claim_all, args=(open_store, f"w{number}", each, start, results))
        for number, each in enumerate(labels)
    ]
    for process in processes:
        process.start()
    start.set()
    claimed = [results.get(timeout=PATIENCE) for _ in processes]
    for process in processes:
        process.join()

    assert sorted(id_ for _, mine in claimed for id_ in mine) == sorted(wanted)
    for has, mine in claimed:
        assert all(set(has).issuperset(wanted[id_]) for id_ in mine)
    store = open_store()
    stage = Stage.__new__(Stage)
    stage.store = store
    assert stage.counts() == {"completed": 240}
    stage.check()
    store.close()


@ON_SQLITE
@pytest.mark.parametrize("name", ["next_due", "next_due_in_queue", "ready_priorities", "heads_needing"])
def test_a_query_for_ready_jobs_reads_only_an_index(stage: Stage, name: str):
    connection = stage.store.database._connection  # type: ignore[attr-defined]  # SQLite's
    ((root,),) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'jobs'").fetchall()
    code = connection.execute("EXPLAIN " + load("sqlite")[name], {"queue": "q", "limit": 1}).fetchall()

    rows = {cursor for _, opcode, cursor, page, *_ in code if opcode == "OpenRead" and page == root}
    looked_up = [opcode for _, opcode, cursor, *_ in code if cursor in rows and opcode in {"Column", "SeekRowid"}]

    assert rows
    assert not looked_up


@ON_SQLITE
def test_the_steps_of_a_claim_do_not_depend_on_jobs_that_wait_for_a_label(stage: Stage):
    """Steps of SQLite's virtual machine, which do not depend on the load."""
    stage.enqueue(job("plain"), job("train", "gpu"), job("other", "big", priority=9))
    before = {name: steps_of_statement(stage, name) for name in LOOKS}

    stage.enqueue(*(job(f"g{n}", "gpu") for n in range(1000)), *(job(f"b{n}", "big", priority=9) for n in range(1000)))

    assert {name: steps_of_statement(stage, name) for name in LOOKS} == before
    assert take_all(stage, ()) == ["plain"]


LOOKS = ("due_job", "due_job_in_queue", "due_job_needing", "next_due", "next_due_in_queue", "heads_needing", "ahead")


def steps_of_statement(stage: Stage, name: str) -> int:
    place = {"priority": 0, "run_at": START, "seq": 9999, "limit": 5}
    rows = stage.store.database.rows
    return steps_of(stage.store, lambda: rows(name, queue="default", needs="gpu", now=stage.now, **place))
