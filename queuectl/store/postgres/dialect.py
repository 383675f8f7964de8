"""The named statements in PostgreSQL's words: queries.sql is written for both, and what differs is changed here once.

- `:name` becomes `%(name)s`; a `%` of the statement's own is doubled, and neither `::casts` nor literals are touched.
- `INDEXED BY` goes: PostgreSQL has no such order, and tests hold its plans.
- `LIKE` becomes `ILIKE`: SQLite's takes ASCII letters of both cases for the same, as ILIKE does in the collation "C".
- A JSON array of ids, words or numbers is unfolded as PostgreSQL does it, and objects are built by its functions.
- `/*pg … */` is a comment to SQLite, and the words in it count here: row locks, which a single writer does without.
"""

from __future__ import annotations

import re
from functools import cache

from queuectl.domain.record import record
from queuectl.store.queries import load

_WORDS = (
    (re.compile(r" INDEXED BY \w+"), ""),
    (re.compile(r"\bLIKE\b"), "ILIKE"),
    (
        re.compile(r"IN \(SELECT value FROM json_each\(:(ids|unserved)\)\)"),
        r"= ANY (ARRAY(SELECT json_array_elements_text(CAST(:\1 AS JSON))))",
    ),
    (
        re.compile(r"IN \(SELECT value FROM json_each\(:seqs\)\)"),
        "= ANY (ARRAY(SELECT CAST(json_array_elements_text(CAST(:seqs AS JSON)) AS BIGINT)))",
    ),
    (re.compile(r"\bjson_object\("), "json_build_object("),
    (re.compile(r"\bjson_array\("), "json_build_array("),
    (re.compile(r"\bjson_group_array\("), "json_agg("),
    (re.compile(r"/\*pg (.*?) \*/"), r"\1"),
)
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
# A literal, a cast, or a parameter, whichever comes first: what is inside the first two is no parameter.
_PIECES = re.compile(r"('(?:[^']|'')*'|::)|:([a-z_]+)|(%)")


@record
class Statement:
    """A statement as psycopg takes it."""

    text: str
    parameters: tuple[str, ...]
    """Their names, in the order in which they first appear."""


@cache
def statements() -> dict[str, Statement]:
    """Every statement that the store knows, for PostgreSQL."""
    texts = load("postgresql") | load("postgresql", "postgres/queries.sql")
    return {name: translated(text) for name, text in texts.items()}


def translated(text: str) -> Statement:
    """One statement."""
    text = _COMMENT.sub("", text + "\n").strip()
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    names: dict[str, None] = {}

    def piece(match: re.Match[str]) -> str:
        kept, name, _ = match.groups()
        if kept is not None:
            return str(kept).replace("%", "%%")
        if name is None:
            return "%%"
        names[name] = None
        return f"%({name})s"

    text = _PIECES.sub(piece, text)
    return Statement(text=text, parameters=tuple(names))
