"""Search for words that this project does not use: `python -m tests.support.language [PATH…]`.

Field terms and a named subject need no second reading (CONTRIBUTING.md, "How we write").
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize

from tests.support.queue import ROOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PROSE = re.compile(
    r"\b(?:some|any|every|no)body(?:'s)?\b|\bwhoever\b|\bwhomever\b"
    r"|\b(?:he|him|his|himself)\b|\btold\b|\bsaid\b|\bafar\b|\bweather\b|\brooms?\b"
    r"|\b(?:take|takes|taken|taking|took)(?: \w+)? away\b|\b(?:let|lets)(?: \w+){0,2} go\b|\b(?:go|goes|went) before\b",
    re.IGNORECASE,
)
NAMES = frozenset(
    ("told", "said", "afar", "weather", "room", "rooms", "whoever", "somebody", "nobody", "anybody", "everybody")
)
"""Words that are not used between the underscores of an identifier."""
LISTS = ("tests/support/language.py", "tests/unit/test_language.py")
"""Files that name these words in order to find them."""


def found_in(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield line and word for each banned word in the names, comments, docstrings and messages of a file."""
    if path in LISTS:
        return
    if not path.endswith(".py"):
        code = re.compile(r"`[^`\n]*`")
        for number, line in enumerate(text.splitlines(), 1):
            for match in PROSE.finditer(code.sub(lambda quoted: " " * len(quoted[0]), line)):
                yield number, match[0]
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            parts = re.sub(r"([a-z])([A-Z])", r"\1_\2", token.string).lower().split("_")
            for part in NAMES.intersection(parts):
                yield token.start[0], f"{part} in {token.string}"
        elif token.type in {tokenize.COMMENT, tokenize.STRING}:
            for match in PROSE.finditer(token.string):
                yield token.start[0] + token.string.count("\n", 0, match.start()), match[0]


def found_below(prefixes: tuple[str, ...] = ("",)) -> list[str]:
    """Return `path:line: word` for each banned word in the tracked files whose path begins with one of `prefixes`.

    Raises subprocess.CalledProcessError where the sources are not a git checkout.
    """
    kinds = ("*.py", "*.sql", "*.md")
    listed = subprocess.run(["git", "ls-files", "--", *kinds], capture_output=True, text=True, check=True, cwd=ROOT)
    return [
        f"{path}:{line}: {word}"
        for path in listed.stdout.splitlines()
        if path.startswith(prefixes) and (ROOT / path).exists()
        for line, word in found_in(path, (ROOT / path).read_text(encoding="utf-8"))
    ]


def main(paths: list[str]) -> int:
    """Print the banned words below `paths` (default: everywhere); return 1 if there are any."""
    found = found_below(tuple(paths) or ("",))
    for each in found:
        print(each)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
