"""Backoff, for every valid configuration."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from queuectl.config import SETTINGS, Settings, settings_from, show
from queuectl.domain.backoff import Backoff


@st.composite
def backoffs(draw: st.DrawFn, *, jitter: bool = False) -> Backoff:
    """Any valid backoff."""

    def one(key: str) -> float:
        return draw(st.floats(SETTINGS[key].low, SETTINGS[key].high))

    return Backoff(
        delay=one("backoff_delay"),
        base=one("backoff_base"),
        maximum=one("backoff_max"),
        jitter=one("backoff_jitter") if jitter else 0,
    )


@given(backoffs(), st.integers(1, 1000))
def test_no_wait_is_shorter_than_the_one_before_or_longer_than_the_maximum(backoff: Backoff, retry: int):
    before, after = backoff.milliseconds(retry), backoff.milliseconds(retry + 1)

    assert 0 <= before <= after <= round(backoff.maximum * 1000)


@given(backoffs())
def test_the_first_wait_is_the_delay(backoff: Backoff):
    assert backoff.milliseconds(1) == round(min(backoff.delay, backoff.maximum) * 1000)


@given(backoffs(jitter=True), st.integers(1, 1001), st.integers())
def test_chance_takes_away_no_more_than_its_share(backoff: Backoff, retry: int, seed: int):
    whole = backoff.milliseconds(retry)

    wait = backoff.milliseconds(retry, random.Random(seed))

    assert isinstance(wait, int)
    assert whole * (1 - backoff.jitter) - 1 <= wait <= whole


@given(backoffs(jitter=True))
def test_what_is_configured_is_what_is_waited_by(backoff: Backoff):
    stored = {
        "backoff_delay": show(backoff.delay),
        "backoff_base": show(backoff.base),
        "backoff_max": show(backoff.maximum),
        "backoff_jitter": show(backoff.jitter),
    }

    now: Settings = settings_from(stored, {})

    for retry in (1, 2, 10):
        assert now.backoff.milliseconds(retry) <= round(now.backoff_max * 1000)
    assert now.backoff.jitter <= 1
