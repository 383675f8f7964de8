"""The command line under a wall clock that is wrong: `python -m tests.support.skewed FILE WORDS…`.

The clock is off by the number of seconds that stands in FILE, which a test rewrites while processes run: to them, and
to what they fork, the wall clock jumps. The monotonic clock is not touched, as it is when somebody sets a clock.
"""

from __future__ import annotations

import sys
import time

from queuectl.cli import main
from queuectl.domain.clock import Clock


def off_by(path: str) -> int:
    """Milliseconds."""
    with open(path, encoding="ascii") as file:
        return round(float(file.read() or 0) * 1000)


def skew(path: str) -> None:
    """Let every clock of this process, and of those that it forks, be wrong."""

    def now(self: Clock) -> int:
        return time.time_ns() // 1_000_000 + off_by(path)

    Clock.now = now  # type: ignore[method-assign]  # that is what this is for


if __name__ == "__main__":
    skew(sys.argv[1])
    sys.exit(main.main(sys.argv[2:]))
