"""Phrases of messages: nouns with numbers, and lists that are cut off."""

from __future__ import annotations

from queuectl.domain.phrases import first_of, plural


def test_a_noun_has_the_form_for_its_number():
    assert [plural(count, "job") for count in (0, 1, 2)] == ["jobs", "job", "jobs"]


def test_a_list_is_cut_off_with_an_ellipsis():
    assert first_of(["a", "b"], 2) == "a, b"
    assert first_of(["a", "b", "c"], 2) == "a, b, …"
    assert first_of(["a", "b", "c"], 2, ";") == "a; b; …"
    assert first_of([], 2) == ""
