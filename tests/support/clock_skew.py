"""The command line with a wrong wall clock: `python -m tests.support.clock_skew FILE WORDS…`.

The clock is off by the number of seconds in FILE, which a test rewrites while processes run: to them, and to what they
fork, the wall clock jumps. The monotonic clock is unchanged, as when a clock is set.
"""

from __future__ import annotations

import sys
import time

from queuectl.cli import main


def off_by(path: str) -> int:
    """Return the offset in milliseconds."""
    with open(path, encoding="ascii") as file:
        return round(float(file.read() or 0) * 1000)


def skew(path: str) -> None:
    """Skew the wall clock of this process, and of those that it forks."""
    true = time.time_ns
    time.time_ns = lambda: true() + off_by(path) * 1_000_000


if __name__ == "__main__":
    skew(sys.argv[1])
    sys.exit(main.main(sys.argv[2:]))
