"""Times of schedules, for any interval, expression and day."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from queuectl.domain.schedule import MOST_MISSED, Timing
from queuectl.domain.timing import next_time, passed


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@given(since=st.integers(0, 10**12), every=st.integers(1000, 10**9), after=st.integers(0, 10**13))
def test_intervals_are_counted_from_their_beginning(since: int, every: int, after: int):
    timing = Timing(every_ms=every, since=since)
    found = next_time(timing, after)

    assert found is not None
    assert found > after
    assert found > since
    assert (found - since) % every == 0
    assert found - every <= max(after, since)


@given(
    cron=st.sampled_from(["30 2 * * *", "15 1,2 * * *", "45 1 * * *", "50 1 * * sun", "*/7 2 * * *", "*/20 * * * *"]),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    day=st.sampled_from(["2026-10-24", "2026-10-31", "2026-04-04", "2026-03-28", "2026-03-07", "2026-10-03"]),
    minutes=st.integers(0, 36 * 60),
)
def test_the_next_time_is_later_also_where_the_clocks_change(cron: str, zone: str, day: str, minutes: int):
    after = at(f"{day}T06:00+00:00") + minutes * 60_000

    assert (next_time(Timing(cron=cron, zone=zone), after) or 0) > after


@given(
    cron=st.sampled_from(["*/7 * * * *", "30 2 * * *", "15 1,2,3 * * *", "0 */6 * * *", "0 0 * * sun", "*/7 2 * * *"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    start=st.integers(at("2026-01-01T00:00+00:00"), at("2026-12-31T00:00+00:00")),
    hours=st.integers(0, 200),
)
def test_the_times_that_have_passed_are_the_last_of_those_that_came(cron: str, zone: str, start: int, hours: int):
    timing, now = Timing(cron=cron, zone=zone), start + hours * 3_600_000
    came, last = [], start - 1
    while (last := next_time(timing, last) or now + 1) <= now:
        came.append(last)

    assert passed(timing, start, now) == came[-MOST_MISSED:]
