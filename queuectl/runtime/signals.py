"""Signals of supervisors and their children: wake-up pipe and blocking around a fork."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ORDERS = frozenset({signal.SIGTERM, signal.SIGQUIT, signal.SIGINT, signal.SIGHUP})
"""Signals that a supervisor receives and passes on."""


def signal_pipe() -> int:
    """Return a pipe that becomes readable after each handled signal, so that a poll on it wakes up."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


@contextmanager
def orders_held_back() -> Iterator[None]:
    """Block the order signals around a fork, until the child calls `take_orders`.

    The inherited handlers would swallow a signal that arrives before the child has handlers of its own.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ORDERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def take_orders() -> None:
    """Unblock the order signals: those that arrived since the fork are delivered now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ORDERS)
