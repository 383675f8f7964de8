"""Named statements of a file of SQL, for one dialect."""

from __future__ import annotations

from functools import cache
from os.path import dirname, join

_MARK = "\n-- name: "


@cache
def load(dialect: str, source: str = "queries.sql") -> dict[str, str]:
    """Return statements by name. One marked `(dialect)` is for that dialect alone and overrides a common one."""
    with open(join(dirname(__file__), source), encoding="utf-8") as file:
        _, *sections = file.read().split(_MARK)
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
