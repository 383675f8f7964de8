"""Waiting until a console has nothing left to do.

Textual's pilot takes a process that uses no processor for idle. On a busy machine that is also one that was not given
any, so that a picture could be taken before what it shows had arrived.
"""

from __future__ import annotations

import asyncio

_QUIET_PASSES = 5
"""Passes of the event loop, one after the other, in which nothing but this was ready to run."""
_SOON = 0.12
"""Seconds. A timer that is due within them is waited for: the debounces of the views are shorter."""


async def settle(*_: float, **__: float) -> None:
    """Wait until no task is ready, and until the timers have rung that are due soon after that.

    Timers that are set later are not waited for: what ticks all the time would never be settled. Takes, and ignores,
    what Textual's own wait takes.
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
        # No public interface tells it; the two names have stood since asyncio began.
        passes = 0 if loop._ready else passes + 1  # type: ignore[attr-defined]  # as said above


def _next_timer(loop: asyncio.AbstractEventLoop) -> float:
    timers = loop._scheduled  # type: ignore[attr-defined]  # as said above
    return min((timer.when() for timer in timers if not timer.cancelled()), default=float("inf"))
