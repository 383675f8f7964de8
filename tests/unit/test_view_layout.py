"""A saved view keeps its order and columns beside its filter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.errors import UsageError
from queuectl.domain.view_layout import ViewLayout, parse_view, view_words


@pytest.mark.parametrize(
    ("words", "chosen", "look"),
    [
        ("", "", ViewLayout()),
        ("state:failed report", "state:failed report", ViewLayout()),
        ("state:failed sort:next-run", "state:failed", ViewLayout(sort="next-run")),
        ("sort:-duration a  b", "a b", ViewLayout(sort="duration", reverse=True)),
        ("x columns:-worker,+due", "x", ViewLayout(hidden=("worker",), wanted=("due",))),
        ("columns:-worker columns:+due", "", ViewLayout(hidden=("worker",), wanted=("due",))),
    ],
)
def test_a_view_is_a_filter_and_a_layout(words: str, chosen: str, look: ViewLayout):
    assert parse_view(words) == (chosen, look)


def test_a_view_without_a_layout_sets_nothing():
    assert not parse_view("state:failed report")[1].says_anything


@pytest.mark.parametrize(
    "words", ["sort:", "sort:-", "sort:newest sort:oldest", "columns:", "columns:due", "columns:+"]
)
def test_an_invalid_layout_is_refused(words: str):
    with pytest.raises(UsageError):
        parse_view(words)


names = st.text("abcdefgh-", min_size=1).filter(lambda name: name[0] != "-")


@given(st.lists(names), st.none() | names, st.booleans(), st.lists(names), st.lists(names))
def test_a_written_view_is_parsed_again(
    chosen: list[str], sort: str | None, reverse: bool, hidden: list[str], wanted: list[str]
):
    look = ViewLayout(sort=sort, reverse=reverse and sort is not None, hidden=tuple(hidden), wanted=tuple(wanted))

    assert parse_view(view_words(" ".join(chosen), look)) == (" ".join(chosen), look)
