"""For any text or JSON a parser returns a corresponding value, or raises an error of queuectl."""

from __future__ import annotations

import json
import math
import shlex

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from queuectl.config import SETTINGS, known_key, settings_from, show
from queuectl.domain.errors import UsageError
from queuectl.domain.filter import parse_filter
from queuectl.domain.job import JobState, NewJob
from queuectl.domain.spec import FIELDS, MAX_NAME, MAX_PRIORITY, MAX_RETRIES, new_job, parse_object
from queuectl.domain.units import (
    MAX_DURATION_MS,
    MAX_TIME,
    format_bytes,
    format_duration,
    format_time,
    parse_duration,
    parse_time,
)
from queuectl.operations import ALL
from queuectl.operations.commandline.parse import params
from queuectl.operations.commandline.quoting import quoted, split
from queuectl.operations.commandline.render import duration
from queuectl.operations.operation import Operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

anything = st.text(st.characters(exclude_categories=[]), max_size=60)
"""Includes lone surrogates, which stand for undecodable bytes."""
near_durations = st.from_regex(r"\s*(-?[0-9٣.eE+]{0,12}(ms|s|m|h|d|w|S|µs)?){0,3}\s*", fullmatch=True)
near_times = st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.,]{0,12})?(Z|[+-][0-9:]{0,8})?", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
    max_leaves=6,
)
jobs = st.dictionaries(st.sampled_from(sorted(FIELDS)) | anything, values, max_size=5)


def parsed(parse: Any, text: str) -> Any:
    """Return the result of `parse`, None if it refuses `text` as bad input; other exceptions fail the test."""
    try:
        return parse(text)
    except UsageError:
        return None


@given(anything | near_durations)
@example("9" * 400)
@example("9" * 400 + "w")
@example("0." + "0" * 400 + "1s")
def test_a_duration_is_within_its_bounds_or_refused(text: str):
    value = parsed(parse_duration, text)

    assert value is None or (isinstance(value, int) and 0 <= value <= MAX_DURATION_MS)


@given(st.integers(0, MAX_DURATION_MS))
def test_a_duration_as_the_command_line_writes_it_means_the_same(milliseconds: int):
    assert parse_duration(duration(milliseconds)) == milliseconds


@given(st.integers(0, MAX_DURATION_MS))
def test_a_duration_as_people_read_it_is_one_and_nearly_the_same(milliseconds: int):
    shown = parse_duration(format_duration(milliseconds))

    # Two units are shown, or one decimal: anything smaller is dropped.
    assert abs(milliseconds - shown) <= max(100, milliseconds / 24, 60_000 * (milliseconds > 3_600_000))
    assert parse_duration(format_duration(shown)) == shown


@given(st.integers(0, 2**70) | st.floats(0, 1e30))
def test_a_size_is_a_short_number_and_a_unit(count: float):
    number, unit = format_bytes(count).split(" ")

    size = float(number) * 1024 ** ["B", "KiB", "MiB", "GiB", "TiB"].index(unit)
    assert math.isclose(size, count, rel_tol=0.06, abs_tol=0.6)


@given(anything | near_times)
@example("0001-01-01T00:00:00+14:00")
@example("9999-12-31T23:59:59.9999999-12:00")
def test_a_time_is_within_its_bounds_or_refused(text: str):
    value = parsed(parse_time, text)

    assert value is None or 0 <= value <= MAX_TIME


@given(st.integers(0, MAX_TIME))
def test_a_time_that_is_shown_means_the_same(milliseconds: int):
    assert parse_time(format_time(milliseconds)) == milliseconds


@given(anything)
def test_a_filter_finds_the_states_and_words_that_stand_in_it(text: str):
    value = parsed(parse_filter, text)

    if value is not None:
        assert set(value.states) <= set(JobState)
        words = (*value.queues, *value.not_queues, value.tag, value.not_tag, value.id, value.worker, value.error)
        typed = text.replace('\\"', '"')
        assert all(word is None or word in typed for word in (*words, *(value.text or "").split()))


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda each: each.key)
@given(text=anything | near_durations | st.floats().map(str) | st.integers().map(str))
@example(text="1" * 5000)
@example(text="1_0")
@settings(max_examples=60)
def test_a_setting_is_within_its_bounds_or_refused_and_takes_what_it_shows(setting: Any, text: str):
    value = parsed(setting.parse, text)

    if isinstance(value, str):
        assert setting.parse(show(value)) == value
    elif value is not None:
        assert setting.low <= value <= setting.high
        assert math.isclose(setting.parse(show(value)), value, abs_tol=0.001)


@given(st.dictionaries(st.sampled_from(sorted(SETTINGS)) | anything, anything, max_size=4))
def test_whatever_the_store_holds_workers_have_settings(stored: dict[str, str]):
    now = settings_from(stored, {})

    assert all(
        setting.low <= (getattr(now, key) or setting.low) <= setting.high
        for key, setting in SETTINGS.items()
        if setting.kind not in {"names?", "shell"}
    )


@given(anything)
def test_the_name_of_a_setting_is_known_or_refused(text: str):
    assert parsed(known_key, text) in {None, *SETTINGS}


@given(anything | jobs.map(json.dumps) | values.map(json.dumps))
@example("[" * 100_000)
@example('{"command": "x", "priority": ' + "9" * 5000 + "}")
@example('{"command": "x", "timeout": 1e400}')
@example('{"command": "x", "timeout": ' + "9" * 400 + "}")
@example('{"command": "\\ud800"}')
@example('{"command": "x", "env": {"\\ud800": ""}}')
@example('{"command": "x", "tags": ["a", {}]}')
@settings(max_examples=300)
def test_a_job_is_sound_or_refused(text: str):
    job = parsed(lambda given: new_job(parse_object(given)), text)

    if job is None:
        return
    assert isinstance(job, NewJob)
    assert job.command.strip()
    assert "\0" not in job.command
    assert job.id is None or 1 <= len(job.id) <= MAX_NAME
    assert 1 <= len(job.queue) <= MAX_NAME
    assert abs(job.priority or 0) <= MAX_PRIORITY
    assert job.max_retries is None or 0 <= job.max_retries <= MAX_RETRIES
    assert job.timeout_ms is None or 1 <= job.timeout_ms <= MAX_DURATION_MS
    assert job.delay_ms is None or 0 <= job.delay_ms <= MAX_DURATION_MS
    assert job.run_at is None or 0 <= job.run_at <= MAX_TIME
    for words in (
        job.command,
        job.id or "",
        job.queue,
        job.cwd or "",
        *job.tags,
        *(x for pair in job.env for x in pair),
    ):
        words.encode()


@pytest.mark.parametrize("operation", ALL, ids=lambda each: each.name)
@given(words=st.lists(anything | st.from_regex(r"--?[a-z-]{1,12}(=.{0,8})?", fullmatch=True), max_size=5))
@settings(max_examples=25)
def test_the_words_of_a_command_line_are_params_or_refused(operation: Operation, words: list[str]):
    try:
        made = params(operation, words)
    except UsageError:
        return

    assert type(made) is operation.params


printable = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" '\"\\$`-#"), max_size=20)


@given(st.lists(printable, max_size=5))
def test_words_of_printable_letters_mean_the_same_to_every_reader(words: list[str]):
    line = " ".join(map(quoted, words))

    assert shlex.split(line) == [word.text for word in split(line)] == words
