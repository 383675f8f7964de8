"""Actions on the jobs that a filter selects, and their undo."""

from __future__ import annotations

import pytest

from queuectl.domain.attempt import Outcome
from queuectl.domain.errors import NotFound, Refused
from queuectl.domain.filter import Filter, parse_filter
from queuectl.domain.job import JobState, NewJob
from queuectl.store import selection, undo
from tests.support.store_driver import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from queuectl.store.selection import Step, Verb


def apply(stage: Stage, verb: Verb, filter_text: str = "", **words: Any) -> tuple[list[Step], int | None]:
    """Do a verb as an operation does it; return its steps and the id of its undo."""
    with stage.store.undo.keeping(verb.name, now=stage.now) as kept:
        chosen = stage.store.select(parse_filter(filter_text))
        return list(chosen.apply(verb, now=stage.now, detail="selected", **words)), kept.id


def states(stage: Stage) -> dict[str, str]:
    return {each.job.id: each.job.state.value for each in stage.store.jobs.listing(limit=0)}


@pytest.fixture
def of_all_states(stage: Stage) -> Stage:
    """A job of each state, named after it; those that have run did so on worker `w`."""
    stage.enqueue("completed")
    stage.run()
    stage.enqueue(NewJob(command="true", id="dead", queue="mail", max_retries=0, tags=("red",)))
    stage.run(Outcome.EXIT, err="boom\n")
    stage.enqueue("failed")
    stage.run(Outcome.EXIT, err="other\n")
    stage.enqueue("processing")
    stage.take()
    stage.enqueue("pending", "held", "cancelled")
    stage.store.edits.hold(["held"], now=stage.now)
    stage.store.jobs.cancel("cancelled", signal=15, now=stage.now)
    return stage


@pytest.mark.parametrize(
    ("verb", "words", "changed", "unchanged", "to"),
    [
        (selection.CANCEL, {"signal": 2}, {"failed", "pending", "held", "processing"}, 1, "cancelled"),
        (selection.RETRY, {}, {"completed", "dead", "failed", "cancelled"}, 0, "pending"),
        (selection.HOLD, {}, {"failed", "pending"}, 1, "held"),
        (selection.RELEASE, {}, {"held"}, 2, "pending"),
        (selection.PRIORITY, {"priority": 7}, {"failed", "pending", "held"}, 0, None),
        (selection.DELETE, {}, {"completed", "dead", "cancelled"}, 0, None),
    ],
    ids=lambda value: value.name if isinstance(value, selection.Verb) else "",
)
def test_a_verb_on_a_selection_changes_the_jobs_whose_state_allows_it(
    of_all_states: Stage, verb: Verb, words: dict[str, Any], changed: set[str], unchanged: int, to: str | None
):
    stage = of_all_states
    before = states(stage)

    (step,), number = apply(stage, verb, **words)

    assert {id_ for id_, _ in step.changed} == changed
    assert (step.matched, step.unchanged, step.skipped) == (7, unchanged, 7 - unchanged - len(changed))
    after = states(stage)
    assert {id_: state for id_, state in after.items() if id_ not in changed} == {
        id_: state for id_, state in before.items() if id_ not in changed
    }
    if to is not None:
        assert {after[id_] for id_ in changed - {"processing"}} == {to}
    assert [(each.verb, each.subject, each.detail) for each in stage.store.events.events(limit=1)] == [
        (verb.name, None, "selected")
    ]

    taken_back = stage.store.undo.take_back(number, now=stage.now + 1)

    assert taken_back.restored == len(changed - {"processing"})
    assert states(stage) == before
    with pytest.raises(Refused, match="undone already"):
        stage.store.undo.take_back(number, now=stage.now + 1)


