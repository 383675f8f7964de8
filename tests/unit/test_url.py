"""URLs of servers: their public parts, and when a certificate is required."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import pq

from queuectl.domain.errors import UsageError
from queuectl.store.postgres.url import beside, check, secrets, shown, trust


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgres://ann@host:5433/db", "postgresql://ann@host:5433/db"),
        ("postgresql://ann:secret@host/db", "postgresql://ann@host/db"),
        ("postgresql://ann:se:cr@et@host/db", "postgresql://ann@host/db"),
        ("postgresql://ann@/db?host=/run/pg&password=secret", "postgresql://ann@/db?host=/run/pg"),
        ("postgresql:///db?PassWord=secret", "postgresql:///db"),
        ("postgresql:///db?pass%77ord=secret", "postgresql:///db"),
        ("postgresql:///db?oauth_client_secret=s&scram_client_key=s&user=ann", "postgresql:///db?user=ann"),
        ("postgresql://ann:se/cret@host/db", "postgresql://…"),
        ("postgresql://ann:12/34@host/db", "postgresql://…"),
        ("postgresql://ann:x@[::1]:5433,b:1,c/db", "postgresql://ann@[::1]:5433,b:1,c/db"),
        ("postgresql://host:5433?user=ann", "postgresql://host:5433?user=ann"),
        ("postgresql://h/db?sslpassword=secret&sslmode=verify-full", "postgresql://h/db?sslmode=verify-full"),
        ("postgresql://ann:sec?ret@host/db", "postgresql://ann@host/db"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, seen: str):
    assert shown(url) == seen


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("postgresql://host/db", "postgresql://host/other"),
        ("postgres://ann:secret@host:5433", "postgres://ann:secret@host:5433/other"),
        ("postgresql:///db?host=/run/pg&dbname=db&user=ann", "postgresql:///other?host=/run/pg&user=ann"),
        ("postgresql://host/db?dbname=db", "postgresql://host/other"),
    ],
)
def test_another_database_of_the_same_server_has_an_address(url: str, made: str):
    assert beside(url, "other") == made


@given(st.text("ab%:?&=#@/", min_size=1).map(lambda middle: f"SEC{middle}RET"))
def test_no_part_of_any_password_is_shown(password: str):
    for url in (f"postgresql://ann:{password}@host/db", f"postgresql://ann:{password}@host"):
        assert "SEC" not in shown(url)
        assert "RET" not in shown(url)


def test_every_parameter_of_libpq_is_public_or_secret():
    known = [option.keyword.decode() for option in pq.Conninfo.get_defaults()]
    hidden = {word for word in known if "=" not in shown(f"postgresql:///?{word}=x").partition("?")[2]}

    assert hidden == {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
    assert secrets({"host": "here", "password": "hers", "sslpassword": "", "newer": "x"}) == ["hers", "x"]


@pytest.mark.parametrize(
    "url",
    ["postgresql://a:b@c@host/db", "postgresql://a:b?c@host/db", "postgresql://a:b/c@host/db", "postgresql://h/\0"],
)
def test_what_would_be_misread_is_refused(url: str):
    with pytest.raises(UsageError) as refused:
        check(url)

    assert "b@c" not in refused.value.message
    assert "b?c" not in refused.value.message
    assert "b/c" not in refused.value.message


@pytest.mark.parametrize(
    ("given_", "environ"),
    [
        ({}, {}),
        ({"host": "/run/postgresql"}, {}),
        ({"host": "@abstract"}, {}),
        ({"host": "localhost,127.0.0.1,::1"}, {}),
        ({"hostaddr": "127.0.0.1"}, {}),
        ({"sslmode": "disable"}, {}),
        ({"host": "localhost", "hostaddr": "127.0.0.1", "service": "main"}, {}),
        ({}, {"PGHOST": "/run/postgresql", "PGSSLMODE": "prefer"}),
    ],
)
def test_a_server_on_this_machine_needs_no_certificate(given_: dict[str, str], environ: dict[str, str]):
    assert trust(given_, "it", environ) is None


@pytest.mark.parametrize(
    ("given_", "environ"),
    [
        ({"host": "db.example.org"}, {}),
        ({"host": "localhost,db.example.org"}, {}),
        ({"host": "localhost.example.org"}, {}),
        ({"host": "localhost", "hostaddr": "10.0.0.1"}, {}),
        ({"host": "db.example.org", "hostaddr": "127.0.0.1"}, {}),
        ({"host": "localhost"}, {"PGHOSTADDR": "10.0.0.1"}),
        ({}, {"PGHOST": "db.example.org"}),
        ({}, {"PGHOSTADDR": "10.0.0.1"}),
        ({"service": "main"}, {}),
        ({}, {"PGSERVICE": "main"}),
        ({"service": "main"}, {"PGHOST": "localhost", "PGHOSTADDR": "127.0.0.1"}),
        ({"host": "localhost"}, {"PGSERVICE": "main"}),
    ],
)
def test_a_server_elsewhere_shows_who_it_is(given_: dict[str, str], environ: dict[str, str]):
    assert trust(given_, "it", environ) == "verify-full"
    assert trust(given_ | {"sslmode": "verify-full"}, "it", environ) == "verify-full"
    for weaker in ("disable", "allow", "prefer", "require", "verify-ca"):
        with pytest.raises(UsageError, match=f"sslmode={weaker}"):
            trust(given_ | {"sslmode": weaker}, "it", environ)
        with pytest.raises(UsageError, match=f"sslmode={weaker}"):
            trust(given_, "it", environ | {"PGSSLMODE": weaker})
