r"""What a job says of its progress: `ESC ] 9 ; 4 ; state ; percent BEL`, found in the last of what it has printed.

Nothing else in the output is looked at, so that nothing else can do harm: a sequence that is not exactly this is passed
over, and of a number only three digits are read.
"""

from __future__ import annotations

import re

from queuectl_tui.widgets.sgr import Progress

STATES = {b"1": "running", b"2": "error", b"3": "busy", b"4": "paused"}
"""0 takes the progress back."""
_SAID = re.compile(rb"\x1b\]9;4;([0-4])(?:;([0-9]{0,3}))?(?:\x07|\x1b\\|\xc2\x9c)")


def said(data: bytes, before: Progress | None = None) -> Progress | None:
    """What is said last; where nothing is said, what was said `before`."""
    found = _SAID.findall(data)
    if not found:
        return before
    state, number = found[-1]
    if state == b"0":
        return None
    percent = min(int(number), 100) if number and state != b"3" else None
    return Progress(STATES[state], percent)
