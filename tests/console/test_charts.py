"""Charts: how they draw numbers, and that they state when there is no data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.store.stats import Spread
from queuectl_tui.widgets.charts import Chart, bar, chart_lines, outcome_lines, percentile_lines, resampled, spark
from queuectl_tui.widgets.lines import Column, Line, block, fitted, length_of, spread_out, table_line

values = st.lists(st.one_of(st.none(), st.integers(0, 10_000)), max_size=100)


def text(lines: list[Line]) -> list[str]:
    return ["".join(piece for piece, _ in line) for line in lines]


def test_a_chart_has_a_title_an_axis_and_the_highest_value():
    chart = Chart(title="Out", series=((0, 4, 8),), note=(("12 in all", "dim"),), since="60 min ago")

    drawn = text(chart_lines(chart, 31, 6))

    assert drawn[0] == "Out                   12 in all"
    assert drawn[1] == "     8┤                ████████"
    assert drawn[3] == "      │        ████████████████"
    assert drawn[5] == "     0└─60 min ago ──────── now"


def test_stacked_series_keep_their_colours():
    chart = Chart(title="", series=((6,), (2,)), roles=("completed", "dead"))

    lines = chart_lines(chart, 40, 6)

    assert [line[2][1] for line in lines[1:5]] == ["dead", "completed", "completed", "completed"]


def test_a_small_value_is_visible():
    chart = Chart(title="", series=((1, 100_000),))

    assert "▁" in text(chart_lines(chart, 30, 6))[4]
    assert spark([1, 100_000], 2) == "▁█"


@pytest.mark.parametrize("ascii_only", [True, False])
@given(first=values, width=st.integers(0, 130), height=st.integers(0, 12))
def test_a_chart_never_exceeds_its_size(ascii_only: bool, first: list[int | None], width: int, height: int):
    chart = Chart(title="In", series=(tuple(first), tuple(first)), roles=("bar", "dead"), since="24 h ago")

    lines = chart_lines(chart, width, height, ascii_only=ascii_only)

    assert len(lines) <= max(height, 1)
    if width >= 15:
        assert all(length_of(line) <= width for line in lines)
    if ascii_only:
        assert all(each.isascii() for each in text(lines))


def test_charts_without_data_show_a_text():
    assert any("no data yet" in line for line in text(chart_lines(Chart(title="In"), 60, 8)))
    assert any("nothing in this time" in line for line in text(chart_lines(Chart(title="In", series=((0, 0),)), 60, 8)))
    assert "no data yet" in text(outcome_lines({}, 40))[0]
    assert "no data yet" in text(percentile_lines("Wait", Spread(), 40))[1]
    assert spark([], 5) == spark([None, 0], 5) == "     "


@given(values, st.integers(1, 120))
def test_columns_keep_the_sum_where_slots_share_them(numbers: list[int | None], width: int):
    found = resampled(numbers, width)

    assert len(found) == width
    if len(numbers) >= width:
        assert sum(each or 0 for each in found) == sum(each or 0 for each in numbers)


def test_the_newest_is_at_the_right():
    assert spark([8], 4) == "   █"
    assert spark([1, 8], 4, ascii_only=True) == "  .#"


def test_outcomes_share_the_bar_and_none_is_lost():
    bar_line, legend = outcome_lines({"success": 100_000, "timeout": 1}, 60)

    assert length_of(bar_line) == 60
    assert text([legend]) == ["✓ success 100,000 100%   ◐ timeout 1 0%"]


def test_percentiles_are_bars_against_the_largest():
    drawn = text(percentile_lines("Run time", Spread(n=3, p50=500, p95=900, p99=1000), 33))

    assert drawn == [
        "Run time               3 measured",
        "p50 ██████████··········    500ms",
        "p95 ██████████████████··    900ms",
        "p99 ████████████████████     1.0s",
    ]


def test_a_bar_is_never_longer_than_its_track():
    assert bar(2, 4) == ("████", "")
    assert bar(0.01, 4) == ("▌", "···")
    assert bar(0.3, 4, ascii_only=True) == ("#", "...")


def test_tables_drop_columns_that_do_not_fit_and_cut_wide_letters_cleanly():
    columns = [
        Column(title="A", width=4),
        Column(title="B", width=6, grows=True),
        Column(title="C", width=3, from_width=20),
    ]

    assert text([table_line(columns, [("a", ""), ("日本語日本語", ""), ("c", "")], 13)]) == ["a     日本語…"]
    assert length_of(table_line(columns, [("a", ""), ("b", ""), ("c", "")], 30)) == 30
    assert fitted("日本語", 4) == "日 …"


def test_two_parts_of_a_line_are_at_its_edges_or_the_right_one_is_dropped():
    assert text([spread_out((("a", ""),), (("b", ""),), 5)]) == ["a   b"]
    assert text([spread_out((("aaa", ""),), (("bbb", ""),), 5)]) == ["aaa"]


def test_a_block_is_the_end_of_a_text_and_harmless():
    assert text(block("one\n\ntwo\x1b[31m\r\nthree\n", 12, 2)) == ["two\\x1b[31m ", "three       "]
