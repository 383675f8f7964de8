"""Due times as people write them, and times in the local zone."""

from __future__ import annotations

import time

import pytest

from queuectl.domain.errors import UsageError
from queuectl.domain.local_time import LocalTimes, described, format_local, parse_due_time
from queuectl.domain.units import format_time, parse_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MONDAY = parse_time("2026-11-30T06:41:08Z")
"""01:41:08 in New York."""
BEFORE_SPRING = parse_time("2026-03-07T20:00:00Z")
"""15:00 in New York, on the day before its clocks are put forward."""
BEFORE_AUTUMN = parse_time("2026-10-31T20:00:00Z")
"""16:00 in New York, on the day before its clocks are put back."""


@pytest.fixture(autouse=True)
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def in_zone(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TZ", name)
    time.tzset()


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("09:00", "2026-11-30T14:00:00.000Z"),
        ("9:00", "2026-11-30T14:00:00.000Z"),
        ("9am", "2026-11-30T14:00:00.000Z"),
        ("9:30 PM", "2026-12-01T02:30:00.000Z"),
        ("01:41", "2026-12-01T06:41:00.000Z"),
        ("01:41:08", "2026-12-01T06:41:08.000Z"),
        ("01:41:09", "2026-11-30T06:41:09.000Z"),
        ("today 09:00", "2026-11-30T14:00:00.000Z"),
        ("tomorrow 09:00", "2026-12-01T14:00:00.000Z"),
        ("  09:00   Tomorrow ", "2026-12-01T14:00:00.000Z"),
        ("2026-12-01T09:00", "2026-12-01T14:00:00.000Z"),
        ("2026-12-01 09:00", "2026-12-01T14:00:00.000Z"),
        ("2026-12-01T09:00:30", "2026-12-01T14:00:30.000Z"),
        ("2026-12-01T09:00Z", "2026-12-01T09:00:00.000Z"),
        ("2026-12-01 09:00+01:00", "2026-12-01T08:00:00.000Z"),
        ("monday 09:00", "2026-11-30T14:00:00.000Z"),
        ("Mon 01:00", "2026-12-07T06:00:00.000Z"),
        ("wednesday 09:00", "2026-12-02T14:00:00.000Z"),
        ("sun 09:00", "2026-12-06T14:00:00.000Z"),
        ("in 3h", "2026-11-30T09:41:08.000Z"),
        ("in 1h30m", "2026-11-30T08:11:08.000Z"),
        ("2026-07-01 09:00", "2026-07-01T13:00:00.000Z"),
    ],
)
def test_a_due_time_is_read_as_local_time(text: str, due: str):
    assert format_time(parse_due_time(text, now=MONDAY)) == due


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("01/02/2026", "can mean several dates", "2026-12-01"),
        ("01/02/2026 09:00", "can mean several dates", "year first"),
        ("1.2.2026 09:00", "can mean several dates", "year first"),
        ("12am", "can mean day and night", "00:00 or 12:00"),
        ("12:30 pm", "can mean day and night", "00:30 or 12:30"),
        ("next monday 09:00", "can mean two days", "leave out next"),
        ("tomorrow", "has no time of day", "tomorrow 09:00"),
        ("friday", "has no time of day", "friday 09:00"),
        ("2026-12-01", "has no time of day", "2026-12-01 09:00"),
        ("today 01:00", "has passed", "tomorrow 01:00"),
        ("in 3", "has no unit", "in 3h"),
        ("in 3 hourz", "is not a duration", "units"),
        ("in 1M", "is not a duration", "units"),
        ("09:00+01:00", "has an offset but no date", "09:00"),
        ("9", "is not a time", "09:00"),
        ("25:00", "is not a time", "09:00"),
        ("13pm", "is not a time", "09:00"),
        ("2026-02-30 09:00", "is not a time", "09:00"),
        ("2026-13-01 09:00", "is not a time", "09:00"),
        ("9999-12-31 23:59", "is not a time", "09:00"),
        ("tomorow 09:00", "is not a time", "09:00"),
        ("may 9 09:00", "is not a time", "09:00"),
        ("", "is not a time", "09:00"),
    ],
)
def test_an_unclear_due_time_is_refused_and_never_guessed(text: str, message: str, hint: str):
    with pytest.raises(UsageError) as caught:
        parse_due_time(text, now=MONDAY)

    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["2026-03-08 02:30", "02:30", "tomorrow 02:00", "sunday 2:59am"])
def test_a_due_time_that_the_clocks_leave_out_is_refused(text: str):
    with pytest.raises(UsageError, match="the clocks are put forward"):
        parse_due_time(text, now=BEFORE_SPRING)


@pytest.mark.parametrize("text", ["2026-11-01 01:30", "01:30", "tomorrow 01:00", "sun 01:59"])
def test_a_due_time_that_comes_twice_is_refused_and_both_are_named(text: str):
    with pytest.raises(UsageError, match="the clocks are put back") as caught:
        parse_due_time(text, now=BEFORE_AUTUMN)

    first, second = (caught.value.hint or "").removeprefix("write ").split(" or ")
    assert parse_time(second) - parse_time(first) == 3_600_000


def test_a_time_of_day_stays_the_same_across_a_change_of_the_clocks():
    assert format_time(parse_due_time("09:00", now=BEFORE_AUTUMN)) == "2026-11-01T14:00:00.000Z"
    assert format_time(parse_due_time("03:00", now=BEFORE_SPRING)) == "2026-03-08T07:00:00.000Z"
    # A duration counts hours, whatever the clocks do.
    assert format_time(parse_due_time("in 24h", now=BEFORE_AUTUMN)) == "2026-11-01T20:00:00.000Z"


@pytest.mark.parametrize(
    ("name", "due", "shown"),
    [
        ("UTC", "2026-12-01T09:00:00.000Z", "2026-12-01 09:00:00 UTC"),
        ("Asia/Kolkata", "2026-12-01T03:30:00.000Z", "2026-12-01 09:00:00 IST"),
        ("Pacific/Auckland", "2026-11-30T20:00:00.000Z", "2026-12-01 09:00:00 NZDT"),
    ],
)
def test_the_zone_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch, name: str, due: str, shown: str):
    in_zone(monkeypatch, name)

    moment = parse_due_time("2026-12-01 09:00", now=MONDAY)

    assert (format_time(moment), format_local(moment)) == (due, shown)


def test_the_times_of_a_table_name_a_zone_only_where_it_is_another():
    times = LocalTimes(MONDAY)

    assert times.zone == "EST"
    assert times.short(MONDAY) == "11-30 01:41:08"
    assert times.full(MONDAY) == "2026-11-30 01:41:08"
    assert times.short(BEFORE_AUTUMN) == "10-31 16:00:00 EDT"
    assert times.short(parse_time("2025-12-24T17:00:00Z")) == "2025-12-24 12:00:00"


def test_a_due_time_is_described_with_its_zone_and_its_distance():
    assert described(MONDAY + 3_600_000, now=MONDAY) == "2026-11-30 02:41:08 EST, in 1h00m"
    assert described(MONDAY, now=MONDAY) == "2026-11-30 01:41:08 EST, which is past: due at once"
