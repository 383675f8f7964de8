"""No file uses a word that the project bans (tests/support/language.py)."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.language import found_below, found_in


def test_names_comments_and_messages_contain_no_banned_word():
    try:
        found = found_below()
    except subprocess.CalledProcessError:
        pytest.skip("the sources are not a git checkout")

    assert found == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("x = 1  # somebody else", "somebody"),
        ('"""Let go of it."""\n', "Let go"),
        ("def who_told(): ...\n", "told in who_told"),
        ("raise E('it was taken away')\n", "taken away"),
    ],
)
def test_banned_words_are_found(text: str, word: str):
    assert [each for _, each in found_in("module.py", text)] == [word]


def test_code_in_a_page_is_not_checked():
    assert list(found_in("page.md", "`screen.told` is a name")) == []
