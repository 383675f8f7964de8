"""Drops the database of a self-test that was killed: `python -m queuectl.cli.scratch`, which its guardian runs.

QUEUECTL_SCRATCH is the name of the database, QUEUECTL_BESIDE the URL of the one beside which it was made: by the
environment, as arguments can be read by every user of the machine.
"""

from __future__ import annotations

import os
import sys

from queuectl.domain.errors import QueuectlError


def main() -> int:
    """Drop it; the exit code."""
    from queuectl.store.postgres.scratch import drop

    try:
        drop(os.environ["QUEUECTL_BESIDE"], os.environ["QUEUECTL_SCRATCH"])
    except QueuectlError as error:
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
