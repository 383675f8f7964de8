"""Translation of queries.sql, which is written for both dialects, to PostgreSQL.

- `:name` becomes `%(name)s`; other `%` are doubled, and neither `::casts` nor literals are touched.
- `INDEXED BY` is dropped: PostgreSQL has no equivalent, and tests check its plans.
- `LIKE` becomes `ILIKE`: SQLite's ignores the case of ASCII letters, as ILIKE does in the collation "C".
- A JSON array of ids, words or numbers is unnested with PostgreSQL's functions, and objects are built with them.
- `/*pg … */` is a comment to SQLite; here its text is used. It holds row locks, which a single writer does not need.
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
        re.compile(r"NOT IN \(SELECT value FROM json_each\(:(not_queues)\)\)"),
        r"<> ALL (ARRAY(SELECT json_array_elements_text(CAST(:\1 AS JSON))))",
    ),
    (
        re.compile(r"IN \(SELECT value FROM json_each\(:(ids|unserved|queues)\)\)"),
        r"= ANY (ARRAY(SELECT json_array_elements_text(CAST(:\1 AS JSON))))",
    ),
    (
        re.compile(r"IN \(SELECT value FROM json_each\(:(seqs|exits)\)\)"),
        r"= ANY (ARRAY(SELECT CAST(json_array_elements_text(CAST(:\1 AS JSON)) AS BIGINT)))",
    ),
    (re.compile(r"\bjson_object\("), "json_build_object("),
    (re.compile(r"\bjson_array\("), "json_build_array("),
    (re.compile(r"\bjson_group_array\("), "json_agg("),
    (re.compile(r"/\*pg (.*?) \*/"), r"\1"),
)
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
# A literal, a cast, or a parameter, whichever comes first: a colon inside the first two starts no parameter.
_PIECES = re.compile(r"('(?:[^']|'')*'|::)|:([a-z_]+)|(%)")


@record
class Statement:
    """A statement in psycopg's syntax."""

    text: str
    parameters: tuple[str, ...]
    """Names of the parameters, in the order in which they first appear."""


@cache
def statements() -> dict[str, Statement]:
    """Return every named statement of the store, for PostgreSQL."""
    texts = load("postgresql") | load("postgresql", "postgres/queries.sql")
    return {name: translated(text) for name, text in texts.items()}


def translated(text: str) -> Statement:
    """Translate one statement."""
    text = _COMMENT.sub("", text + "\n").strip()
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    names: dict[str, None] = {}

    def piece(match: re.Match[str]) -> str:
        literal, name, _ = match.groups()
        if literal is not None:
            return str(literal).replace("%", "%%")
        if name is None:
            return "%%"
        names[name] = None
        return f"%({name})s"

    text = _PIECES.sub(piece, text)
    return Statement(text=text, parameters=tuple(names))
