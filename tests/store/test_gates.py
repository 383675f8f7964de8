"""Queues that are paused, limited or weighted: what a claim takes beside them, on both stores."""

from __future__ import annotations

import random

import pytest

from queuectl.domain.job import NewJob
from queuectl.domain.queue_settings import ALL, Pause
from queuectl.domain.record import replace
from queuectl.domain.worker import queue_of_job
from queuectl.store import due_jobs
from tests.support.store_driver import BACKOFF, ON_SQLITE, Stage, steps_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.store.store import Store


def set_queue(store: Store, name: str, **changes: object) -> None:
    store.queues.change([name], lambda of: replace(of, **changes), verb="queue_set", now=1)


def pause(store: Store, *names: str) -> None:
    for name in names:
        set_queue(store, name, pause=Pause(at=1, by="ada@here"))


def resume(store: Store, *names: str) -> None:
    for name in names:
        set_queue(store, name, pause=None)


def in_queues(*places: str, **fields: object) -> list[NewJob]:
    """Return a job for each place: `mail1` is in queue mail."""
    return [NewJob(command="true", id=place, queue=place.rstrip("0123456789"), **fields) for place in places]  # type: ignore[arg-type]  # of NewJob


def claimed(stage: Stage, *queues: str) -> list[str]:
    """Claim until no job is left, and return the ids in order."""
    ids: list[str] = []
    while (claim := stage.claim("w", *queues)) is not None:
        ids.append(claim.id)
    return ids


def test_no_job_of_a_paused_queue_is_claimed_until_it_is_resumed(stage: Stage):
    stage.enqueue(*in_queues("mail1", "video1", "mail2"))
    pause(stage.store, "mail")

    assert claimed(stage) == ["video1"]
    assert stage.store.claims().next_due() is None, "an idle worker sleeps"
    assert stage.store.claims(("mail",)).next_due() is None

    resume(stage.store, "mail")

    assert claimed(stage) == ["mail1", "mail2"]


def test_a_pause_of_all_queues_covers_those_that_are_new_and_leaves_pauses_by_name(stage: Stage):
    stage.enqueue(*in_queues("mail1"))
    pause(stage.store, "mail", ALL)
    stage.enqueue(*in_queues("video1"))

    assert claimed(stage) == []
    assert stage.store.claims().left_to_run() == 0

    resume(stage.store, ALL)

    assert claimed(stage) == ["video1"]


def test_a_running_job_of_a_paused_queue_goes_on_and_is_recorded(stage: Stage):
    stage.enqueue(*in_queues("mail1", "mail2"))
    claim = stage.take()
    pause(stage.store, "mail")

    assert stage.store.claims().left_to_run() == 1, "a drain waits for it"
    assert stage.finish(claim) == "completed"
    assert claimed(stage) == []


def test_a_pool_of_one_queue_finds_its_job_beside_a_paused_one(stage: Stage):
    stage.enqueue(*in_queues("mail1", "video1"))
    pause(stage.store, "mail")

    assert claimed(stage, "mail") == []
    assert claimed(stage, "mail", "video") == ["video1"]


def test_no_more_jobs_of_a_queue_run_than_its_limit(stage: Stage):
    stage.enqueue(*in_queues("mail1", "mail2", "mail3", "video1"))
    set_queue(stage.store, "mail", limit=2)

    first = stage.take()
    assert [first.id, *claimed(stage)] == ["mail1", "mail2", "video1"]
    assert stage.store.claims().next_due() is None
    assert stage.store.claims().left_to_run() == 4, "a drain waits for the end of the running jobs"

    stage.finish(first)

    assert claimed(stage) == ["mail3"]


def test_a_lower_limit_ends_nothing_and_a_higher_one_starts_more(stage: Stage):
    stage.enqueue(*in_queues("mail1", "mail2", "mail3", "mail4"))
    set_queue(stage.store, "mail", limit=3)
    running = [stage.take() for _ in range(3)]

    set_queue(stage.store, "mail", limit=1)
    stage.finish(running[0])
    stage.finish(running[1])
    assert claimed(stage) == []

    set_queue(stage.store, "mail", limit=2)
    assert claimed(stage) == ["mail4"]


def test_a_limit_holds_within_one_batch_of_claims(stage: Stage):
    set_queue(stage.store, "mail", limit=1)
    claims = stage.store.claims()
    assert claims.claim("w", now=stage.now) is None
    stage.enqueue(*in_queues("mail1", "mail2", "mail3", "video1"))

    exchanged = claims.exchange((), "w", most=8, backoff=BACKOFF, random=random.Random(1), now=stage.now)

    assert [claim.id for claim in exchanged.claims] == ["mail1", "video1"]


