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
_AT_MOST = 5.0
"""Seconds after which something that never rests is left alone."""


async def settle(*_: float, **__: float) -> None:
    """Wait until no task is ready and no timer is due soon. Takes, and ignores, what Textual's own wait takes."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _AT_MOST
    while loop.time() < end:
        await _quiet(loop)
        due = _next_timer(loop) - loop.time()
        if due > _SOON:
            return
        await asyncio.sleep(max(due, 0))


async def _quiet(loop: asyncio.AbstractEventLoop) -> None:
    passes = 0
    while passes < _QUIET_PASSES:
        await asyncio.sleep(0)
        # No public interface tells it; the two names have stood since asyncio began.
        passes = 0 if loop._ready else passes + 1  # type: ignore[attr-defined]


def _next_timer(loop: asyncio.AbstractEventLoop) -> float:
    timers = loop._scheduled  # type: ignore[attr-defined]
    return min((timer.when() for timer in timers if not timer.cancelled()), default=float("inf"))
