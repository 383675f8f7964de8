"""Signals that end a wait."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ORDERS = frozenset({signal.SIGTERM, signal.SIGQUIT, signal.SIGINT, signal.SIGHUP})
"""What a supervisor is sent, and sends on."""


def signal_pipe() -> int:
    """A pipe that can be read after each signal that has a handler, so that whoever waits on it wakes up."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


@contextmanager
def orders_held_back() -> Iterator[None]:
    """Around a fork: the handlers that a child inherits would swallow what comes before it `take_orders` of its own."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ORDERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def take_orders() -> None:
    """Have what came since the fork delivered."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ORDERS)
