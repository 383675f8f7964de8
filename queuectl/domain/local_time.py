"""Local time, for people: times shown in the zone of the process, and due times as people write them.

The zone is that of the C library: TZ, else the system's. JSON has UTC alone (`units.format_time`).
"""

from __future__ import annotations

import os
import re
import time

from queuectl.domain.errors import UsageError
from queuectl.domain.text import safe
from queuectl.domain.units import MAX_TIME, format_duration, parse_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import date, datetime

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DATE = r"(?P<date>\d{4}-\d\d-\d\d)"
_DAY = r"(?P<day>[a-z]+)"
_CLOCK = r"(?P<hour>\d\d?)(?::(?P<minute>\d\d)(?::(?P<second>\d\d))?)?(?: ?(?P<half>am|pm))?"
_FORMS = (
    rf"(?:{_DATE}[t ]|{_DAY} )?{_CLOCK}(?P<offset>z|[+-]\d\d:\d\d)?",
    rf"{_CLOCK} (?:{_DATE}|{_DAY})(?P<offset>(?!))?",
)
_HINT = "write 09:00, tomorrow 09:00, monday 09:00, 2026-12-01 09:00, in 3h, or RFC 3339 with an offset"
_WEEK = 7
_ZONE_DIRECTORIES = ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo")
_POSIX_ZONE = re.compile(r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?\d")
"""The form of a zone that needs no file: `CET-1CEST`, `<+03>-3`."""


def zone(milliseconds: int) -> str:
    """Return the short name of the local zone at a time: `CET`, `EDT`, `UTC`."""
    return safe(time.localtime(milliseconds // 1000).tm_zone)


def format_local(milliseconds: int) -> str:
    """Format milliseconds since the epoch in local time, with its zone: `2026-11-08 17:12:48 CET`."""
    return f"{_written(milliseconds)} {zone(milliseconds)}"


class LocalTimes:
    """Formats the local times of one table, whose heading names the zone once."""

    def __init__(self, now: int) -> None:
        """Leave out the year of `now`, and name the zone that is in force then."""
        self._year = time.localtime(now // 1000).tm_year
        self.zone = zone(now)
        """The zone of every time that names no other."""

    def short(self, milliseconds: int) -> str:
        """Return `11-08 17:12:48`, with the year of another year, and with the zone where it was another: `… CEST`."""
        text = _written(milliseconds)
        if time.localtime(milliseconds // 1000).tm_year == self._year:
            text = text.partition("-")[2]
        return text + self._other(milliseconds)

    def full(self, milliseconds: int) -> str:
        """Return `2026-11-08 17:12:48`, with the zone where it was another."""
        return _written(milliseconds) + self._other(milliseconds)

    def _other(self, milliseconds: int) -> str:
        name = zone(milliseconds)
        return "" if name == self.zone else f" {name}"


def parse_due_time(text: str, *, now: int) -> int:
    """Return milliseconds since the epoch of a due time as people write it; `units.parse_time` reads RFC 3339.

    A time of day is the next one. Raises UsageError for anything that could mean two times or none.
    """
    typed = " ".join(text.split())
    words = typed.lower()
    if words.startswith("in "):
        return _later(text, typed[3:], now)
    form = next(filter(None, (re.fullmatch(pattern, words, re.ASCII) for pattern in _FORMS)), None)
    if form is None or (form["minute"] is None and form["half"] is None):
        raise _unclear(text, words)
    if not form["offset"] and (unknown := unknown_zone()) is not None:
        raise UsageError(
            f"the zone {unknown} of TZ is unknown, so a local time would be read as UTC",
            hint="set TZ to a zone such as Europe/Berlin, or write the time with an offset",
        )
    moment = _moment(text, form.groupdict(), now)
    if not 0 <= moment <= MAX_TIME:
        raise UsageError(f"{text[:40]!r} is out of range")
    return moment


def described(milliseconds: int, *, now: int) -> str:
    """Return a due time in full: `2026-12-01 09:00:00 CET, in 3h05m`; of one that has passed, that it is due now."""
    distance = f"in {format_duration(milliseconds - now)}" if milliseconds > now else "which is past: due at once"
    return f"{format_local(milliseconds)}, {distance}"


def _written(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(milliseconds // 1000))


def _later(text: str, duration: str, now: int) -> int:
    if re.fullmatch(r"[\d.]+", duration, re.ASCII):
        raise UsageError(f"{text[:40]!r} has no unit", hint=f"write in {duration}s, in {duration}m or in {duration}h")
    return now + parse_duration(duration)


def _moment(text: str, form: dict[str, str | None], now: int) -> int:
    # Loaded here: datetime costs a millisecond, which only a due time should pay.
    from datetime import datetime, timedelta

    clock = _clock(text, form)
    here = datetime.fromtimestamp(now / 1000)  # noqa: DTZ006 - local time is what people write
    try:
        if form["date"] is not None:
            if form["offset"]:
                offset = form["offset"].upper()
                return round(datetime.fromisoformat(f"{form['date']}T{clock}{offset}").timestamp() * 1000)
            return _local(text, datetime.fromisoformat(f"{form['date']}T{clock}"))
        if form["offset"]:
            raise UsageError(f"{text[:40]!r} has an offset but no date", hint=_HINT)
        day = _day(text, form["day"], here.date())
        at = datetime.fromisoformat(f"{day}T{clock}")
    except (ValueError, OverflowError):
        raise UsageError(f"{text[:40]!r} is not a time", hint=_HINT) from None
    if at > here:
        return _local(text, at)
    if form["day"] == "today":
        raise UsageError(f"{text[:40]!r} has passed", hint=f"write tomorrow {clock[:5]}")
    return _local(text, at + timedelta(days=_WEEK if form["day"] else 1))


def _clock(text: str, form: dict[str, str | None]) -> str:
    """Return `HH:MM:SS`; the digits may still be out of range."""
    hour = int(form["hour"] or 0)
    if form["half"]:
        if hour == 12:
            past = form["minute"] or "00"
            raise UsageError(f"{text[:40]!r} can mean day and night", hint=f"write 00:{past} or 12:{past}")
        # Beyond twelve it stays invalid, and is refused as such.
        hour = 99 if not 0 < hour < 12 else hour + 12 * (form["half"] == "pm")
    return f"{hour:02d}:{form['minute'] or '00'}:{form['second'] or '00'}"


def _day(text: str, word: str | None, today: date) -> date:
    from datetime import timedelta

    if word is None or word == "today":
        return today
    if word == "tomorrow":
        return today + timedelta(days=1)
    named = [day for day, name in enumerate(_DAYS) if name == word or name[:3] == word]
    if not named:
        raise _unclear(text, word)
    return today + timedelta(days=(named[0] - today.weekday()) % _WEEK)


def _local(text: str, at: datetime) -> int:
    """Return the one moment at which local clocks show `at`. Raises UsageError if there are two or none."""
    from datetime import datetime

    # `fold` chooses between the two offsets around a change of the clocks.
    early, late = at.timestamp(), at.replace(fold=1).timestamp()
    if early == late:
        return round(early * 1000)
    name = f"{at:%Y-%m-%d %H:%M}"
    if datetime.fromtimestamp(early) != at:  # noqa: DTZ006 - local time, as above
        raise UsageError(
            f"{text[:40]!r}: there is no {name} in local time, because the clocks are put forward",
            hint="write another time, or RFC 3339 with an offset",
        )
    both = [datetime.fromtimestamp(each).astimezone().isoformat() for each in (early, late)]
    raise UsageError(
        f"{text[:40]!r}: {name} comes twice in local time, because the clocks are put back",
        hint=f"write {both[0]} or {both[1]}",
    )


def _unclear(text: str, words: str) -> UsageError:
    shown = f"{text[:40]!r}"
    if re.search(r"\d[/.]\d+[/.]\d", words):
        return UsageError(f"{shown} can mean several dates", hint="write the date as 2026-12-01, year first")
    bare = {"today", "tomorrow", *_DAYS, *(name[:3] for name in _DAYS)}
    if words in bare or re.fullmatch(_DATE, words, re.ASCII):
        return UsageError(f"{shown} has no time of day", hint=f"write {words} 09:00")
    if words.startswith("next "):
        return UsageError(f"{shown} can mean two days", hint="leave out next, or write a date: 2026-12-01 09:00")
    return UsageError(f"{shown} is not a time", hint=_HINT)


def unknown_zone() -> str | None:
    """Return the value of TZ if the C library does not know it and takes UTC instead; else None."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if not name or _POSIX_ZONE.match(name):
        return None
    paths = [os.path.join(each, name) for each in (os.environ.get("TZDIR"), *_ZONE_DIRECTORIES) if each]
    return (
        None if any(map(os.path.isfile, paths)) or not any(map(os.path.isdir, _ZONE_DIRECTORIES)) else safe(name[:60])
    )
