"""Waiting for what must happen, by looking until it has: never for a fixed time."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeVar

    T = TypeVar("T")


PATIENCE = 180.0
"""Seconds for which a test waits for what must happen. It ends a wait that would never end, and measures nothing: on a
busy machine everything takes many times as long, and a red test must mean a fault.
"""


def wait_until(predicate: Callable[[], T | Literal[False] | None], seconds: float = PATIENCE) -> T:
    """Call `predicate` until it gives something true, and give that; fail when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {seconds} s: {predicate!r}")
        time.sleep(0.005)
