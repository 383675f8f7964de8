"""Parsing of filters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.errors import UsageError
from queuectl.domain.filter import Filter, parse_filter
from queuectl.domain.job import JobState

_OTHERS = (JobState.PENDING, JobState.PROCESSING, JobState.FAILED, JobState.CANCELLED)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", Filter()),
        ("state:failed", Filter(states=(JobState.FAILED,))),
        ("state:failed,dead state:Failed", Filter(states=(JobState.FAILED, JobState.DEAD))),
        ("state:pe", Filter(states=(JobState.PENDING,))),
        ("queue:mail tag:a id:4", Filter(queues=("mail",), tag="a", id="4")),
        ("  send  --to list ", Filter(text="send --to list")),
        ("http://host queue:q", Filter(queues=("q",), text="http://host")),
        ('"priority:5"', Filter(text="priority:5")),
        ("12:30 !important", Filter(text="12:30 !important")),
        ('"state:dead" queue:q', Filter(queues=("q",), text="state:dead")),
        ('queue:a,b queue:c !queue:"d, e"', Filter(queues=("a", "b", "c"), not_queues=("d, e",))),
        (
            "!state:completed,dead !state:held",
            Filter(states=_OTHERS),
        ),
        ("not:tag:x exit:1,28 error:7f3a worker:w-1", Filter(not_tag="x", exits=(1, 28), error="7f3a", worker="w-1")),
        ("age:>1h newer:2d", Filter(older_ms=3_600_000, newer_ms=172_800_000)),
        ('"free text" "say \\"hi\\"" end', Filter(text='free text say "hi" end')),
        ('"state:de', Filter(text="state:de")),
    ],
)
def test_a_filter_is_parsed(text: str, meant: Filter):
    assert parse_filter(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "state:",
        "queue:",
        "state:nope",
        "state:p",
        "tag:a tag:b",
        "stat:dead",
        "!exit:1",
        "exit:256",
        "age:1h",
        "age:>x",
        "state:dead !state:dead",
        "x" * 1001,
    ],
)
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
