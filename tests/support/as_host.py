"""The command line as on a host of another name: `python -m tests.support.as_host NAME WORDS…`."""

from __future__ import annotations

import os
import sys

from queuectl.cli import main


def call_this_host(name: str) -> None:
    """Give this process, and those that it forks, the host name `name`."""
    true = os.uname()
    os.uname = lambda: os.uname_result((true.sysname, name, *tuple(true)[2:]))


if __name__ == "__main__":
    call_this_host(sys.argv[1])
    sys.exit(main.main(sys.argv[2:]))