def test_a_cancel_of_a_selection_names_the_workers_of_running_jobs(of_all_states: Stage):
    (step,), _ = apply(of_all_states, selection.CANCEL, "state:processing", signal=2)

    assert step.owners == ("w",)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("queue:mail", "dead"),
        ("!queue:mail,other state:dead,completed", "completed"),
        ("tag:red", "dead"),
        ("!tag:red exit:1", "failed"),
        ("exit:1,2", "dead failed"),
        ("worker:w state:processing,dead", "dead processing"),
        ("worker:other", ""),
        ("error:none", ""),
        ("id:pend", "pending"),
        ("older:1h", "completed dead failed processing pending held cancelled"),
        ("newer:1h", ""),
        ("age:<3h state:held", "held"),
    ],
)
def test_a_filter_selects_by_every_condition(of_all_states: Stage, text: str, found: str):
    # The clock of a stage stands in the past, the clock of the store does not.
    chosen = of_all_states.store.select(parse_filter(text.replace("<3h", "<500w")))

    assert [id_ for page in chosen.ids() for id_ in page] == found.split()
    assert sum(n for *_, n in chosen.counts()) == len(found.split())
    assert [
        each.job.id
        for each in of_all_states.store.jobs.listing(limit=0, chosen=parse_filter(text.replace("<3h", "<500w")))
    ] == found.split()


def test_a_filter_selects_failed_and_dead_jobs_by_their_error(of_all_states: Stage):
    store = of_all_states.store
    (error,) = store.dlq.errors()

    def with_error(digits: str) -> list[str]:
        return [each.job.id for each in store.jobs.listing(limit=0, chosen=Filter(error=digits))]

    assert with_error(error.signature) == with_error(error.signature[:5]) == ["dead"]
    apply(of_all_states, selection.RETRY, "state:dead")
    assert with_error(error.signature) == [], "a retried job has no error"


def test_a_selection_is_of_one_moment_and_sees_each_job_once(stage: Stage):
    stage.enqueue(*(f"job{n}" for n in range(2500)))
    chosen = stage.store.select(Filter(states=(JobState.PENDING, JobState.CANCELLED)))

    steps = chosen.apply(selection.CANCEL, now=stage.now, detail="selected", signal=15)
    first = next(steps)
    stage.enqueue("late")
    rest = list(steps)

    assert first.matched == 1000
    assert sum(step.matched for step in rest) == 1500
    assert sum(len(step.changed) for step in rest) == 1500
    assert states(stage)["late"] == "pending"


def test_jobs_that_changed_after_the_action_are_not_restored(stage: Stage):
    stage.enqueue("runs", "edited", "deleted", "same")
    _, number = apply(stage, selection.PRIORITY, priority=5)
    stage.now += 10
    stage.run()
    stage.store.edits.edit("edited", {"command": "new"}, requeue=False, now=stage.now)
    stage.store.jobs.cancel("deleted", signal=15, now=stage.now)
    stage.store.jobs.delete(["deleted"], now=stage.now)

    taken_back = stage.store.undo.take_back(number, now=stage.now)

    assert (taken_back.restored, taken_back.left_out, taken_back.queues) == (1, 3, frozenset({"default"}))
    assert [each.job.priority for each in stage.store.jobs.listing(limit=0)] == [5, 5, 0]


def test_a_job_that_stops_matching_before_its_turn_is_left_as_it_is(stage: Stage):
    stage.enqueue("starts", "waits")
    chosen = stage.store.select(parse_filter("state:pending"))
    steps = chosen.apply(selection.CANCEL, now=stage.now, detail="selected", signal=15)
    read = chosen.pages

    def pages(*words: Any, **named: Any) -> Any:
        for page in read(*words, **named):
            stage.take()
            yield page

    chosen.pages = pages  # type: ignore[method-assign]  # a worker claims between the read and the transaction
    (step,) = steps

    assert ([id_ for id_, _ in step.changed], step.skipped, step.owners) == (["waits"], 1, ())
    assert stage.store.jobs.get("starts").job.cancel_requested == 0


