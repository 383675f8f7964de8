"""A job's progress is found in its output, and nothing else in its output can do harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl_tui.progress import Progress, parse_progress

HALF = Progress(state="running", percent=50)


@pytest.mark.parametrize(
    ("data", "meant"),
    [
        (b"\x1b]9;4;1;47\x07", Progress(state="running", percent=47)),
        (b"\x1b]9;4;1;47\x1b\\", Progress(state="running", percent=47)),
        (b"\x1b]9;4;1;0\x07", Progress(state="running", percent=0)),
        (b"\x1b]9;4;2;30\x07", Progress(state="error", percent=30)),
        (b"\x1b]9;4;2\x07", Progress(state="error", percent=None)),
        (b"\x1b]9;4;3\x07", Progress(state="busy", percent=None)),
        (b"\x1b]9;4;3;10\x07", Progress(state="busy", percent=None)),
        (b"\x1b]9;4;4;80\x07", Progress(state="paused", percent=80)),
        (b"\x1b]9;4;1;100\x07", Progress(state="running", percent=100)),
        (b"\x1b]9;4;1;101\x07", Progress(state="running", percent=100)),
        (b"\x1b]9;4;1;999\x07", Progress(state="running", percent=100)),
        (b"a\x1b]9;4;1;10\x07b\x1b]9;4;1;20\x07c", Progress(state="running", percent=20)),
        (b"\x1b]9;4;1;10\x07\x1b]9;4;0\x07", None),
        (b"\x1b]9;4;1;10\x07\x1b]9;4;0;0\x1b\\", None),
    ],
)
def test_the_last_reported_progress_counts(data: bytes, meant: Progress | None):
    assert parse_progress(data, HALF) == meant


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"9;4;1;47",
        b"]9;4;1;47\x07",
        b"\x1b]9;4;1;47",
        b"\x1b]9;4;1;4",
        b"\x1b]9;4;5;47\x07",
        b"\x1b]9;4;12;47\x07",
        b"\x1b]9;4;1;-5\x07",
        b"\x1b]9;4;1;1e9\x07",
        b"\x1b]9;4;1;4294967296\x07",
        b"\x1b]9;4;1;\xd9\xa3\x07",
        b"\x1b]9;4;1;47;1\x07",
        b"\x1b]9;hello\x07",
        b"\x1b]94;1;47\x07",
        b"\x1b]0;\x1b]9;4;1\x1b",
        b"\xff\xfe\x00\x1b\x1b]\x07" * 50,
    ],
)
def test_invalid_sequences_keep_the_previous_progress(data: bytes):
    assert parse_progress(data, HALF) == HALF
    assert parse_progress(data) is None


@given(st.binary(), st.sampled_from([None, HALF]))
def test_any_bytes_are_accepted(data: bytes, before: Progress | None):
    found = parse_progress(data + b"\x1b]9;4;1;7", before)

    assert found is None or found.percent is None or 0 <= found.percent <= 100


def test_it_is_found_after_other_sequences():
    assert parse_progress(b"\x1b]9;4;1;3\x1b]52;c;AA" * 100 + b"\x07" + b"\x1b]9;4;1;64\x07\x1b[31m") == Progress(
        state="running", percent=64
    )
