"""What a benchmark reports, and the ways to measure it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table."""

    what: str
    value: str
    target: str
    met: bool
    detail: str = ""


def paired(
    ours: Callable[[], float], peer: Callable[[], float], *, rounds: int
) -> tuple[float, list[float], list[float]]:
    """The median of ours / peer, measured in turn so that a machine that slows down slows both; and all values."""
    mine: list[float] = []
    theirs: list[float] = []
    ours(), peer()
    for _ in range(rounds):
        theirs.append(peer())
        mine.append(ours())
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    return ratio, mine, theirs


def middle(values: list[float]) -> float:
    """The median."""
    return statistics.median(values)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
