"""What ends the console from outside: signals, as a shell expects, and Ctrl+C, which must be pressed twice."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App

_AGAIN = 5.0
"""Seconds within which a second Ctrl+C ends the console."""


class Interrupts:
    """The times of Ctrl+C."""

    def __init__(self) -> None:
        """Start without one."""
        self._at = float("-inf")

    def is_second(self, now: float) -> bool:
        """Note one, and return whether the one before was within five seconds."""
        before, self._at = self._at, now
        return now - before < _AGAIN


def exit_on_signals(app: App[int]) -> None:
    """Exit with 128 and the signal's number when the terminal hangs up, and on SIGTERM.

    Without effect outside the main thread, as in tests.
    """
    for each in (signal.SIGTERM, signal.SIGHUP):
        with suppress(RuntimeError, NotImplementedError, ValueError):
            asyncio.get_running_loop().add_signal_handler(each, app.exit, None, 128 + each)
