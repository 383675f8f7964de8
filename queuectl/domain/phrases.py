"""Phrases that messages share: a noun in the form for its number, a list that is cut off."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def plural(count: int, noun: str) -> str:
    """Return `noun` in the form for `count`: "job" for 1, else "jobs"."""
    return noun if count == 1 else f"{noun}s"


def first_of(texts: Sequence[str], most: int, separator: str = ",") -> str:
    """Join the first `most` of `texts`, with an ellipsis if there are more."""
    shown = f"{separator} ".join(texts[:most])
    return f"{shown}{separator} …" if len(texts) > most else shown
