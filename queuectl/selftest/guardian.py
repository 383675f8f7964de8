"""Clean-up after a killed self-test: `python -m queuectl.selftest.guardian`, which every self-test starts.

The guardian waits for the end of a pipe that only the self-test holds. Should the self-test be killed in any way, the
guardian stops the pools, ends what their jobs have left, drops the database of a soak and deletes the directories.

Pools and clients inherit a lock from the self-test. It reveals a pool that has just been started and is not in the
store yet: if its directory were deleted, the pool would create it again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

_ROUNDS = 100
_PAUSE = 0.2


def main() -> int:
    """Wait, then clean up: `guardian DIRECTORY RUN LOCATION COMMAND…`, where the command is queuectl on the store."""
    directory, run, location, *command = sys.argv[1:]
    if sys.stdin.buffer.read():
        return 0  # the self-test has cleaned up
    from queuectl.selftest.leak_check import end_all

    for _ in range(_ROUNDS):
        _run(*command, "worker", "stop", "--now", "--timeout", "30s")
        end_all(location)
        if _has_no_process(directory):
            break
        time.sleep(_PAUSE)
    if "QUEUECTL_SCRATCH" in os.environ:
        _run(sys.executable, "-I", "-m", "queuectl.cli.scratch")
    for each in (directory, run):
        shutil.rmtree(each, ignore_errors=True)
    return 0


def _run(*command: str) -> None:
    null = subprocess.DEVNULL
    subprocess.run(command, stdin=null, stdout=null, stderr=null, check=False)


def _has_no_process(directory: str) -> bool:
    from queuectl.runtime.locks import is_free
    from queuectl.selftest.sandbox import ALIVE

    return is_free(os.path.join(directory, ALIVE))


if __name__ == "__main__":
    sys.exit(main())
