"""The times of a schedule, and the check of what a user writes for them.

Cron expressions are read by cronsim, which treats days of daylight saving time as cron(8) of Debian documents it: a
fixed time that does not exist fires at the next one that does, one that comes twice fires once; `*` hours and minutes
follow the clock.
"""

from __future__ import annotations

import os

from queuectl.domain.errors import UsageError
from queuectl.domain.schedule import MOST_MISSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from queuectl.domain.schedule import Timing

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_EXAMPLE = (
    "five fields: minute hour day month weekday, as '*/5 * * * *' or '0 9 * * mon-fri'; or @daily, or --every 90s"
)
_NO_ZONES = "install the time zone database (Debian: tzdata), or the Python package tzdata"
MIN_INTERVAL_MS = 1000
_DAY_MS = 24 * 3600 * 1000


def check_cron(text: str) -> str:
    """Return a cron expression with single blanks. Raises UsageError."""
    words = text.split()
    written = " ".join(words)
    if written.lower() == "@reboot":
        raise UsageError(
            "@reboot is not a time", hint="let the system start the job at a boot: cron, or a systemd unit"
        )
    if written.startswith("@"):
        if written.lower() not in MACROS:
            raise UsageError(f"{written[:40]!r} is not a schedule", hint=f"one of {', '.join(MACROS)}")
        return written.lower()
    if len(words) != len(_FIELDS):
        few = "seconds are not supported: " if len(words) == len(_FIELDS) + 1 else ""
        raise UsageError(f"{written[:60]!r} has {len(words)} fields, not {len(_FIELDS)}", hint=few + _EXAMPLE)
    # Imported here, as below: only schedules need it.
    from cronsim import CronSimError

    try:
        _first(written)
    except CronSimError as error:
        what = str(error).lower().replace("bad ", "").replace("-of-", " of the ")
        raise UsageError(f"{written[:60]!r} is not a schedule: the {what} is invalid", hint=_EXAMPLE) from None
    return written


def check_zone(name: str) -> str:
    """Return the name of a time zone. Raises UsageError, also where there is no time zone database."""
    _zone(name)
    return name


def zones_are_known() -> bool:
    """Return whether there is a time zone database."""
    try:
        _zone("Europe/Berlin")
    except UsageError:
        return False
    return True


def next_time(timing: Timing, after: int) -> int | None:
    """Return the first time after `after`; None if there is none within fifty years. Raises UsageError for the zone."""
    if timing.every_ms is not None:
        steps = (after - timing.since) // timing.every_ms + 1
        return timing.since + max(steps, 1) * timing.every_ms
    return next(_forward(timing, after), None)


def times(timing: Timing, after: int, most: int) -> list[int]:
    """Return the first `most` times after `after`."""
    found: list[int] = []
    while len(found) < most and (at := next_time(timing, found[-1] if found else after)) is not None:
        found.append(at)
    return found


def passed(timing: Timing, since: int, now: int) -> list[int]:
    """Return the times from `since` to `now`, at most the last `MOST_MISSED`, the oldest first."""
    found: list[int] = []
    if timing.every_ms is not None:
        last = timing.since + (now - timing.since) // timing.every_ms * timing.every_ms
        while last >= since and len(found) < MOST_MISSED:
            found.append(last)
            last -= timing.every_ms
        return found[::-1]
    # Searched backwards only to find where to begin: on days on which the clocks change the two directions may differ.
    begin = since - 1
    for number, at in enumerate(_times(timing, now + 1000, reverse=True)):
        if at < since or number > MOST_MISSED:
            begin = max(begin, at - _DAY_MS)
            break
    for at in _forward(timing, begin):
        if at > now:
            break
        if at >= since:
            found.append(at)
    return found[-MOST_MISSED:]


def _forward(timing: Timing, after: int) -> Iterator[int]:
    """Yield the times after `after`, each later than the one before.

    In an hour that comes twice, cronsim begins with a fixed time of its first occurrence.
    """
    last = after
    for at in _times(timing, after, reverse=False):
        if at > last:
            yield at
            last = at


def _times(timing: Timing, start: int, *, reverse: bool) -> Iterator[int]:
    from datetime import datetime

    from cronsim import CronSim

    expression = timing.cron or ""
    begin = datetime.fromtimestamp(start / 1000, tz=_zone(timing.zone or "UTC"))
    for at in CronSim(MACROS.get(expression, expression), begin, reverse=reverse):
        yield round(at.timestamp() * 1000)


def _first(expression: str) -> None:
    from datetime import UTC, datetime

    from cronsim import CronSim

    CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))


def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if not available_timezones():
            raise UsageError("the time zones are not known on this machine", hint=_NO_ZONES) from None
        raise UsageError(f"there is no time zone {name[:60]!r}", hint="a name such as Europe/Berlin or UTC") from None


def local_zone(link: str = "/etc/localtime", file: str = "/etc/timezone") -> str:
    """Return the name of the local time zone: of TZ, else the system's. Raises UsageError for a zone without a name."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if not name:
        if not os.path.exists(link):
            return "UTC"
        name = os.path.realpath(link).partition("/zoneinfo/")[2] or _first_line(file)
    try:
        return check_zone(name)
    except UsageError:
        raise UsageError(
            "the local time zone has no name that could be stored", hint="give one: --tz Europe/Berlin, or --tz UTC"
        ) from None


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().strip()
    except OSError:
        return ""
