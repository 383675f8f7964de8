"""Times of schedules: cron expressions in time zones, intervals, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from queuectl.domain.errors import UsageError
from queuectl.domain.schedule import MOST_MISSED, Timing
from queuectl.domain.timing import check_cron, check_zone, local_zone, passed, times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def local(timing: Timing, start: str, number: int) -> list[str]:
    """Return the first times after `start`, in the zone of the schedule."""
    zone = ZoneInfo(timing.zone or "UTC")
    return [
        datetime.fromtimestamp(each / 1000, zone).isoformat(timespec="minutes")
        for each in times(timing, at(start), number)
    ]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("*/20 * * * *", ["2026-01-01T00:20+00:00", "2026-01-01T00:40+00:00"]),
        ("0 9 * * mon-fri", ["2026-01-01T09:00+00:00", "2026-01-02T09:00+00:00"]),
        ("0 9 * * MON#1", ["2026-01-05T09:00+00:00", "2026-02-02T09:00+00:00"]),
        ("0 0 L * *", ["2026-01-31T00:00+00:00", "2026-02-28T00:00+00:00"]),
        ("0 0 29 2 *", ["2028-02-29T00:00+00:00", "2032-02-29T00:00+00:00"]),
        ("@hourly", ["2026-01-01T01:00+00:00", "2026-01-01T02:00+00:00"]),
        ("@yearly", ["2027-01-01T00:00+00:00", "2028-01-01T00:00+00:00"]),
    ],
)
def test_a_cron_expression_comes_at_its_times(cron: str, expected: list[str]):
    assert local(Timing(cron=check_cron(cron), zone="UTC"), "2026-01-01T00:00+00:00", 2) == expected


@pytest.mark.parametrize(
    ("zone", "start", "skipped", "after"),
    [
        ("Europe/Berlin", "2026-03-28T12:00+00:00", "30 2 * * *", "2026-03-29T03:00+02:00"),
        ("America/New_York", "2026-03-07T20:00+00:00", "30 2 * * *", "2026-03-08T03:00-04:00"),
        ("Australia/Lord_Howe", "2026-10-03T12:00+00:00", "15 2 * * *", "2026-10-04T02:30+11:00"),
    ],
)
def test_a_fixed_time_that_does_not_exist_comes_at_the_next_that_does(zone: str, start: str, skipped: str, after: str):
    assert local(Timing(cron=skipped, zone=zone), start, 1) == [after]


@pytest.mark.parametrize(
    ("zone", "start", "cron", "expected"),
    [
        ("Europe/Berlin", "2026-10-24T12:00+00:00", "30 2 * * *", ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]),
        (
            "America/New_York", "2026-10-31T20:00+00:00", "30 1 * * *",
            ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"],
        ),
        (
            "Australia/Lord_Howe", "2026-04-04T12:00+00:00", "45 1 * * *",
            ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"],
        ),
    ],
)  # fmt: skip
def test_a_fixed_time_that_comes_twice_fires_once(zone: str, start: str, cron: str, expected: list[str]):
    assert local(Timing(cron=cron, zone=zone), start, 2) == expected


def test_a_wildcard_follows_the_clock_in_an_hour_that_comes_twice():
    assert local(Timing(cron="*/30 * * * *", zone="Europe/Berlin"), "2026-10-24T23:50+00:00", 4) == [
        "2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("* * * * * *", "has 6 fields, not 5"),
        ("* * * *", "has 4 fields, not 5"),
        ("", "has 0 fields, not 5"),
        ("0 0 31 2 *", "the day of the month is invalid"),
        ("61 * * * *", "the minute is invalid"),
        ("*/0 * * * *", "the minute is invalid"),
        ("* 24 * * *", "the hour is invalid"),
        ("* * * 13 *", "the month is invalid"),
        ("* * * * funday", "the day of the week is invalid"),
        ("@reboot", "@reboot is not a time"),
        ("@fortnightly", "'@fortnightly' is not a schedule"),
    ],
)
def test_what_is_no_cron_expression_is_refused_with_its_field(cron: str, message: str):
    with pytest.raises(UsageError) as refused:
        check_cron(cron)

    assert message in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize("zone", ["Mars/Phobos", "", "../../etc/passwd", "Europe"])
def test_an_unknown_time_zone_is_refused(zone: str):
    with pytest.raises(UsageError, match="there is no time zone"):
        check_zone(zone)


def test_without_a_time_zone_database_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    import zoneinfo

    def unknown(_name: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError

    monkeypatch.setattr(zoneinfo, "ZoneInfo", unknown)
    monkeypatch.setattr(zoneinfo, "available_timezones", set)

    with pytest.raises(UsageError) as refused:
        check_zone("Europe/Berlin")

    assert "tzdata" in str(refused.value.hint)


def test_the_local_zone_is_that_of_tz(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", ":Asia/Tokyo")
    assert local_zone() == "Asia/Tokyo"
    monkeypatch.setenv("TZ", "CET-1CEST")
    with pytest.raises(UsageError, match="the local time zone has no name"):
        local_zone()


def test_the_local_zone_is_that_of_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("TZ", raising=False)
    link, copy, name = tmp_path / "link", tmp_path / "copy", tmp_path / "name"
    link.symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    copy.write_bytes(b"TZif2")
    name.write_text("Asia/Tokyo\n")

    assert local_zone(str(link)) == "Europe/Berlin"
    assert local_zone(str(copy), str(name)) == "Asia/Tokyo"
    assert local_zone(str(tmp_path / "nosuch")) == "UTC"
    with pytest.raises(UsageError, match="the local time zone has no name"):
        local_zone(str(copy), str(tmp_path / "nosuch"))


def test_within_an_hour_that_comes_twice_no_time_lies_in_the_past():
    timing = Timing(cron="30 2 * * *", zone="Europe/Berlin")

    assert local(timing, "2026-10-25T02:10+01:00", 1) == ["2026-10-26T02:30+01:00"]


def test_the_times_of_years_are_found_without_walking_over_all_of_them():
    now = at("2026-06-01T00:00+00:00")
    found = passed(Timing(cron="* * * * *", zone="UTC"), 0, now)

    assert len(found) == MOST_MISSED
    assert datetime.fromtimestamp(found[-1] / 1000, UTC).isoformat() == "2026-06-01T00:00:00+00:00"
