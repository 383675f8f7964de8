"""No file above 400 lines and no function above 50: what is longer is split before it is read."""

from __future__ import annotations

import ast

from tests.support.queue import ROOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_LINES, MOST_OF_A_FUNCTION = 400, 50


def sources() -> Iterator[Path]:
    for package in ("queuectl", "tui/queuectl_tui"):
        yield from sorted((ROOT / package).rglob("*.py"))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and number of lines of each function, its decorators left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1


def test_no_file_is_too_long():
    lines = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8").count("\n") for path in sources()}

    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_no_function_is_too_long():
    found = [(name, lines) for path in sources() for name, lines in functions(path)]

    assert len(found) > 1000
    assert [each for each in found if each[1] > MOST_OF_A_FUNCTION] == []
