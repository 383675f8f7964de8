"""Keys that reach the console in one read, as from a paste, a slow link or a script.

The pilot's `press` waits after each key, so that the next one always meets a settled screen.
"""

from __future__ import annotations

from typing import Any

from textual._xterm_parser import XTermParser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from textual.pilot import Pilot


def pasted(text: str) -> str:
    """Return a bracketed paste."""
    return f"\x1b[200~{text}\x1b[201~"


async def burst(pilot: Pilot[int], typed: str) -> None:
    """Write `typed` to the console's input at once, and wait until it has been handled."""
    app: Any = pilot.app
    for event in XTermParser().feed(typed):
        app._driver.process_message(event)
    await pilot.pause()
