"""Repeat a check that found problems, so that the doctor's exit code can be an alarm while workers are busy."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

_PAUSES = (0.1, 0.4)
"""Seconds between the checks: enough for a worker to clear up after an attempt that has just been recorded, and for a
steward to clear up after a worker that has just died."""


def lasting(find: Callable[[], dict[str, T]]) -> dict[str, T]:
    """Return the problems that every check finds, by name, as the last one found them. A healthy queue is checked once.

    One check reads processes, files and the store one after the other, and a busy queue changes between two of them.
    """
    problems = find()
    for pause in _PAUSES:
        if not problems:
            break
        time.sleep(pause)
        again = find()
        problems = {name: again[name] for name in problems if name in again}
    return problems
