"""Settings: typed, checked, with a hint."""

from __future__ import annotations

import re

import pytest

from queuectl import bootstrap
from queuectl.config import SETTINGS, known_key, origin, settings_from, show, unknown_variables
from queuectl.domain.errors import UsageError
from queuectl.domain.units import format_bytes, format_duration, format_time, parse_duration, parse_time


def test_defaults_are_those_of_the_contract():
    settings = settings_from({}, {})
    assert (settings.backoff_delay, settings.backoff_base, settings.backoff_max) == (0.5, 2, 3600)
    assert (settings.max_retries, settings.job_timeout, settings.backoff_jitter) == (3, None, 0)


def test_the_environment_wins_over_the_store_over_the_default():
    assert settings_from({"max_retries": "5"}, {}).max_retries == 5
    assert settings_from({"max_retries": "5"}, {"QUEUECTL_MAX_RETRIES": "7"}).max_retries == 7
    assert origin("max_retries", {"max_retries": "5"}, {}) == "store"
    assert origin("max_retries", {}, {"QUEUECTL_MAX_RETRIES": "7"}) == "environment"
    assert origin("max_retries", {}, {}) == "default"


def test_nonsense_in_the_environment_names_the_variable():
    with pytest.raises(UsageError, match="QUEUECTL_MAX_RETRIES"):
        settings_from({}, {"QUEUECTL_MAX_RETRIES": "many"})


def test_a_stored_value_of_a_newer_version_does_not_stop_a_worker():
    assert settings_from({"max_retries": "a lot", "unheard_of": "1"}, {}).max_retries == 3


def test_every_setting_takes_what_it_shows_and_explains_itself():
    for setting in SETTINGS.values():
        assert setting.parse(show(setting.default)) == setting.default
        assert setting.help
        assert re.fullmatch("[a-z_]+", setting.key)


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "", "x", "1e999", "0x10", "1001", "1.5"])
def test_a_count_out_of_bounds_is_refused(text: str):
    with pytest.raises(UsageError, match="max_retries"):
        SETTINGS["max_retries"].parse(text)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("QUEUECTL_MAX_RETRY", "QUEUECTL_MAX_RETRIES"),
        ("QUEUECTL_KEYMAPS", "QUEUECTL_KEYMAP"),
        ("QUEUECTL_DBS", "QUEUECTL_DB"),
        ("QUEUECTL_RUNS", None),
        ("QUEUECTL_JOB", None),
        ("QUEUECTL_ATTEMPTS", None),
        ("QUEUECTL_COLOUR", None),
    ],
)
def test_an_unknown_variable_is_named_with_one_that_a_user_can_set(name: str, meant: str | None):
    assert unknown_variables({name: "1", "PATH": "/bin"}) == [(name, meant)]


@pytest.mark.parametrize("name", ["DB", "DEBUG", "KEYMAP", "LEASE", "JOB_ID", "ATTEMPT", "RUN"])
def test_a_variable_that_means_something_is_known(name: str):
    assert unknown_variables({f"QUEUECTL_{name}": "1"}) == []


def test_dashes_are_accepted_and_typos_get_a_hint():
    assert known_key("Backoff-Base") == "backoff_base"
    with pytest.raises(UsageError) as error:
        known_key("backof_bse")
    assert error.value.hint is not None
    assert "backoff_base" in error.value.hint


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("90", 90_000),
        ("1.5", 1500),
        ("500ms", 500),
        ("90s", 90_000),
        ("1h30m", 5_400_000),
        ("7d", 604_800_000),
        ("5m500ms", 300_500),
        ("1w2d3h4m5s6ms", 788_645_006),
        (" 2 M ", None),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, milliseconds: int | None):
    if milliseconds is None:
        with pytest.raises(UsageError):
            parse_duration(text)
    else:
        assert parse_duration(text) == milliseconds


@pytest.mark.parametrize("text", ["", "-5", "5 parsecs", "1e9", "NaN", "٣s", "99999w", "1..5s", "s"])
def test_what_is_no_duration_is_refused(text: str):
    with pytest.raises(UsageError):
        parse_duration(text)


@pytest.mark.parametrize("text", ["1M", "90S", "1H30m", "1m1h", "1h1h", "500ms5s"])
def test_a_unit_is_lower_case_and_comes_once_after_larger_ones(text: str):
    for parse in (parse_duration, SETTINGS["job_timeout"].parse):
        with pytest.raises(UsageError) as error:
            parse(text)
        if parse is parse_duration:
            assert error.value.hint is not None
            assert "m (minutes)" in error.value.hint


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-11-08T16:12:48", "2026-13-01T00:00:00Z", "1969-01-01T00:00:00Z"]
)
def test_a_time_needs_a_date_and_a_zone(text: str):
    with pytest.raises(UsageError):
        parse_time(text)


@pytest.mark.parametrize(
    "text",
    ["2030-01-01t00:00:00z", "2030-01-01 01:00:00+01:00", "2030-01-01T00:00:00.000Z", " 2030-01-01T00:00:00-00:00 "],
)
def test_a_time_is_written_in_any_way_of_rfc_3339(text: str):
    assert parse_time(text) == 1_893_456_000_000


@pytest.mark.parametrize(
    "text",
    [
        "20300101T000000Z",
        "2030-W01-2T00:00:00Z",
        "2030-01-01T00:00:00,5Z",
        "2030-01-01T00:00:00 Z",
        "2030-01-01T00:00:00+0100",
        "2030-01-01T00:00:00+01:00:30",
        "2030-01-01T00Z",
        "2030-01-01Z",
        "٢٠٣٠-01-01T00:00:00Z",
    ],
)
def test_what_only_iso_8601_allows_is_no_time(text: str):
    with pytest.raises(UsageError, match="is not a time"):
        parse_time(text)


def test_times_are_printed_and_read_back_to_the_millisecond():
    assert format_time(1_762_618_368_385) == "2025-11-08T16:12:48.385Z"
    assert parse_time("2025-11-08T17:12:48.385+01:00") == 1_762_618_368_385


def test_sizes_and_durations_are_short():
    assert [format_duration(each) for each in (12, 3200, 250_000, 11_100_000, 187_200_000)] == [
        "12ms", "3.2s", "4m10s", "3h05m", "2d04h",
    ]  # fmt: skip
    assert [format_bytes(each) for each in (812, 1_468_006, 5 * 2**40)] == ["812 B", "1.4 MiB", "5.0 TiB"]


@pytest.mark.parametrize("data_home", [None, "", "/somewhere"])
def test_our_data_directory_is_the_one_that_platformdirs_names(data_home: str | None, monkeypatch: pytest.MonkeyPatch):
    import os

    import platformdirs

    if data_home is None:
        monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_DATA_HOME", data_home)
    assert bootstrap.data_directory(os.environ) == platformdirs.user_data_dir("queuectl")


@pytest.mark.parametrize("variable", ["XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"])
def test_a_relative_xdg_directory_is_ignored(variable: str):
    for relative in ("rel", "./rel", "~/rel", "../rel"):
        named = bootstrap.user_directory(variable, "/home/alice/default", {variable: relative}, "linux")
        assert named == "/home/alice/default/queuectl"
