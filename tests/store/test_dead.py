"""Dead jobs by their errors, and the events of a job."""

from __future__ import annotations

import pytest

from queuectl.domain.attempt import MAX_LOSSES, Outcome
from queuectl.domain.errors import NotFound, UsageError
from queuectl.domain.job import JobState, NewJob
from tests.support.store_driver import START, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def die(stage: Stage, id_: str, err: str, *, queue: str = "default", out: str = "") -> None:
    stage.enqueue(NewJob(command="x", id=id_, queue=queue, max_retries=0))
    stage.run(Outcome.EXIT, err=err, out=out)


@pytest.fixture
def graves(stage: Stage) -> Stage:
    """Three jobs that died with a timeout to a host, and one with another error."""
    for number in range(3):
        die(stage, f"t{number}", f"trying\ntimed out after {number} s\n", queue="mail" if number else "default")
    die(stage, "other", "KeyError: 'id'\n")
    return stage


def test_dead_jobs_are_grouped_by_their_errors(graves: Stage):
    other, timeout = graves.store.dlq.errors()

    assert (timeout.text, timeout.n, timeout.queues) == ("exit 1 · timed out after … s", 3, ("default", "mail"))
    assert (other.text, other.n, other.queues) == ("exit 1 · KeyError: …", 1, ("default",))
    assert (timeout.first_at, timeout.last_at) == (START + 10, START + 30)
    assert [error.n for error in graves.store.dlq.errors(queue="mail")] == [2]


def test_an_error_is_found_by_the_beginning_of_its_signature(graves: Stage):
    dead = graves.store.dlq
    other, timeout = (error.signature for error in dead.errors())

    assert dead.resolve(timeout[:4]) == dead.resolve(timeout.upper()) == timeout
    assert [listed.job.id for listed in dead.listing(timeout, limit=2)] == ["t1", "t2"]
    assert [listed.job.id for listed in dead.listing(timeout, limit=0, queue="default")] == ["t0"]
    assert dead.count(timeout) == 3
    for wrong in ("", "abc", "mail", f"{timeout}0 "):
        with pytest.raises(UsageError):
            dead.resolve(wrong)
    with pytest.raises(NotFound):
        dead.resolve("0000" if not timeout.startswith("0000") and not other.startswith("0000") else "1111")


def test_the_beginning_of_several_signatures_is_refused(graves: Stage):
    with graves.store.database.transaction():
        graves.store.database.query("UPDATE jobs SET signature = 'abcd000' || seq WHERE state = 'dead'")

    with pytest.raises(UsageError, match="several error signatures begin with abcd"):
        graves.store.dlq.resolve("abcd")
    assert graves.store.dlq.resolve("abcd0001") == "abcd0001"


def test_one_error_is_revived_and_purged_alone(graves: Stage):
    other, timeout = (error.signature for error in graves.store.dlq.errors())

    steps = list(graves.store.dlq.revive(timeout, now=graves.now))
    assert steps == [[("t0", "default"), ("t1", "mail"), ("t2", "mail")]]
    assert graves.counts() == {"pending": 3, "dead": 1}

    assert graves.store.dlq.purge(other, now=graves.now) == 1
    assert graves.counts() == {"pending": 3}
    assert graves.store.dlq.errors() == []


def test_many_of_one_error_are_revived_in_steps(stage: Stage):
    ids = stage.enqueue(*[NewJob(command="x", max_retries=0)] * 1200)
    for _ in ids:
        stage.run(Outcome.EXIT)
    (error,) = stage.store.dlq.errors()

    assert [len(step) for step in stage.store.dlq.revive(error.signature, now=stage.now)] == [1000, 200]
    assert stage.counts() == {"pending": 1200}


def test_a_job_that_succeeds_after_a_failure_is_no_dead_letter(stage: Stage):
    stage.enqueue("a")
    stage.run(Outcome.EXIT, err="boom\n")
    stage.run()

    assert stage.store.dlq.errors() == []
    assert stage.store.jobs.get("a").job.signature is not None, "what its last failure was stays known"
    assert stage.store.database.query("SELECT n, text FROM signatures") == [(1, "exit 1 · boom")]


def test_a_success_writes_nothing_about_errors(stage: Stage):
    stage.enqueue("a")
    written: list[str] = []
    run = stage.store.database.run

    def noting(name: str, /, **words: Any) -> int:
        written.append(name)
        return run(name, **words)

    stage.store.database.run = noting  # type: ignore[method-assign]  # to record its statements

    stage.run(out="text")

    assert not {"sign_job", "count_signature"} & set(written)


def test_a_job_lost_three_times_has_an_error_signature(stage: Stage):
    stage.enqueue("a")
    for _ in range(MAX_LOSSES):
        stage.run(Outcome.LOST)

    assert [error.text for error in stage.store.dlq.errors()] == ["lost"]


def test_signatures_without_dead_jobs_are_deleted_after_a_month(graves: Stage):
    _, timeout = (error.signature for error in graves.store.dlq.errors())
    graves.store.dlq.purge(timeout, now=graves.now)
    later = graves.now + 31 * 86_400_000

    graves.store.jobs.prune(JobState.COMPLETED, before=later, now=later)

    assert graves.store.database.query("SELECT text FROM signatures") == [("exit 1 · KeyError: …",)]


def test_events_are_read_newest_last_with_their_command_lines(stage: Stage):
    stage.enqueue("a", "b")
    stage.store.events.command = "queuectl hold a b"
    stage.store.edits.hold(["a", "b"], now=stage.now + 1)

    events = stage.store.events.events(limit=3)
    assert [(event.verb, event.subject, event.command) for event in events] == [
        ("enqueue", "a", None),
        ("hold", "a", "queuectl hold a b"),
        ("hold", "b", "queuectl hold a b"),
    ]
    assert [event.verb for event in stage.store.events.events(limit=9, subject="a")] == ["hold"]
    assert {event.actor for event in events} == {"tester@here"}


def test_jobs_ahead_are_counted_in_the_order_of_claims(stage: Stage):
    stage.enqueue(
        NewJob(command="x", id="first", priority=5),
        NewJob(command="x", id="other queue", queue="mail"),
        NewJob(command="x", id="not due", priority=9, delay_ms=1000),
        NewJob(command="x", id="same"),
        NewJob(command="x", id="me"),
        NewJob(command="x", id="behind"),
        NewJob(command="x", id="lower", priority=-1),
    )
    me = stage.store.jobs.get("me").job

    assert stage.store.jobs.ahead(me, now=stage.now, limit=100, within_queue=False) == 3
    assert stage.store.jobs.ahead(me, now=stage.now, limit=100, within_queue=True) == 2
    assert stage.store.jobs.ahead(me, now=stage.now, limit=2, within_queue=False) == 2


def test_saved_views_are_kept_by_name(stage: Stage):
    views = stage.store.views
    views.save("b", "state:dead", now=1)
    views.save("a", "queue:mail", now=2)
    views.save("b", "state:failed", now=3)

    assert [(view.name, view.filter, view.created_at) for view in views.list()] == [
        ("a", "queue:mail", 2),
        ("b", "state:failed", 3),
    ]
    assert views.delete("a", now=4)
    assert not views.delete("a", now=5)
    assert views.find("a") is None
