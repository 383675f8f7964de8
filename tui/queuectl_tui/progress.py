r"""What a job says of its progress: `ESC ] 9 ; 4 ; state ; percent BEL`, found in the last of what it has printed.

Nothing else in the output is looked at, so that nothing else can do harm: a sequence that is not exactly this is passed
over, and of a number only three digits are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_STATES = {1: "running", 2: "error", 3: "busy", 4: "paused"}
"""0 takes the progress back."""
_SAID = re.compile(rb"\x1b\]9;4;([0-4])(?:;([0-9]{0,3}))?(?:\x07|\x1b\\|\xc2\x9c)")


@dataclass(frozen=True, slots=True)
class Progress:
    """What a job says of its own progress with OSC 9;4."""

    state: str
    """`running`, `error`, `busy` (it cannot say how far) or `paused`."""
    percent: int | None


def progress_of(state: int | None, percent: int | None, before: Progress | None = None) -> Progress | None:
    """What the numbers of a sequence mean; one that means nothing leaves what was said `before`."""
    if state == 0:
        return None
    if state is None or state not in _STATES:
        return before
    return Progress(_STATES[state], None if percent is None or state == 3 else min(percent, 100))


def said(data: bytes, before: Progress | None = None) -> Progress | None:
    """What is said last; where nothing is said, what was said `before`."""
    found = _SAID.findall(data)
    if not found:
        return before
    state, number = found[-1]
    return progress_of(int(state), int(number) if number else None)
