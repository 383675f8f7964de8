"""Check of the log of a soak's pools: it must have lines about orders and failed jobs, and no others."""

from __future__ import annotations

import re
import time

from queuectl.domain.attempt import FAILURES
from queuectl.selftest.pace import overlap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from queuectl.selftest.days import Observed
    from queuectl.selftest.records import Records

_LINE = re.compile(r"(\d\d):(\d\d):(\d\d)\.(\d{3}) \S+ (.*)", re.DOTALL)
_ORDERED = re.compile(r"pool started: |pool stopped|scaled from |stopping: |\d+ completed, \d+ failed attempts?$")
_FAILED = re.compile(r"job (\S+) (?:failed|is dead) after ")
_STORE_RETRY = ("waiting for the store: ", "the store is back")
_LINES_OF_AN_ORDER = 3
_AROUND_MS = 10_000
_DAY_MS = 86_400_000


def judge(records: Records, observed: Observed, excused: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each unexpected line. `excused` are workers that died while the machine was starved."""
    failures: dict[str, int] = {}
    for (id_, _), attempt in records.runs.items():
        if attempt.outcome in FAILURES:
            failures[id_] = failures.get(id_, 0) + 1
    ordered = 0
    for line in records.log:
        matched = _LINE.fullmatch(line)
        text = line if matched is None else matched[5]
        failed = _FAILED.match(text)
        if _ORDERED.match(text):
            ordered += 1
        elif failed is not None and failures.get(failed[1], 0) > 0:
            failures[failed[1]] -= 1
        elif any(worker in line for worker in excused):
            continue
        elif matched is None or not (text.startswith(_STORE_RETRY) and _was_starved(matched, observed)):
            yield f"unexpected line in the log: {line[:300]}"
    most = _LINES_OF_AN_ORDER * observed.orders
    if ordered > most:
        yield f"the log has {ordered} lines about {observed.orders} orders"


def _was_starved(line: re.Match[str], observed: Observed) -> bool:
    """Return whether the machine was starved when a line, which has a time of day only, was written."""
    hours, minutes, seconds, milliseconds = (int(line[group]) for group in range(1, 5))
    of_day = ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds
    for start, end in observed.starved:
        # The time of the line on the day of this span.
        local = time.localtime(start / 1000)
        midnight = start - ((local.tm_hour * 60 + local.tm_min) * 60 + local.tm_sec) * 1000 - start % 1000
        for moment in (midnight + of_day, midnight + of_day + _DAY_MS):
            if overlap(moment - _AROUND_MS, moment + _AROUND_MS, [(start, end)]):
                return True
    return False
