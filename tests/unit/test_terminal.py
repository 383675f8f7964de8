"""Readable output of jobs: a line that moves back over itself is shown in its final state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.terminal import LONGEST_LINE, Lines, shown


@pytest.mark.parametrize(
    ("printed", "seen"),
    [
        ("\r10%\r100%\n", "100%\n"),
        ("10%\r\x1b[K100%\n", "100%\n"),
        ("abcdef\rXY\n", "XYcdef\n"),
        ("spin |\b/\b-", "spin -"),
        ("\x1b[32m10%\x1b[0m\r\x1b[32m100%\x1b[0m\nend", "100%\nend"),
        ("windows\r\nlines\r\r\n", "windows\nlines\n"),
        ("at the end\r", "at the end"),
        ("a\tb\n", "a\tb\n"),
        ("\x1b[1mbold\x1b[0m\n", "\\x1b[1mbold\\x1b[0m\n"),
        ("x\ry\x07\x00\u202e\n", "y\\x00\\u202e\n"),
        ("漢字\rab\n", "ab字\n"),
        ("one\n\r50%\r99%\nthree\n", "one\n99%\nthree\n"),
    ],
)
def test_output_is_shown_as_a_terminal_would_leave_it(printed: str, seen: str):
    assert shown(printed) == seen


pieces = st.lists(
    st.sampled_from(["\r", "\n", "\r\n", "\b", "\t", "\x1b[K", "\x1b[31m", "\x1b[2C", "10%", "é", "漢", "\x00", "abc"]),
    max_size=12,
)


@given(st.lists(pieces, max_size=5))
def test_lines_are_the_same_wherever_the_stream_is_cut(parts: list[list[str]]):
    lines = Lines()
    text = "".join("".join(part) for part in parts)
    data = text.encode()
    came = "".join(lines.take(data[place : place + 1]) for place in range(len(data)))
    assert came + lines.finish() == shown(text)


def test_a_line_under_way_is_known_and_kept_back():
    lines = Lines()
    assert lines.take(b"10%") == ""
    assert lines.so_far() == "10%"
    assert lines.take(b"\r100%") == ""
    assert lines.so_far() == "100%"
    assert lines.take(b"\r\n") == "100%\n"
    assert lines.so_far() == lines.finish() == ""


def test_a_stream_without_newlines_takes_no_more_memory_than_a_long_line():
    lines = Lines()
    came = "".join(lines.take(b"x" * 10_000) for _ in range(100))
    assert len(came) >= 1_000_000 - LONGEST_LINE
    assert len(came) + len(lines.finish()) == 1_000_000

    bar = Lines()
    for step in range(50_000):
        assert bar.take(f"\r{step:07d}".encode()) == ""
    assert bar.finish() == "0049999"
