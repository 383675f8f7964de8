"""Parsing of filters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.errors import UsageError
from queuectl.domain.filter import Filter, parse_filter
from queuectl.domain.job import JobState


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", Filter()),
        ("state:failed", Filter(states=(JobState.FAILED,))),
        ("state:failed,dead state:Failed", Filter(states=(JobState.FAILED, JobState.DEAD))),
        ("state:pe", Filter(states=(JobState.PENDING,))),
        ("queue:mail tag:a id:4", Filter(queue="mail", tag="a", id="4")),
        ("  send  --to list ", Filter(text="send --to list")),
        ("http://host queue:q", Filter(queue="q", text="http://host")),
        ("priority:5", Filter(text="priority:5")),
        ('"state:dead" queue:q', Filter(queue="q", text="state:dead")),
    ],
)
def test_a_filter_is_parsed(text: str, meant: Filter):
    assert parse_filter(text) == meant


@pytest.mark.parametrize("text", ["state:", "queue:", "state:nope", "state:p", "tag:a tag:b"])
def test_an_invalid_filter_is_refused(text: str):
    with pytest.raises(UsageError):
        parse_filter(text)


@given(st.text())
def test_any_text_is_a_filter_or_refused(text: str):
    try:
        meant = parse_filter(text)
    except UsageError:
        return
    assert meant.text is None or all(word in text for word in meant.text.split())
