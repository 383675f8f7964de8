"""Waiting until a console is idle.

Textual's pilot considers a process idle that uses no processor time. On a busy machine that is also one that was not
scheduled, so that a picture could be taken before its content had arrived.
"""

from __future__ import annotations

import asyncio

_QUIET_PASSES = 5
"""Consecutive passes of the event loop in which only this task was ready."""
_SOON = 0.12
"""Seconds. A timer that is due within them is waited for: the debounces of the views are shorter."""


async def settle(*_: float, **__: float) -> None:
    """Wait until no task is ready, and the timers that are due soon have fired.

    Later timers are not waited for: a periodic one would never settle. The arguments of Textual's own wait are accepted
    and ignored.
    """
    loop = asyncio.get_running_loop()
    await _quiet(loop)
    end = loop.time() + _SOON
    while (due := _next_timer(loop)) <= end:
        await asyncio.sleep(max(due - loop.time(), 0))
        await _quiet(loop)


async def _quiet(loop: asyncio.AbstractEventLoop) -> None:
    passes = 0
    while passes < _QUIET_PASSES:
        await asyncio.sleep(0)
        # No public interface exposes this; the two names have existed since the first asyncio.
        passes = 0 if loop._ready else passes + 1  # type: ignore[attr-defined]  # see above


def _next_timer(loop: asyncio.AbstractEventLoop) -> float:
    timers = loop._scheduled  # type: ignore[attr-defined]  # see above
    return min((timer.when() for timer in timers if not timer.cancelled()), default=float("inf"))
