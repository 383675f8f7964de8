r"""Progress that a job reports: `ESC ] 9 ; 4 ; state ; percent BEL`, found in the end of its output.

Nothing else in the output is interpreted, so that nothing else can do harm: a sequence that is not exactly this is
ignored, and at most three digits of a number are read.
"""

from __future__ import annotations

import re

from queuectl.domain.record import record

_STATES = {1: "running", 2: "error", 3: "busy", 4: "paused"}
"""State 0 clears the progress."""
_SEQUENCE = re.compile(rb"\x1b\]9;4;([0-4])(?:;([0-9]{0,3}))?(?:\x07|\x1b\\|\xc2\x9c)")


@record
class Progress:
    """Progress that a job reports with OSC 9;4."""

    state: str
    """`running`, `error`, `busy` (without a known percentage) or `paused`."""
    percent: int | None


def progress_of(state: int | None, percent: int | None, before: Progress | None = None) -> Progress | None:
    """Return the progress for the numbers of a sequence; invalid numbers leave it as it was `before`."""
    if state == 0:
        return None
    if state is None or state not in _STATES:
        return before
    return Progress(state=_STATES[state], percent=None if percent is None or state == 3 else min(percent, 100))


def parse_progress(data: bytes, before: Progress | None = None) -> Progress | None:
    """Return the last reported progress in `data`; without any, the one `before`."""
    sequences = _SEQUENCE.findall(data)
    if not sequences:
        return before
    state, number = sequences[-1]
    return progress_of(int(state), int(number) if number else None)