def test_actions_on_a_selection_are_undone_one_after_the_other(stage: Stage):
    stage.enqueue(*[NewJob(command="true")] * 1000)
    apply(stage, selection.HOLD)
    stage.now += 10
    apply(stage, selection.PRIORITY, priority=5)
    stage.now += 10

    assert stage.store.undo.take_back(None, now=stage.now).verb == "priority"
    stage.now += 10
    assert stage.store.undo.take_back(None, now=stage.now).verb == "hold"
    assert set(states(stage).values()) == {"pending"}
    assert stage.store.undo.list(now=stage.now) == []


@pytest.mark.parametrize("by_ids", [False, True], ids=["selection", "ids"])
def test_an_undo_spares_jobs_that_a_later_action_of_the_same_moment_changed(stage: Stage, *, by_ids: bool):
    stage.enqueue("first", NewJob(command="true", id="second", queue="mail"))
    _, first = apply(stage, selection.PRIORITY, priority=3)
    if by_ids:
        with stage.store.undo.keeping("priority", now=stage.now):
            stage.store.edits.prioritise(["second"], 7, now=stage.now)
    else:
        apply(stage, selection.PRIORITY, "queue:mail", priority=7)

    taken_back = stage.store.undo.take_back(first, now=stage.now)

    assert (taken_back.restored, taken_back.left_out) == (1, 1)
    assert {each.job.id: each.job.priority for each in stage.store.jobs.listing(limit=0)} == {"first": 0, "second": 7}


def test_an_undo_that_is_refused_keeps_its_records(stage: Stage):
    stage.enqueue("a")
    _, number = apply(stage, selection.HOLD)
    stage.now += 10
    stage.store.edits.prioritise(["a"], 3, now=stage.now)

    for _ in range(2):
        with pytest.raises(Refused, match="all of its jobs have run"):
            stage.store.undo.take_back(number, now=stage.now)


def test_what_follows_an_undo_of_the_same_action_is_another_action(stage: Stage):
    stage.enqueue(*[NewJob(command="true")] * 2500)
    with stage.store.undo.keeping("hold", now=stage.now) as kept:
        steps = stage.store.select(Filter()).apply(selection.HOLD, now=stage.now, detail="selected")
        next(steps)
        first = kept.id
        stage.store.undo.take_back(first, now=stage.now + 1)
        list(steps)

    assert kept.id not in {None, first}
    assert stage.store.undo.take_back(kept.id, now=stage.now + 2).restored == 1500
    assert set(states(stage).values()) == {"pending"}


def test_a_priority_that_jobs_have_already_is_no_action(stage: Stage):
    stage.enqueue("a", "b")
    stage.store.edits.prioritise(["a"], 5, now=stage.now)

    (step,), number = apply(stage, selection.PRIORITY, priority=5)

    assert ([id_ for id_, _ in step.changed], step.unchanged) == (["b"], 1)
    assert stage.store.undo.take_back(number, now=stage.now + 1).left_out == 0


def test_an_undo_of_a_selection_is_refused_when_no_job_can_be_restored(stage: Stage):
    stage.enqueue("a")
    _, number = apply(stage, selection.HOLD)
    stage.now += 10
    stage.store.edits.release(["a"], now=stage.now)

    with pytest.raises(Refused, match="all of its jobs have run, changed or been deleted since"):
        stage.store.undo.take_back(number, now=stage.now)


def test_a_selection_beyond_the_limit_is_changed_and_cannot_be_undone(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(undo, "MAX_STATES", 1500)
    stage.enqueue(*[NewJob(command="true")] * 2500)

    steps, number = apply(stage, selection.HOLD)

    assert (sum(len(step.changed) for step in steps), number) == (2500, None)
    assert stage.store.undo.list(now=stage.now) == []
    assert stage.store.database.query("SELECT count(*) FROM undo_states") == [(0,)]


def test_records_of_a_selection_are_deleted_after_ten_minutes(stage: Stage):
    stage.enqueue("a", "b")
    _, number = apply(stage, selection.HOLD)
    stage.now += undo.KEPT_MS + 1
    apply(stage, selection.RELEASE, "id:a")

    assert stage.store.database.query("SELECT job FROM undo_states") == [(1,)]
    with pytest.raises(NotFound):
        stage.store.undo.take_back(number, now=stage.now)
