"""Parsing and formatting of durations, times and byte counts."""

from __future__ import annotations

import re
import time

from queuectl.domain.errors import UsageError

_UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION_HINT = (
    "a number of seconds, or units in this order: w (weeks), d (days), h (hours), m (minutes), s, ms; such as 1h30m"
)
# Compiled by re at first use: most commands parse no duration.
_NUMBER = r"\d+(?:\.\d+)?"
_PARTS = "".join(rf"(?:({_NUMBER}){unit})?" for unit in _UNITS)
"""Each unit at most once, the largest first."""
_TIME = r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d(?:\.\d+)?)([Zz]|[+-]\d\d:\d\d)?)?"
MAX_DURATION_MS = 10 * 366 * 86_400_000
"""Ten years: longer than any sensible duration."""
MAX_TIME = 253_402_300_799_999
"""The last millisecond of the year 9999, the last that RFC 3339 can write."""


def parse_duration(text: str) -> int:
    """Return the milliseconds of `90`, `1.5`, `90s`, `500ms`, `1h30m` or `7d`; a bare number is seconds.

    Units are lower case, each at most once, the largest first: 1M could mean a month, and 1m1h is ambiguous. Raises
    UsageError for anything else, and beyond ten years.
    """
    compact = text.strip()
    if re.fullmatch(_NUMBER, compact, re.ASCII):
        compact += "s"
    parts = re.fullmatch(_PARTS, compact, re.ASCII)
    if not parts or not compact:
        raise UsageError(f"{text[:40]!r} is not a duration", hint=_DURATION_HINT)
    total = sum(float(number or 0) * size for number, size in zip(parts.groups(), _UNITS.values(), strict=True))
    if total > MAX_DURATION_MS:
        raise UsageError(f"{text[:40]!r} is longer than ten years")
    return round(total)


def parse_time(text: str) -> int:
    """Return milliseconds since the epoch of an RFC 3339 time such as `2026-11-08T16:12:48Z`. Raises UsageError."""
    # Imported here: datetime costs a millisecond, which only `--at` should pay.
    from datetime import datetime

    hint = "write RFC 3339 with an offset: 2026-11-08T16:12:48Z or 2026-11-08T17:12:48+01:00"
    # fromisoformat reads ISO 8601, which allows weeks, commas and more that RFC 3339 excludes.
    parts = re.fullmatch(_TIME, text.strip(), re.ASCII)
    date, clock, zone = parts.groups("") if parts else ("", "", "")
    try:
        moment = datetime.fromisoformat(f"{date}T{clock or '00:00:00'}{zone.upper()}")
    except ValueError:
        raise UsageError(f"{text[:40]!r} is not a time", hint=hint) from None
    if moment.tzinfo is None:
        raise UsageError(f"{text[:40]!r} has no time zone", hint=hint)
    milliseconds = round(moment.timestamp() * 1000)
    if not 0 <= milliseconds <= MAX_TIME:
        raise UsageError(f"{text[:40]!r} is out of range")
    return milliseconds


def format_time(milliseconds: int) -> str:
    """Format milliseconds since the epoch as RFC 3339 in UTC: `2026-11-08T16:12:48.385Z`."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:03d}Z"


def format_duration(milliseconds: int) -> str:
    """Format milliseconds compactly: `12ms`, `3.2s`, `4m10s`, `3h05m`, `2d04h`."""
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f}s"
    minutes, seconds = divmod(milliseconds // 1000, 60)
    if minutes < 60:
        return f"{minutes}m{seconds:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h{minutes:02d}m"
    return f"{hours // 24}d{hours % 24:02d}h"


def format_bytes(count: float) -> str:
    """Format a number of bytes: `812 B`, `1.4 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def format_age(milliseconds: int) -> str:
    """Format a duration in whole seconds: `41s`, `3m10s`; a negative one as 0."""
    seconds = max(milliseconds, 0) // 1000
    return f"{seconds}s" if seconds < 60 else format_duration(seconds * 1000)
