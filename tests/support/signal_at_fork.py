"""The command line, signalled while it starts a worker: `python -m tests.support.signal_at_fork TIMES WORDS…`.

The signal, SIGTERM or for 0 times SIGKILL, arrives when the first process of a pool has been forked, and is not
registered yet.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from unittest import mock

from queuectl.cli import main
from queuectl.runtime.signals import orders_held_back

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def signal_at_fork(times: int) -> None:
    """Send this process SIGTERM `times` times, or SIGKILL for 0 times, right after its first fork."""

    @contextmanager
    def then_signal() -> Iterator[None]:
        instead.stop()
        with orders_held_back():
            yield
        for number in [signal.SIGTERM] * times or [signal.SIGKILL]:
            os.kill(os.getpid(), number)

    instead = mock.patch("queuectl.runtime.launcher.orders_held_back", then_signal)
    instead.start()


if __name__ == "__main__":
    signal_at_fork(int(sys.argv[1]))
    sys.exit(main.main(sys.argv[2:]))
