"""A second look at what the doctor found, so that its exit code can be an alarm while workers are busy."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

_PAUSES = (0.1, 0.4)
"""Seconds between the looks: enough for a worker to clear up after an attempt that has just been recorded, and for a
steward to clear up after a worker that has just died."""


def lasting(find: Callable[[], dict[str, T]]) -> dict[str, T]:
    """Return what every look finds, by name, as the last one found it. A healthy queue is looked at once.

    One look reads processes, files and the store one after the other, and a busy queue changes between two of them.
    """
    found = find()
    for pause in _PAUSES:
        if not found:
            break
        time.sleep(pause)
        again = find()
        found = {name: again[name] for name in found if name in again}
    return found
