"""Waiting by polling a condition, never for a fixed time."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeVar

    T = TypeVar("T")


PATIENCE = 180.0
"""Seconds that a test waits for what must happen.

It bounds a wait that would never end, and measures nothing: on a busy machine everything takes many times as long, and
a red test must mean a fault.
"""


def wait_until(predicate: Callable[[], T | Literal[False] | None], seconds: float = PATIENCE) -> T:
    """Call `predicate` until its value is true, and return the value; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {seconds} s: {predicate!r}")
        time.sleep(0.005)
