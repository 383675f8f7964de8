"""The words in which this project is written: field terms, and no riddles."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.language import found_in
from tests.support.queue import ROOT

NOT_YET = (
    "docs/cli.md",
    "docs/console.md",
    "queuectl/cli/",
    "queuectl/operations/",
    "screenshots/",
    "tests/benchmarks/",
    "tests/cli/",
    "tests/console/",
    "tests/operations/",
    "tests/packaging/",
    "tests/properties/",
    "tests/store/",
    "tests/support/",
    "tests/unit/",
    "tui/",
)
"""What is still to be rewritten."""


@pytest.fixture(scope="module")
def files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--", "*.py", "*.sql", "*.md"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    if listed.returncode:
        pytest.skip("the sources are not a git checkout")
    return [path for path in listed.stdout.splitlines() if (ROOT / path).exists()]


def test_no_banned_word_stands_in_a_name_a_comment_or_a_message(files: list[str]):
    found = [
        f"{path}:{line}: {word}"
        for path in files
        if not path.startswith(NOT_YET)
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


def test_code_in_a_page_may_name_what_it_likes():
    assert list(found_in("page.md", "`screen.told` is a name")) == []
