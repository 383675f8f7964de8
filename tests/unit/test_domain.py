"""Jobs, records, verdicts and backoff, without input or output."""

from __future__ import annotations

import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.attempt import GIVEN_BACK, Outcome
from queuectl.domain.backoff import Backoff
from queuectl.domain.job import FINAL, NEXT, READY, WAITING, JobState, NewJob
from queuectl.domain.record import as_dict, described, field, record, replace
from queuectl.domain.text import one_line, safe, safe_block
from queuectl.domain.verdict import verdict


@record
class Point:
    x: int
    y: int = 2


def test_a_record_is_made_by_keyword_and_takes_defaults():
    assert (Point(x=1).x, Point(x=1).y) == (1, 2)
    assert Point(x=1) == Point(x=1, y=2) != Point(x=2)
    assert repr(Point(x=1)) == "Point(x=1, y=2)"
    assert hash(Point(x=1)) == hash(Point(x=1))


@pytest.mark.parametrize("given", [{}, {"y": 1}, {"x": 1, "z": 3}, {"x": 1, "y": 2, "z": 3}])
def test_a_record_refuses_missing_and_unknown_fields(given: dict[str, int]):
    with pytest.raises(TypeError):
        Point(**given)


def test_a_record_is_frozen():
    point = Point(x=1)
    with pytest.raises(AttributeError):
        point.x = 2  # type: ignore[misc]  # it must not be allowed
    with pytest.raises(AttributeError):
        point.z = 2  # type: ignore[attr-defined]  # there is none
    assert replace(point, y=5) == Point(x=1, y=5)
    assert as_dict(point) == {"x": 1, "y": 2}


@record
class Dot(Point):
    colour: str = field("the colour", default="red")


def test_a_record_has_the_fields_of_the_record_that_it_extends():
    dot = Dot(x=1, colour="blue")

    assert as_dict(dot) == {"x": 1, "y": 2, "colour": "blue"}
    assert replace(dot, x=3) == Dot(x=3, colour="blue") != dot
    assert repr(dot) == "Dot(x=1, y=2, colour='blue')"
    assert [(name, annotation) for name, (_, annotation) in described(Dot).items()] == [("colour", "str")]
    assert pickle.loads(pickle.dumps(dot)) == dot
    assert as_dict(Point(x=1)) == {"x": 1, "y": 2}
    with pytest.raises(TypeError):
        Dot(colour="blue")  # type: ignore[call-arg]  # it must not be allowed
    with pytest.raises(AttributeError):
        dot.x = 2  # type: ignore[misc]  # it must not be allowed


def test_a_record_crosses_a_process_boundary():
    job = NewJob(command="true", tags=("a",))
    assert pickle.loads(pickle.dumps(job)) == job


def test_no_state_is_both_ready_and_final():
    assert not READY & FINAL
    assert not WAITING & FINAL
    assert {JobState.PROCESSING} == set(JobState) - WAITING - FINAL


def test_every_final_state_can_only_be_left_by_a_retry():
    assert all(NEXT[state] == {JobState.PENDING} for state in FINAL)


@given(
    st.sampled_from(Outcome),
    st.integers(0, 5).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n + 1))),
    st.integers(0, 2),
)
def test_a_verdict_is_a_legal_transition_within_the_budget(outcome: Outcome, budget: tuple[int, int], losses: int):
    max_retries, attempts = budget

    after = verdict(outcome, attempts=attempts, max_retries=max_retries, losses=losses)

    assert after.state in NEXT[JobState.PROCESSING]
    assert 0 <= after.attempts <= max_retries + 1
    if after.state is JobState.FAILED:
        assert after.attempts <= max_retries, "there is a retry left to wait for"
    if outcome in GIVEN_BACK and after.state is JobState.PENDING:
        assert after.attempts == attempts - 1
    if outcome is Outcome.SUCCESS:
        assert after.state is JobState.COMPLETED


def test_three_losses_in_a_row_make_a_job_dead():
    assert verdict(Outcome.LOST, attempts=1, max_retries=9, losses=1).state is JobState.PENDING
    assert verdict(Outcome.LOST, attempts=1, max_retries=9, losses=2).state is JobState.DEAD


def test_backoff_grows_by_its_base_up_to_the_maximum():
    backoff = Backoff(delay=0.5, base=2, maximum=3)
    assert [backoff.milliseconds(retry) for retry in (1, 2, 3, 4, 5)] == [500, 1000, 2000, 3000, 3000]


@given(st.floats(0, 1e5), st.floats(1, 100), st.floats(0, 1e7), st.floats(0, 1), st.integers(1, 1001), st.integers())
def test_backoff_is_never_negative_never_beyond_the_maximum_never_an_error(
    delay: float, base: float, maximum: float, jitter: float, retry: int, seed: int
):
    backoff = Backoff(delay=delay, base=base, maximum=maximum, jitter=jitter)
    assert 0 <= backoff.milliseconds(retry, random.Random(seed)) <= round(maximum * 1000)


@given(st.text())
def test_safe_text_has_no_control_character_left(text: str):
    assert not [letter for letter in safe(text) if ord(letter) < 32 or 127 <= ord(letter) < 160]
    assert not [
        letter for letter in safe_block(text) if (ord(letter) < 32 and letter not in "\n\t") or letter == "\x9b"
    ]
    assert len(one_line(text, 20)) <= 20


def test_safe_text_escapes_control_characters():
    assert safe("a\x1b[31m\x9b\u202eb\r\n") == "a\\x1b[31m\\x9b\\u202eb\\r\\n"
    assert safe("👨‍👩‍👧 ok\u3000✓") == "👨‍👩‍👧 ok\u3000✓"
