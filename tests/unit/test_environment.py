"""Environment snapshots: which variables of an environment they keep."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuectl.config import SETTINGS, settings_from
from queuectl.domain.environment import matches, snapshot, to_bytes, without
from queuectl.domain.errors import UsageError

DENY = str(SETTINGS["capture_deny"].default)


def kept(environ: dict[str, str], names: str | None = "*", deny: str | None = DENY) -> dict[str, str]:
    content = snapshot({to_bytes(name): to_bytes(value) for name, value in environ.items()}, names, deny)
    return {} if content is None else json.loads(content)


@given(st.text("ab", max_size=6), st.text("ab*", max_size=6))
def test_a_pattern_matches_as_in_a_shell(name: str, pattern: str):
    assert matches(name, pattern) == fnmatchcase(name, pattern)


def test_the_default_keeps_what_selects_programs_languages_and_time_zones():
    names = str(settings_from({}, {}).env_capture)
    environ = {"PATH": "/bin", "VIRTUAL_ENV": "/v", "CONDA_PREFIX": "/c", "LC_ALL": "C", "TZ": "UTC", "HOME": "/h"}

    assert kept(environ, names).keys() == {"PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "LC_ALL", "TZ"}
    assert kept(environ, str(settings_from({}, {}, server=True).env_capture)).keys() == {"LC_ALL", "TZ"}
    assert kept(environ, None) == {}


@pytest.mark.parametrize(
    "name",
    ["GITHUB_TOKEN", "github_token", "MY_SECRET_1", "DB_PASSWORD", "API_KEY", "AWS_REGION", "SSH_AUTH_SOCK",
     "XAUTHORITY", "COOKIE", "SENTRY_DSN", "DATABASE_URL", "PGPASSFILE", "SMTP_PASS",
     "DB_PASSWD", "MYSQL_PWD", "GH_PAT", "GCP_CREDS", "X_CREDENTIAL_FILE", "APP_JWT", "BEARER", "PRIVATE_PEM"],
)  # fmt: skip
def test_names_of_secrets_are_left_out(name: str):
    assert kept({name: "x", "FOO": "y"}) == {"FOO": "y"}
    assert kept({name: "x"}, name, None) == {name: "x"}


@pytest.mark.parametrize("value", ["http://user:password@proxy:80", "a,redis://:pw@host/0", "amqp://u:p/w@h"])
def test_values_that_hold_a_password_are_left_out_whatever_the_settings_say(value: str):
    assert kept({"http_proxy": value}, "http_proxy", None) == {}


@pytest.mark.parametrize("value", ["http://proxy:80", "mailto:a@b", "://", "ssh://git@host/x"])
def test_values_without_a_password_are_kept(value: str):
    assert kept({"A": value}) == {"A": value}


def test_variables_of_the_shell_and_of_queuectl_are_never_kept():
    environ = {"_": "x", "SHLVL": "1", "PWD": "/", "OLDPWD": "/", "TMOUT": "9", "QUEUECTL_DB": "q.db", "A": "1"}

    assert kept(environ) == {"A": "1"}


def test_equal_environments_have_equal_contents_in_ascii():
    one = snapshot({b"B": b"\xc3\xa9\xff", b"A": b"1"}, "A B", None)
    other = snapshot({b"A": b"1", b"B": b"\xc3\xa9\xff"}, "B A", None)

    assert one == other == '{"A": "1", "B": "\\u00e9\\udcff"}'
    assert to_bytes(json.loads(one)["B"]) == b"\xc3\xa9\xff"


def test_an_environment_without_any_wanted_variable_has_no_snapshot():
    assert snapshot({b"A": b"1"}, "B C*", None) is None


def test_an_environment_that_is_too_large_is_refused():
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        snapshot({b"A": b"x" * 1_100_000}, "*", None)


def test_a_worker_withholds_what_is_denied():
    own = {b"AWS_KEY": b"1", b"path": b"/bin", b"HOME": b"/h"}

    assert without(own, None) == own
    assert without(own, "AWS_* PATH") == {b"HOME": b"/h"}
