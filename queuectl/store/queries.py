"""Named statements of a file of SQL, for one dialect."""

from __future__ import annotations

from functools import cache
from os.path import dirname, join

_MARK = "\n-- name: "
_FRAGMENT = "\n-- fragment: "


@cache
def load(dialect: str, source: str = "queries.sql") -> dict[str, str]:
    """Return statements by name. One marked `(dialect)` is for that dialect alone and overrides a common one."""
    with open(join(dirname(__file__), source), encoding="utf-8") as file:
        head, mark, body = file.read().partition(_MARK)
    _, *fragments = head.split(_FRAGMENT)
    # In the whole text: one by one, this would take a millisecond of every command.
    for name, _, text in (fragment.partition("\n") for fragment in fragments):
        body = body.replace(f"<{name}>", _without_comments(text))
    sections = body.split(_MARK) if mark else []
    common: dict[str, str] = {}
    special: dict[str, str] = {}
    for section in sections:
        head, _, body = section.partition("\n")
        name, _, only = head.partition(" (")
        if not only:
            common[name] = body.strip()
        elif only == f"{dialect})":
            special[name] = body.strip()
    return common | special


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.strip().split("\n") if not line.startswith("--"))
