"""States change as the transition table says, in the domain and in the schema alike."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queuectl.domain.attempt import Outcome
from queuectl.domain.errors import NotFound, QueuectlError, Refused, StoreDamaged, StoreError, UsageError
from queuectl.domain.job import FINAL, NEXT, READY, TAKEN_BACK, WAITING, JobState
from queuectl.store.store import Store
from tests.support.store_driver import ON_SQLITE, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from queuectl.store.rows import Claim

PATHS = {
    JobState.PENDING: (),
    JobState.PROCESSING: ("claim",),
    JobState.COMPLETED: ("claim", Outcome.SUCCESS),
    JobState.FAILED: ("claim", Outcome.EXIT),
    JobState.DEAD: ("claim", Outcome.LOST) * 3,
    JobState.CANCELLED: ("cancel",),
    JobState.HELD: ("hold",),
}


def undo() -> None:
    raise Refused("undo it")


def bring_to(stage: Stage, id_: str, state: JobState) -> None:
    """Enqueue a job and bring it to `state` by legal steps."""
    stage.enqueue(id_)
    claim: Claim | None = None
    for step in PATHS[state]:
        if step == "claim":
            claim = stage.take()
        elif step == "cancel":
            stage.store.jobs.cancel(id_, signal=15, now=stage.now)
        elif step == "hold":
            stage.store.edits.hold([id_], now=stage.now)
        else:
            assert claim is not None
            stage.finish(claim, step)  # type: ignore[arg-type]  # the steps are words and outcomes
    assert stage.store.jobs.state(id_) is state


@pytest.mark.parametrize("undoing", [False, True])
@pytest.mark.parametrize(("old", "new"), itertools.permutations(JobState, 2))
def test_the_schema_allows_exactly_the_transitions_of_the_domain(
    stage: Stage, old: JobState, new: JobState, undoing: bool
):
    bring_to(stage, "a", old)
    legal = NEXT[old] | TAKEN_BACK.get(old, frozenset()) if undoing else NEXT[old]
    owner = "'w'" if new is JobState.PROCESSING else "NULL"
    finished = "1" if new in FINAL else "NULL"
    fence = "fence + 1" if new is JobState.PROCESSING else "fence"
    statement = f"UPDATE jobs SET state = '{new}', owner = {owner}, finished_at = {finished}, fence = {fence}"

    try:
        with stage.store.database.transaction():
            if undoing:
                stage.store.database.run("begin_undoing", job=1)
            stage.store.database.query(statement)
            undo()
    except QueuectlError as error:
        message = error.message

    assert message == "undo it" if new in legal else "illegal job state transition" in message


MAY = {
    "cancelled": set(JobState) - FINAL,
    "retried": FINAL | {JobState.FAILED},
    "retried from the dead letter queue": {JobState.DEAD},
    "deleted": FINAL,
    "held": READY,
    "released": {JobState.HELD},
    "given another priority": WAITING,
}
DONE = {"cancelled": {JobState.CANCELLED}, "held": {JobState.HELD}, "released": READY}
"""States in which there is nothing to do for an action."""


@pytest.mark.parametrize("verb", MAY)
@pytest.mark.parametrize("state", JobState)
def test_the_allowed_actions_depend_on_the_state(stage: Stage, state: JobState, verb: str):
    bring_to(stage, "a", state)
    jobs, edits = stage.store.jobs, stage.store.edits

    def act() -> None:
        if verb == "cancelled":
            jobs.cancel("a", signal=15, now=stage.now)
        elif verb == "deleted":
            jobs.delete(["a"], now=stage.now)
        elif verb == "held":
            edits.hold(["a"], now=stage.now)
        elif verb == "released":
            edits.release(["a"], now=stage.now)
        elif "priority" in verb:
            edits.prioritise(["a"], 5, now=stage.now)
        else:
            jobs.retry(["a"], now=stage.now, dead_only="dead" in verb)

    if state in MAY[verb]:
        act()
    elif state in DONE.get(verb, ()):
        before = jobs.get("a")
        act()
        assert jobs.get("a") == before
    else:
        with pytest.raises(Refused, match=f"^job a is {state} and cannot be {verb}$"):
            act()
        assert jobs.state("a") is state


def test_the_fence_grows_at_a_claim_shrinks_at_its_withdrawal_and_never_otherwise(stage: Stage):
    stage.enqueue("a", "b")
    stage.take()

    for statement in (
        "UPDATE jobs SET fence = fence + 1",
        "UPDATE jobs SET state = 'processing', owner = 'w' WHERE id = 'b'",
        "UPDATE jobs SET state = 'processing', owner = 'w', fence = fence + 2 WHERE id = 'b'",
        "UPDATE jobs SET fence = fence - 1 WHERE id = 'a'",
        "UPDATE jobs SET state = 'completed', owner = NULL, finished_at = 1, fence = fence - 1 WHERE id = 'a'",
        "UPDATE jobs SET state = 'cancelled', finished_at = 1, fence = fence - 1 WHERE id = 'b'",
    ):
        with pytest.raises(StoreError, match="fence"), stage.store.database.transaction():
            stage.store.database.query(statement)


@ON_SQLITE
@pytest.mark.parametrize("change", ["state = 'dead', finished_at = 1", "attempts = max_retries + 2"])
def test_a_row_that_no_statement_could_have_written_is_damage(stage: Stage, change: str):
    stage.enqueue("a")

    # An index and its row differ after a flipped bit: a claim then finds a job that it cannot change.
    with pytest.raises(StoreDamaged, match="is damaged"), stage.store.database.transaction():
        stage.store.database.query(f"UPDATE jobs SET {change}")


def test_a_finished_run_is_immutable(stage: Stage):
    stage.enqueue("a")
    stage.run()

    with pytest.raises(StoreError, match="immutable"), stage.store.database.transaction():
        stage.store.database.query("UPDATE runs SET exit_code = 7")


def test_a_retry_or_delete_changes_all_jobs_or_none(stage: Stage):
    stage.enqueue("done", "waits")
    stage.run()
    events = stage.store.database.query("SELECT count(*) FROM events")

    with pytest.raises(Refused):
        stage.store.jobs.retry(["done", "waits"], now=stage.now)
    with pytest.raises(NotFound):
        stage.store.jobs.delete(["done", "missing"], now=stage.now)

    assert stage.store.jobs.state("done") is JobState.COMPLETED
    assert stage.store.database.query("SELECT count(*) FROM events") == events


VERBS = [
    "enqueue",
    "claim",
    "succeed",
    "fail",
    "lose",
    "release",
    "time out",
    "cancel",
    "retry",
    "revive",
    "delete",
    "prune",
    "hold",
    "release held",
    "prioritise",
    "edit",
    "edit and requeue",
    "undo",
]


def act(store: Store, verb: str, id_: str, number: int, now: int) -> None:
    if verb == "cancel":
        store.jobs.cancel(id_, signal=15, now=now)
    elif verb == "retry":
        store.jobs.retry([id_], now=now)
    elif verb == "revive":
        list(store.jobs.revive(now=now))
    elif verb == "delete":
        store.jobs.delete([id_], now=now)
    elif verb == "hold":
        store.edits.hold([id_], now=now)
    elif verb == "release held":
        store.edits.release([id_], now=now)
    elif verb == "prioritise":
        store.edits.prioritise([id_], number, now=now)
    elif verb.startswith("edit"):
        changes = {"queue": f"queue{number}", "max_retries": number} if number else {"queue": "other"}
        store.edits.edit(id_, changes, requeue="requeue" in verb, now=now)
    else:
        store.jobs.prune(JobState.COMPLETED, before=now - number * 1000, now=now)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 3)), max_size=60))
def test_every_invariant_holds_after_any_sequence_of_actions(
    new_store: Callable[[], Store], steps: list[tuple[str, int]]
):
    store = new_store()
    stage = Stage(store, "w", "w1")
    claims: list[Claim] = []
    ends = {"succeed": Outcome.SUCCESS, "fail": Outcome.EXIT, "lose": Outcome.LOST, "release": Outcome.RELEASED}
    for verb, number in steps:
        stage.now += 700
        id_ = f"job{number}"
        try:
            if verb == "enqueue":
                stage.enqueue(id_, max_retries=number)
            elif verb == "claim":
                claim = stage.claim()
                claims += [claim] if claim else []
            elif verb in ends or verb == "time out":
                if claims:
                    stage.finish(claims.pop(number % len(claims)), ends.get(verb, Outcome.TIMEOUT))
            elif verb == "undo":
                store.undo.take_back(None, now=stage.now)
            else:
                with store.undo.keeping(verb, now=stage.now):
                    act(store, verb, id_, number, stage.now)
        except (NotFound, Refused, UsageError):
            pass  # and nothing has changed
    stage.check()
    rows = dict(store.database.query("SELECT state, count(*) FROM jobs GROUP BY state"))
    assert stage.counts() == rows
    store.close()
