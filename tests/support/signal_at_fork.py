"""The command line, told to stop as it starts a worker: `python -m tests.support.signal_at_fork TIMES WORDS…`.

The signal comes when the first process of a pool has been forked, and nobody has taken down yet that it is there.
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


def tell_early(times: int) -> None:
    """Let this process get SIGTERM so many times, after its first fork."""

    @contextmanager
    def then_told() -> Iterator[None]:
        instead.stop()
        with orders_held_back():
            yield
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGTERM)

    instead = mock.patch("queuectl.runtime.supervisor.orders_held_back", then_told)
    instead.start()


if __name__ == "__main__":
    tell_early(int(sys.argv[1]))
    sys.exit(main.main(sys.argv[2:]))
