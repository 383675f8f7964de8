"""The process of the pool of a `run --local`: `python -m queuectl.cli.local_pool`, on the store of QUEUECTL_DB."""

from __future__ import annotations

import os
import signal
import sys

from queuectl.bootstrap import context
from queuectl.cli.screen import Screen
from queuectl.domain.errors import QueuectlError
from queuectl.operations.local_pool import serve


def main() -> int:
    """Run the pool and return the exit code of this process."""
    # As for every command (cli/main.py): if it is ignored, the kernel discards the exit status of child processes.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    screen = Screen(sys.stdout, sys.stderr)
    try:
        serve(context(None, say=screen.say))
    except QueuectlError as error:
        return screen.fail(error)
    return 0


if __name__ == "__main__":
    os._exit(main())
