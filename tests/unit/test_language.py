"""No file uses a word that the project bans (tests/support/language.py)."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.language import found_in
from tests.support.queue import ROOT

WORD_LISTS = ("tests/support/language.py", "tests/unit/test_language.py")
"""Files that contain banned words in order to find them."""


@pytest.fixture(scope="module")
def files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--", "*.py", "*.sql", "*.md"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    if listed.returncode:
        pytest.skip("the sources are not a git checkout")
    return [path for path in listed.stdout.splitlines() if (ROOT / path).exists()]


def test_names_comments_and_messages_contain_no_banned_word(files: list[str]):
    found = [
        f"{path}:{line}: {word}"
        for path in files
        if not path.startswith(WORD_LISTS)
        for line, word in found_in(path, (ROOT / path).read_text(encoding="utf-8"))
    ]

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