def test_of_equal_priority_the_queue_with_the_fewest_running_jobs_for_its_weight_goes_first(stage: Stage):
    set_queue(stage.store, "video", weight=3)
    stage.enqueue(*in_queues(*(f"mail{n}" for n in range(4)), *(f"video{n}" for n in range(4))))

    order = [stage.take().id for _ in range(8)]

    assert [id_.rstrip("0123456789") for id_ in order[:4]].count("video") == 3
    assert order.index("mail1") > order.index("video2"), "each running job counts"


def test_a_higher_priority_goes_before_any_weight(stage: Stage):
    set_queue(stage.store, "video", weight=1000)
    stage.enqueue(*in_queues("video1"), *in_queues("mail1", priority=1))

    assert claimed(stage) == ["mail1", "video1"]


def test_jobs_that_need_a_label_respect_gates_too(stage: Stage):
    stage.enqueue(*in_queues("mail1", "video1", needs=("gpu",)))
    pause(stage.store, "mail")
    claims = stage.store.claims((), ("gpu",))

    ids = [claim.id for claim in iter(lambda: claims.claim("w", now=stage.now), None)]

    assert ids == ["video1"]
    assert claims.next_due() is None


def test_a_worker_of_one_job_waits_for_the_queue_of_that_job(stage: Stage):
    stage.enqueue(*in_queues("mail1", "video1"))
    only = (queue_of_job(stage.store.jobs.get("mail1").job.seq),)
    pause(stage.store, "mail")

    assert stage.claim("w", *only) is None
    assert stage.store.claims(only).next_due() is None

    resume(stage.store, "mail")

    claim = stage.claim("w", *only)
    assert claim is not None
    assert claim.id == "mail1"


def test_due_jobs_of_many_queues_are_all_found_beside_a_pause(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(due_jobs, "WINDOW", 2)
    names = ["a", "b", "c", "d", "e"]
    stage.enqueue(*in_queues(*(f"{name}{n}" for n in (1, 2) for name in names)))
    pause(stage.store, "a", "b")
    claims = stage.store.claims()

    found = [claims.claim("w", now=stage.now) for _ in range(6)]

    assert sorted(claim.id for claim in found if claim is not None) == ["c1", "c2", "d1", "d2", "e1", "e2"]
    assert claims.claim("w", now=stage.now) is None
    assert claims.next_due() is None


def test_due_jobs_of_many_weighted_queues_are_claimed_round_by_round(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(due_jobs, "WINDOW", 2)
    set_queue(stage.store, "spare", weight=2)
    names = ["a", "b", "c", "d", "e"]
    stage.enqueue(*in_queues(*(f"{name}{n}" for n in range(9) for name in names)))

    claims = stage.store.claims()

    first = [claim.queue for _ in range(9) if (claim := claims.claim("w", now=stage.now)) is not None]

    assert len(first) == 9
    assert set(first) & {"a", "b"}, "no window is left out"
    assert set(first) & {"c", "d"}
    assert "e" in first


def test_jobs_get_the_defaults_of_their_queue_at_the_enqueue(stage: Stage):
    set_queue(stage.store, "mail", max_retries=7, priority=5)
    stage.enqueue(*in_queues("mail1", "video1"), *in_queues("mail2", max_retries=0, priority=-1))

    jobs = [stage.store.jobs.get(id_).job for id_ in ("mail1", "video1", "mail2")]

    assert [(job.max_retries, job.priority) for job in jobs] == [(7, 5), (3, 0), (0, -1)]


def test_an_attempt_has_the_time_limit_of_its_job_else_of_its_queue(stage: Stage):
    stage.enqueue(*in_queues("mail1"), *in_queues("mail2", timeout_ms=7), *in_queues("video1"))
    set_queue(stage.store, "mail", timeout_ms=5000)

    assert [stage.take().timeout_ms for _ in range(3)] == [5000, 7, None]


def test_a_claim_is_a_single_statement_again_once_no_gate_is_left(stage: Stage):
    stage.enqueue(*in_queues("mail1", "mail2", "mail3"))
    pause(stage.store, "video")
    claims = stage.store.claims()
    assert claims.claim("w", now=stage.now) is not None

    resume(stage.store, "video")

    assert claims.claim("w", now=stage.now) is not None
    assert claims.claim("w", now=stage.now) is not None
    assert stage.store.queues.all() == {}, "a queue without settings has no row"


@pytest.mark.parametrize("gate", [pause, lambda store, name: set_queue(store, name, limit=1)], ids=["paused", "full"])
@ON_SQLITE
def test_waiting_jobs_of_a_closed_queue_cost_a_claim_nothing(store: Store, gate: Callable[[Store, str], None]) -> None:
    stage = Stage(store)
    stage.enqueue(*in_queues("mail1", "mail2", "video1", "video2"))
    gate(store, "mail")
    stage.take()
    few = steps_of(store, lambda: store.claims().claim("w", now=stage.now))
    stage.enqueue(*in_queues(*(f"mail{n}" for n in range(3, 3000)), "video3"))

    many = steps_of(store, lambda: store.claims().claim("w", now=stage.now))

    assert many < 1.5 * few
