"""Signals that end a wait."""

from __future__ import annotations

import os
import signal


def signal_pipe() -> int:
    """A pipe that can be read after each signal that has a handler, so that whoever waits on it wakes up."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader
