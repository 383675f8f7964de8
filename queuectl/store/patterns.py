"""Text in patterns of SQL's LIKE."""

from __future__ import annotations


def escape_like(text: str) -> str:
    """Return `text` with LIKE's wildcards escaped by a backslash."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
