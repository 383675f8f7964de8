"""Drop the database of a self-test that was killed: `python -m queuectl.cli.scratch`, which its guardian runs.

QUEUECTL_SCRATCH is the name of the database, QUEUECTL_BESIDE the URL of the database beside which it was created. They
are passed in the environment, because every user of the machine can read arguments.
"""

from __future__ import annotations

import os
import sys

from queuectl.domain.errors import QueuectlError


def main() -> int:
    """Drop the database. Return the exit code."""
    from queuectl.store.postgres.scratch import drop

    try:
        drop(os.environ["QUEUECTL_BESIDE"], os.environ["QUEUECTL_SCRATCH"])
    except QueuectlError as error:
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
